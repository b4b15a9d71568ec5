"""Every key a policy author may write stands in policies.md, in both languages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from guardrail.domain.taxonomy import taxonomy


def keys(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for inner in schema.values():
            yield from keys(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from keys(inner)


def test_every_key_of_a_policy_is_documented(library) -> None:
    schema = json.loads((library.root / "docs/policy.schema.json").read_text("utf-8"))
    words = set(keys(schema))
    assert {"rules", "when", "on_gap"} <= words
    missing = library.undocumented("policies", words)
    assert not missing, "\n".join(missing)


def test_every_score_and_kind_is_documented(library) -> None:
    words = set(taxonomy().finding_kinds)
    missing = library.undocumented("policies", words)
    assert not missing, "\n".join(missing)
