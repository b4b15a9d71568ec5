"""Masking is complete, consistent and reversible."""

import json

from hypothesis import given
from hypothesis import strategies as st

from guardrail.domain.exchange import Span
from guardrail.guard.redact import Placeholders, united

PHONE = "phi.mobile"


def test_the_same_value_gets_the_same_placeholder_and_another_the_next() -> None:
    masks = Placeholders()
    text = "打13800138000或13900139000，还是13800138000"
    spans = [(Span(1, 12), PHONE), (Span(13, 24), PHONE), (Span(27, 38), PHONE)]
    masked = masks.mask(text, spans)
    assert masked == "打<MOBILE_1>或<MOBILE_2>，还是<MOBILE_1>"
    assert masks.restore(masked) == text
    assert masks.values == {"<MOBILE_1>": "13800138000", "<MOBILE_2>": "13900139000"}


def test_a_placeholder_the_caller_wrote_himself_is_never_given_out_or_restored() -> None:
    masks = Placeholders(["我写了<MOBILE_1>"])
    assert masks.mask("13800138000", [(Span(0, 11), PHONE)]) == "<MOBILE_2>"
    assert masks.restore("<MOBILE_1> <MOBILE_9>") == "<MOBILE_1> <MOBILE_9>"


def test_restoring_into_json_escapes() -> None:
    masks = Placeholders()
    masked = masks.mask('a "b"', [(Span(2, 5), "phi.person")])
    arguments = json.dumps({"name": masked})
    assert json.loads(masks.restore(arguments, json_string=True)) == {"name": 'a "b"'}


def test_overlaps_are_one_under_the_longest() -> None:
    spans = [(Span(5, 9), "b"), (Span(0, 6), "a"), (Span(9, 9), "c"), (Span(2, 20), "d")]
    assert united(spans) == [(Span(0, 20), "d")]


def test_spans_outside_the_text_are_cut_to_it() -> None:
    assert (
        Placeholders().mask("ab", [(Span(-3, 1), "phi.url"), (Span(5, 9), "phi.url")]) == "<URL_1>b"
    )


def test_a_name_of_the_question_is_never_another_value_in_the_answer() -> None:
    question = Placeholders(["13800138000"])
    assert question.name("phi.mobile", "13800138000") == "<MOBILE_1>"
    answer = Placeholders(["13800138000"], given=question)
    assert answer.name("phi.mobile", "13900139000") == "<MOBILE_2>"
    assert answer.name("phi.mobile", "13800138000") == "<MOBILE_1>"
    assert question.restore("<MOBILE_1> <MOBILE_2>") == "13800138000 <MOBILE_2>"


def test_nothing_to_restore_costs_nothing() -> None:
    assert Placeholders().restore("a < b") == "a < b"


SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)), max_size=6)


@given(st.text(alphabet="病人ab1<>_", max_size=40), SPANS)
def test_restore_undoes_mask_and_nothing_masked_stays(
    text: str, raw: list[tuple[int, int]]
) -> None:
    spans = [(Span(a, a + n), "phi.person") for a, n in raw]
    masks = Placeholders([text])
    masked = masks.mask(text, spans)
    assert masks.restore(masked) == text
    kept = [text[i] for i in range(len(text)) if not any(s.start <= i < s.end for s, _ in spans)]
    assert "".join(kept) == "".join(_without_placeholders(masked, masks))


def _without_placeholders(masked: str, masks: Placeholders) -> str:
    for made in masks.values:
        masked = masked.replace(made, "")
    return masked
