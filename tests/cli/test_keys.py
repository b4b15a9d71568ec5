"""`guardrail keys new`."""

from __future__ import annotations

import hashlib
import json

from typer.testing import CliRunner

from guardrail import document
from guardrail.cli.keys import app
from guardrail.settings import KeySettings


def test_only_the_digest_goes_into_the_settings() -> None:
    done = CliRunner().invoke(app, ["new", "分诊 app"])
    shown, _, yaml = done.stdout.partition("\n\n")
    key = shown.removeprefix("key (shown once): ")
    (row,) = document.read(yaml, "keys").data["keys"]
    assert row == {"name": "分诊 app", "sha256": hashlib.sha256(key.encode()).hexdigest()}
    assert KeySettings(**row).caller().name == "分诊 app"
    assert key not in yaml


def test_every_key_is_another_one() -> None:
    rows = [json.loads(CliRunner().invoke(app, ["new", "x", "--json"]).stdout) for _ in range(3)]
    assert {frozenset(row) for row in rows} == {frozenset({"name", "key", "sha256"})}
    assert len({row["key"] for row in rows}) == 3
    assert all(len(row["key"]) > 40 for row in rows)
