"""Every metric that exists is explained in operations.md, and no other."""

from __future__ import annotations

import re

from guardrail.telemetry import metrics


def exposed() -> set[str]:
    return {family.name for family in metrics.Metrics().families()}


def test_every_metric_is_documented(library) -> None:
    names = exposed()
    assert names
    missing = library.undocumented("operations", names)
    assert not missing, "\n".join(missing)


def test_no_other_metric_is_named(library) -> None:
    suffixes = r"(?:_bucket|_sum|_count)?"
    known = re.compile("|".join(rf"{name}{suffixes}" for name in sorted(exposed())))
    for language in library.languages:
        page = library.page(language, "operations")
        for name in set(re.findall(r"`(guardrail_[a-z_]+)", page)):
            assert known.fullmatch(name), f"docs/{language}/operations.md: {name}"
