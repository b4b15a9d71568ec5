"""Every command and option stands in cli.md, in both languages; README names none that is not."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

EVERYWHERE = {"--help", "--install-completion", "--show-completion"}


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join(path), command
        return
    for name, inner in below.items():
        if not inner.hidden:
            yield from commands(inner, (*path, name))


def options(command: Any) -> set[str]:
    listed = {option for p in command.params for option in (*p.opts, *p.secondary_opts)}
    return {option for option in listed if option.startswith("--")} - EVERYWHERE


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    app = importlib.import_module("guardrail.cli").app
    return dict(commands(typer.main.get_command(app), ("guardrail",)))


def sections(page: str) -> dict[str, str]:
    parts = re.split(r"^#+ `(guardrail [^`]*)`.*$", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_command_is_documented(known, library) -> None:
    assert "guardrail serve" in known
    for language in library.languages:
        assert sorted(sections(library.page(language, "cli"))) == sorted(known), language


def test_every_option_is_documented(known, library) -> None:
    missing = []
    for language in library.languages:
        told = sections(library.page(language, "cli"))
        for name, command in known.items():
            said = told.get(name, "")
            missing += [
                f"{language}: {name} {o}" for o in sorted(options(command)) if o not in said
            ]
    assert not missing, "\n".join(missing)


def test_every_command_has_help_with_an_example(known) -> None:
    without = [name for name, command in known.items() if name not in (command.help or "")]
    assert without == []


def test_readme_and_docs_name_only_commands_that_exist(known, library) -> None:
    pages = [library.root / "README.md", *sorted((library.root / "docs").glob("*/*.md"))]
    groups = {" ".join(name.split()[:2]) for name in known}
    unknown = []
    for page in pages:
        blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
        text = "\n".join(blocks)
        for line in re.findall(
            r"^(?:\$ )?(?:\.venv/bin/)?(guardrail [a-z].*)$", text, re.MULTILINE
        ):
            words = line.split()
            if " ".join(words[:2]) not in groups or not any(
                line.startswith(name) for name in known
            ):
                unknown.append(f"{page.name}: {line}")
    assert unknown == []
