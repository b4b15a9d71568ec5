from hypothesis import given
from hypothesis import strategies as st

from guardrail.domain.exchange import Exchange, Passage, Side, Span, Speaker, Turn
from guardrail.domain.finding import Finding, Look
from guardrail.domain.verdict import Action
from guardrail.guard.flow import CONTEXT_UNITS
from guardrail.guard.question import Question, cut

TURNS = (
    Turn(Speaker.SYSTEM, "你是助手", ("messages", 0, "content")),
    Turn(Speaker.USER, "打13800138000", ("messages", 1, "content")),
)


def question(policies) -> Question:
    return Question(Exchange("x", "m", TURNS), policies)


def phone(start: int) -> Look:
    return Look((Finding("phi.mobile", Span(start, start + 11), 1.0, "d"),))


def test_one_passage_for_each_turn_with_who_wrote_it(policy_set) -> None:
    assert list(question(policy_set).passages()) == [
        (0, 0, Passage("你是助手", Side.INPUT, Speaker.SYSTEM, kinds=policy_set.needs)),
        (1, 0, Passage("打13800138000", Side.INPUT, Speaker.USER, kinds=policy_set.needs)),
    ]


def test_the_strictest_turn_decides_and_only_what_is_found_is_masked(policy_set) -> None:
    asked = question(policy_set)
    asked.take(0, 0, Look())
    asked.take(1, 0, phone(1))
    assert asked.judge().action is Action.REDACT
    assert asked.replaced == {1: "打<MOBILE_1>"}
    assert asked.placeholders.values == {"<MOBILE_1>": "13800138000"}


def test_nothing_found_changes_nothing(policy_set) -> None:
    asked = question(policy_set)
    assert asked.judge().action is Action.ALLOW
    assert asked.replaced == {}


def test_a_long_turn_is_looked_at_in_passages_that_see_what_was_before(policy_set) -> None:
    text = "患者头痛三天。" * 600
    asked = Question(Exchange("x", "m", (Turn(Speaker.USER, text, ("m",)),)), policy_set)
    found = list(asked.passages())
    assert len(found) == 3
    assert "".join(passage.text[passage.fresh :] for _, _, passage in found) == text
    assert [passage.last for _, _, passage in found] == [False, False, True]
    _, start, second = found[1]
    assert text[start : start + len(second.text)] == second.text
    assert second.text[: second.fresh] == "患者头痛三天。" * CONTEXT_UNITS


def test_what_a_later_passage_finds_is_masked_in_its_place(policy_set) -> None:
    text = "头痛三天。" * 400 + "打13800138000"
    asked = Question(Exchange("x", "m", (Turn(Speaker.USER, text, ("m",)),)), policy_set)
    for turn, start, passage in asked.passages():
        at = passage.text.find("13800138000")
        asked.take(turn, start, phone(at) if at >= 0 else Look())
    asked.judge()
    assert asked.replaced == {0: "头痛三天。" * 400 + "打<MOBILE_1>"}


@given(st.text(alphabet="ab。\n 病", max_size=4000), st.integers(1, 3))
def test_passages_cover_a_text_without_a_hole(text: str, times: int) -> None:
    whole = text * times
    found = cut(whole)
    assert [fresh for _, fresh, _ in found] == [0, *(end for _, _, end in found)][:-1]
    assert found[-1][2] == len(whole)
    assert all(start <= fresh <= end for start, fresh, end in found)
