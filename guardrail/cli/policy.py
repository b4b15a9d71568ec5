"""`guardrail policy`: check, try and read policy files. Exit codes: 0 fine, 1 findings, 2 usage."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from guardrail.domain.errors import BadConfig
from guardrail.policy import check
from guardrail.policy.cases import CaseReport, run_file
from guardrail.policy.compile import compile_texts, policy_files, read_text, shipped_folder
from guardrail.policy.explain import Explanation, explain_policy, explain_rule
from guardrail.policy.schema import PolicyEntry, json_schema_text
from guardrail.policy.source import BadPolicy, parse

SCHEMA_LINE = "# yaml-language-server: $schema="

app = typer.Typer(
    help="Check, try and read policy files.", no_args_is_help=True, rich_markup_mode=None
)

PolicyPath = Annotated[
    Path, typer.Argument(exists=True, readable=True, help="A policy file or a folder of them.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


class Language(StrEnum):
    ZH = "zh"
    EN = "en"


@app.command()
def lint(path: PolicyPath, as_json: AsJson = False) -> None:
    """Check policy files without running anything; every complaint has file:line:column.

    Example: guardrail policy lint policies/
    """
    files = _files(path)
    complaints = _complaints(files)
    if as_json:
        _print_json({"files": len(files), "complaints": [_plain(each) for each in complaints]})
    else:
        _show_complaints(complaints)
        _say(f"{len(files)} files, {len(complaints)} complaints")
    raise typer.Exit(1 if complaints else 0)


@app.command("test")
def try_cases(
    path: PolicyPath,
    as_json: AsJson = False,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Also fail on untried rules and loose thresholds.")
    ] = False,
) -> None:
    """Run the cases beside policy files; name rules no case fires and thresholds no case holds.

    Example: guardrail policy test policies/ --thorough
    """
    reports, complaints = _run_all(_files(path))
    good = not complaints and all(r.thorough if thorough else r.passed for r in reports)
    if as_json:
        rows = [asdict(report) | {"passed": report.passed} for report in reports]
        _print_json(
            {"passed": good, "files": rows, "complaints": [_plain(each) for each in complaints]}
        )
    else:
        _show_complaints(complaints)
        _show_reports(reports)
    raise typer.Exit(0 if good else 1)


@app.command()
def schema(as_json: AsJson = False) -> None:  # noqa: ARG001 - JSON either way, so scripts may ask
    """Print the JSON Schema of policy files, for editors and other tools.

    Example: guardrail policy schema > policy.schema.json
    """
    typer.echo(json_schema_text(), nl=False)


@app.command()
def explain(
    target: Annotated[str, typer.Argument(help="A policy file or the id of a rule or policy.")],
    lang: Annotated[Language, typer.Option(help="Language of the words.")] = Language.ZH,
    policies: Annotated[
        Path | None, typer.Option(help="Where to look for the id; the shipped policies if unset.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say in words when a rule fires, what happens then, and which article it rests on.

    Example: guardrail policy explain prescription.order --lang en
    """
    try:
        explanations = list(_explanations(target, lang, policies))
    except BadConfig as error:
        _show_complaints([error])
        raise typer.Exit(2) from None
    if as_json:
        _print_json([asdict(each) for each in explanations])
        return
    for each in explanations:
        _show_explanation(each)


def _files(path: Path) -> list[Path]:
    try:
        return policy_files(path)
    except BadConfig as error:
        _show_complaints([error])
        raise typer.Exit(2) from None


def _complaints(files: Sequence[Path]) -> list[BadConfig]:
    found: list[BadConfig] = []
    texts = {}
    for path in files:
        try:
            texts[str(path)] = read_text(path)
        except BadConfig as error:
            found.append(error)
    try:
        compile_texts(texts)
    except BadPolicy as error:
        found += error.complaints
    found += [each for name, text in texts.items() for each in _house_rules(name, text)]
    return found


def _house_rules(name: str, text: str) -> Iterator[BadConfig]:
    """What does not stop a policy from working but should not stay."""
    if not text.startswith(SCHEMA_LINE):
        remedy = f"Begin with '{SCHEMA_LINE}../docs/policy.schema.json'."
        yield BadConfig("no_schema_line", "editors cannot check this file", remedy, f"{name}:1:1")
    try:
        source = parse(text, name)
    except BadPolicy:
        return
    expires = source.entry.expires
    if expires is not None and expires < _today():
        where = source.document.where(("expires",))
        remedy = "Choose mode: enforce or off, or a later day."
        yield BadConfig("shadow_over", "the trial is over and the rules act now", remedy, where)


def _today() -> date:
    return datetime.now(UTC).date()  # noqa: TID251 - the command line is the rim


def _run_all(files: Sequence[Path]) -> tuple[list[CaseReport], list[BadConfig]]:
    reports: list[CaseReport] = []
    complaints: list[BadConfig] = []
    for path in files:
        try:
            reports.append(run_file(path))
        except BadPolicy as error:
            complaints += error.complaints
        except BadConfig as error:
            complaints.append(error)
    return reports, complaints


def _explanations(target: str, lang: str, folder: Path | None) -> Iterator[Explanation]:
    path = Path(target)
    if path.is_file():
        yield from explain_policy(_entry(path), lang)
        return
    entries = [_entry(each) for each in policy_files(folder or shipped_folder())]
    for entry in entries:
        if entry.id == target:
            yield from explain_policy(entry, lang)
            return
        for rule in entry.rules:
            if rule.id == target:
                yield explain_rule(entry, rule, lang)
                return
    known = [name for e in entries for name in (e.id, *(rule.id for rule in e.rules))]
    remedy = check.did_you_mean(target, known) or "Name a file, a policy or a rule."
    raise BadConfig("no_such_rule", f"nothing is called '{target}'", remedy)


def _entry(path: Path) -> PolicyEntry:
    return parse(read_text(path), str(path)).entry


def _plain(error: BadConfig) -> dict[str, str]:
    message = error.message.removeprefix(f"{error.where}: ")
    return {"where": error.where, "message": message, "remedy": error.remedy}


def _print_json(data: object) -> None:
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2))


def _say(text: str) -> None:
    Console().print(text, highlight=False, soft_wrap=True)


def _show_complaints(complaints: Sequence[BadConfig]) -> None:
    console = Console(stderr=True)
    for each in complaints:
        line = _plain(each)
        where = f"[bold]{escape(line['where'])}[/bold]: " if line["where"] else ""
        text = f"{where}[red]{escape(line['message'])}[/red] {escape(line['remedy'])}"
        console.print(text.rstrip(), highlight=False, soft_wrap=True)


def _show_reports(reports: Sequence[CaseReport]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("policy", "cases", "failed", "rules", "never fired", "loose thresholds"):
        table.add_column(column, justify="left" if column == "policy" else "right")
    for each in reports:
        counts = (each.failures, each.unfired, each.unnoticed)
        failed, unfired, loose = (str(len(count)) for count in counts)
        table.add_row(
            escape(Path(each.file).name), str(each.cases), failed, str(each.rules), unfired, loose
        )
    Console().print(table)
    for report in reports:
        for failure in report.failures:
            _say(f"[red]FAILED[/red] {escape(failure.where)}: {escape(failure.name)}")
            for line in failure.wrong:
                _say(f"       {escape(line)}")
        for rule in report.unfired:
            _say(f"[yellow]never fired[/yellow] {escape(rule)}")
        for threshold in report.unnoticed:
            _say(f"[yellow]nobody notices[/yellow] {escape(threshold)}")


def _show_explanation(explanation: Explanation) -> None:
    _say(f"[bold]{escape(explanation.title)}[/bold] ({escape(explanation.name)})")
    for heading, lines in explanation.parts:
        _say(f"  [cyan]{escape(heading)}[/cyan]")
        for line in lines:
            _say(f"    {escape(line)}")
    _say("")
