from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from guardrail import document
from guardrail.policy.compile import CASES
from guardrail.policy.schema import PolicyEntry, json_schema, json_schema_text

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(
    path for path in (ROOT / "policies").glob("*.yaml") if not path.name.endswith(CASES)
)


def test_the_exported_schema_is_current() -> None:
    stored = (ROOT / "docs" / "policy.schema.json").read_text("utf-8")
    assert stored == json_schema_text(), "run: guardrail policy schema > docs/policy.schema.json"
    assert json.loads(stored) == json_schema()


def test_it_is_draft_7() -> None:
    jsonschema.Draft7Validator.check_schema(json_schema())
    assert "$defs" not in json_schema_text()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_policies_agree_with_it_and_name_it(path: Path) -> None:
    text = path.read_text("utf-8")
    jsonschema.Draft7Validator(json_schema()).validate(document.read(text, path.name).data)
    named = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / named).resolve() == ROOT / "docs" / "policy.schema.json"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("unknown", 1),
        ("id", "大写不行"),
        ("version", 1.0),
        ("mode", "on"),
        ("expires", "soon"),
        ("rules", [{"id": "a", "severity": "low", "action": "forgive"}]),
        ("rules", [{"id": "a", "severity": "low", "action": "block", "on_gap": "redact"}]),
        ("rules", [{"id": "a", "severity": "low", "action": "block", "at_least": 1.5}]),
        ("rules", [{"id": "a", "severity": "low", "action": "block", "at_least": float("nan")}]),
        ("profile", {"scene": "E"}),
        ("profile", {"scene": "C", "hold": {"mode": "none"}}),
    ],
)
def test_shapes_that_are_refused(key: str, value: object) -> None:
    good = {"id": "a", "version": "1", "owner": "药学部", "title": {"zh": "试", "en": "try"}}
    PolicyEntry.model_validate(good)
    with pytest.raises(ValidationError):
        PolicyEntry.model_validate(good | {key: value})
