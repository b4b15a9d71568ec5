"""`guardrail keys`: make an API key. Only its SHA-256 goes into the settings."""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import Annotated

import typer

app = typer.Typer(help="Make API keys.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Make API keys."""


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Shown in ledger and logs, never secret.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
    """Make a key, print it once, and print what to put under `keys:` in guardrail.yaml.

    Example: guardrail keys new triage-app
    """
    key = f"gr-{secrets.token_urlsafe(32)}"
    digest = hashlib.sha256(key.encode()).hexdigest()
    if as_json:
        typer.echo(json.dumps({"name": name, "key": key, "sha256": digest}))
        return
    typer.echo(f"key (shown once): {key}\n\nkeys:\n  - name: {name}\n    sha256: {digest}")
