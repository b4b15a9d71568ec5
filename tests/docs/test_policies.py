"""Every key a policy author may write stands in policies.md, in both languages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from guardrail.domain.taxonomy import taxonomy
from guardrail.policy import cases


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


def samples(page: str) -> tuple[str, str]:
    """The page's whole policy and its cases."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    policy = next(block for block in blocks if block.startswith("# yaml-language-server"))
    return policy, next(block for block in blocks if "\ncases:" in block)


def test_sample_policy_passes_its_sample_cases(library) -> None:
    for language in library.languages:
        policy, texts = samples(library.page(language, "policies"))
        report = cases.run(policy, texts, "ward-7.yaml", "ward-7.cases.yaml")
        assert (report.failures, report.cases, report.rules) == ((), 4, 3)
        assert report.thorough, (report.unfired, report.unnoticed)


def test_every_key_of_a_case_is_documented(library) -> None:
    words = set(keys(cases.CasesEntry.model_json_schema()))
    assert {"given", "expect", "gaps"} <= words
    missing = library.undocumented("policies", words)
    assert not missing, "\n".join(missing)
