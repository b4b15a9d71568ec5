from __future__ import annotations

from copy import deepcopy
from typing import Any

from benchmarks.quality.report import CLOSE, OPEN, placed, section


def test_the_section_replaces_its_earlier_version_and_nothing_else() -> None:
    text = f"# Measured\n\n## Before\n\n{OPEN}\nold\n{CLOSE}\n\n## After\n"
    assert (
        placed(text, "\nnew\n") == f"# Measured\n\n## Before\n\n{OPEN}\nnew\n{CLOSE}\n\n## After\n"
    )
    assert placed("# Measured\n", "new") == f"# Measured\n\n{OPEN}\nnew\n{CLOSE}\n"


def test_tables_are_whole(facts: dict[str, Any]) -> None:
    told = section(facts)
    assert told.startswith("## Judgement: `clinical-small`")
    columns = 0
    for line in told.splitlines():
        if not line.startswith("|"):
            columns = 0
            continue
        columns = columns or line.count("|")
        assert line.count("|") == columns, line
    assert "nan" not in told


def test_an_artifact_of_other_data_is_told_so(facts: dict[str, Any]) -> None:
    assert "**Careful: the artifact was trained on data" in section(facts)
    same = deepcopy(facts)
    same["run"]["trained on"] = same["run"]["data"]
    assert "Careful" not in section(same)


def test_the_other_guard_stands_in_its_own_columns(facts: dict[str, Any]) -> None:
    assert "not in the table: it was not asked" in section(facts)
    given = deepcopy(facts)
    given["other"] = {"shares": deepcopy(facts["baseline"]["shares"])}
    key = "violations: S-Eval medical requests (zh), by dimensions"
    given["other"]["shares"][key]["at"]["handover"] = {"n": 2, "rate": 0.5, "low": 0.1, "high": 0.9}
    (line,) = [
        row
        for row in section(given).splitlines()
        if row.startswith("| S-Eval medical requests (zh), any")
    ]
    assert ".500 (.100–.900) n 2" in line


def test_a_missing_head_and_a_float_file_are_told(facts: dict[str, Any]) -> None:
    given = deepcopy(facts)
    given["heads"] = [head for head in given["heads"] if head != "self_harm"]
    pair = {"pooled": 0.5, "heads": 0.4}
    given["float"] = {"int8": pair, "float": pair, "n": 9,
                      "int8 minus float": {"pooled": 0.0, "heads": -0.02}}  # fmt: skip
    told = section(given)
    assert "no head for self_harm" in told
    assert "| int8 within .01 F1 of float | pooled +0.0000, heads -0.0200 | **missed** |" in told
