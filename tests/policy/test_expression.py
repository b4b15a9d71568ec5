from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.domain.taxonomy import taxonomy
from guardrail.policy.expression import (
    MAX_CHARS,
    MAX_DEPTH,
    MAX_MESSAGE,
    ExpressionError,
    Language,
    Threshold,
    Truth,
)

LANGUAGE = Language(taxonomy().score_keys)
CARE = "eth.clinical_care"


def truth(text: str, **values: object) -> Truth:
    known = {name.replace("__", "."): value for name, value in values.items()}
    return LANGUAGE.compile(text).truth(LANGUAGE.facts(known))


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        (f"{CARE} >= 0.9", {"eth__clinical_care": 0.9}, Truth.TRUE),
        (f"{CARE} >= 0.9", {"eth__clinical_care": 0.89}, Truth.FALSE),
        (f"{CARE} >= 0.9", {}, Truth.UNKNOWN),
        (f"!({CARE} >= 0.9)", {}, Truth.UNKNOWN),
        (f"false && {CARE} >= 0.9", {}, Truth.FALSE),
        (f"{CARE} >= 0.9 && false", {}, Truth.FALSE),
        (f"true || {CARE} >= 0.9", {}, Truth.TRUE),
        (f"{CARE} >= 0.9 || true", {}, Truth.TRUE),
        (f"{CARE} >= 0.9 || false", {}, Truth.UNKNOWN),
        ("scene == 'A' && injection > 0.5", {"scene": "A", "injection": 0.6}, Truth.TRUE),
        ("scene in ['A', 'B']", {"scene": "B"}, Truth.TRUE),
        ("purpose == '科研'", {"purpose": "科研"}, Truth.TRUE),
        ("purpose.startsWith('急诊')", {"purpose": "急诊分诊"}, Truth.TRUE),
        ("'phi.mobile' in kinds", {"kinds": ["phi.mobile"]}, Truth.TRUE),
        ("'phi.mobile' in kinds", {"kinds": []}, Truth.FALSE),
        ("kinds.exists(k, k.startsWith('phi.'))", {"kinds": ["phi.ip"]}, Truth.TRUE),
        ("['phi.ip', 'phi.url'].all(k, k in kinds)", {"kinds": ["phi.ip"]}, Truth.FALSE),
        (
            "scene == 'A' ? injection > 0.5 : 'phi.ip' in kinds",
            {"scene": "A", "injection": 0.6},
            Truth.TRUE,
        ),
        ("injection + self_harm > 1.0", {"injection": 0.6, "self_harm": 0.6}, Truth.TRUE),
    ],
)
def test_truth_has_three_values(text: str, values: dict[str, object], expected: Truth) -> None:
    assert truth(text, **values) is expected


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("eth.clinical_car >= 0.9", 4, "undeclared reference to 'eth.clinical_car'"),
        ("scene == '门诊' && scen == 'A'", 18, "undeclared reference to 'scen'"),
        ("scene == 1", 7, "no matching overload"),
        ("injection >= 1", 11, "decimal point, such as 1.0"),
        ("scene ==", 9, "Syntax error"),
        ("患者 == 'A'", 1, "Syntax error"),
        ("scene", 1, "true or false"),
        ("has(eth.clinical_care)", 1, "true or false"),
        ("1/0 > 2", 2, "'_/_' is not available"),
        ("size(kinds) > 0", 5, "'size' is not available"),
        ("kinds[0] == 'a'", 6, "'_[_]' is not available"),
        ("matches(scene, 'a')", 8, "'matches' is not available"),
        ("null == null", 1, "a whole number, null or bytes"),
        ("!('phi.ip' in kinds)", 1, "stop the rule from firing"),
        ("kinds.all(k, k != 'phi.ip')", 10, "stop the rule from firing"),
        ("(" * 300 + "true" + ")" * 300, 1, "too deeply nested"),
    ],
)
def test_errors_have_a_column(text: str, column: int, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        LANGUAGE.compile(text)
    assert caught.value.column == column
    assert words in caught.value.message


def test_errors_have_a_line() -> None:
    with pytest.raises(ExpressionError) as caught:
        LANGUAGE.compile("scene == 'A'\n && !('phi.ip' in kinds)")
    assert (caught.value.line, caught.value.column) == (2, 5)


def test_length_and_nesting_are_bounded() -> None:
    with pytest.raises(ExpressionError, match=f"longer than {MAX_CHARS}"):
        LANGUAGE.compile("true || " * MAX_CHARS + "true")
    nested = "injection > 0.5"
    for _ in range(MAX_DEPTH):
        nested = f"(scene == 'A' ? {nested} : false)"
    with pytest.raises(ExpressionError, match=f"deeper than {MAX_DEPTH}"):
        LANGUAGE.compile(nested)


def test_a_long_condition_is_not_quoted_whole() -> None:
    with pytest.raises(ExpressionError) as caught:
        LANGUAGE.compile("scene == '" + "(" * 600)
    assert len(caught.value.message) <= MAX_MESSAGE


def test_what_a_condition_reads_is_known() -> None:
    expression = LANGUAGE.compile(f"{CARE} >= 0.9 && 'phi.ip' in kinds && scene == 'A'")
    assert expression.scores == {CARE}
    assert expression.lookups == (("phi.ip", 28),)
    assert not expression.scans
    assert LANGUAGE.compile("kinds.exists(k, k == 'phi.ip')").scans


def test_thresholds_are_found_and_can_be_moved() -> None:
    expression = LANGUAGE.compile("purpose == '急诊' && injection >= 0.9 || self_harm > 5e-1")
    assert expression.thresholds == (Threshold(32, 35, 0.9), Threshold(51, 55, 0.5))
    moved = LANGUAGE.moved(expression, expression.thresholds[0], -0.01)
    assert moved.text == "purpose == '急诊' && injection >= 0.89 || self_harm > 5e-1"
    below = LANGUAGE.compile("injection > -0.5")
    assert LANGUAGE.moved(below, below.thresholds[0], 0.01).text == "injection > -0.49"


@given(st.text(max_size=60))
def test_any_text_compiles_or_is_refused(text: str) -> None:
    try:
        found = LANGUAGE.compile(text).truth(LANGUAGE.facts({}))
    except ExpressionError as error:
        found = None if error.line >= 1 and error.column >= 0 else error
    assert found is None or found in Truth


@given(st.dictionaries(st.sampled_from(sorted(taxonomy().score_keys)), st.floats(0, 1)))
def test_a_score_left_out_never_decides(scores: dict[str, float]) -> None:
    facts = LANGUAGE.facts(scores)
    for key in sorted(taxonomy().score_keys):
        found = LANGUAGE.compile(f"{key} >= 0.5").truth(facts)
        wanted = Truth.UNKNOWN if key not in scores else Truth(int(scores[key] >= 0.5))
        assert found is wanted
