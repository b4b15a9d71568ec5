"""The command `guardrail`: one file per group of commands.

`serve.py` starts the server, `demo.py` everything on this machine; `check.py` judges texts without
an LLM; `policy.py`, `ledger.py`, `cases.py`, `models.py` and `keys.py` are groups; `doctor.py`
looks for what is wrong with an installation. Every command has `--help` with an example; those that
report have `--json`. Exit codes: 0 fine, 1 findings, 2 it could not be carried out.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

import guardrail
from guardrail.cli import cases, check, demo, doctor, keys, ledger, models, policy, serve
from guardrail.domain.errors import GuardrailError

app = typer.Typer(
    name="guardrail",
    help="An OpenAI-compatible proxy that guards a clinical LLM.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks show local variables
    rich_markup_mode=None,
)
app.command(name="serve")(serve.serve)
app.command(name="demo")(demo.demo)
app.command(name="check")(check.check)
app.command(name="doctor")(doctor.doctor)
app.add_typer(policy.app, name="policy")
app.add_typer(cases.app, name="cases")
app.add_typer(ledger.app, name="ledger")
app.add_typer(models.app, name="models")
app.add_typer(keys.app, name="keys")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(guardrail.__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """An OpenAI-compatible proxy that guards a clinical LLM."""


def main() -> None:
    """Run; an error that someone can act on is told in one line with its remedy (exit code 2)."""
    try:
        app()
    except GuardrailError as error:
        typer.echo(f"guardrail: {error.code}: {error}", err=True)
        sys.exit(2)
