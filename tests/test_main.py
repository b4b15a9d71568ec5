"""The command as a whole: version, errors in one line, help with examples."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import guardrail
from guardrail.cli import app, main


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield path, command
        return
    for name, inner in below.items():
        yield from commands(inner, (*path, name))


COMMANDS = dict(commands(typer.main.get_command(app)))


def test_the_version() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout.strip()) == (0, guardrail.__version__)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_shows_an_example_of_itself(path: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, [*path, "--help"])
    assert done.exit_code == 0
    _, _, example = " ".join(done.stdout.split()).partition("Example: ")
    assert example.startswith(f"guardrail {' '.join(path)}")


def test_the_groups_are_all_there() -> None:
    assert {path[0] for path in COMMANDS} == {
        *("serve", "demo", "check", "doctor"),
        *("policy", "cases", "ledger", "models", "keys"),
    }


def test_an_error_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["guardrail", "serve", "--config", "/没有/guardrail.yaml"])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert said.out == ""
    assert said.err.startswith("guardrail: config_unreadable: /没有/guardrail.yaml")
    assert said.err.count("\n") == 1


def test_the_module_is_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["guardrail", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("guardrail", run_name="__main__")
    assert not ended.value.code
    assert capsys.readouterr().out.strip() == guardrail.__version__
