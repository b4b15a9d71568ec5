from guardrail.domain.exchange import Exchange, Passage, Side, Span, Speaker, Turn
from guardrail.domain.finding import Finding, Look
from guardrail.domain.verdict import Action
from guardrail.guard.question import Question

TURNS = (
    Turn(Speaker.SYSTEM, "你是助手", ("messages", 0, "content")),
    Turn(Speaker.USER, "打13800138000", ("messages", 1, "content")),
)


def question(policies) -> Question:
    return Question(Exchange("x", "m", TURNS), policies)


def phone(start: int) -> Look:
    return Look((Finding("phi.mobile", Span(start, start + 11), 1.0, "d"),))


def test_one_passage_for_each_turn_with_who_wrote_it(policy_set) -> None:
    assert question(policy_set).passages() == [
        Passage("你是助手", Side.INPUT, Speaker.SYSTEM),
        Passage("打13800138000", Side.INPUT, Speaker.USER),
    ]


def test_the_strictest_turn_decides_and_only_what_is_found_is_masked(policy_set) -> None:
    asked = question(policy_set)
    asked.take(0, Look())
    asked.take(1, phone(1))
    assert asked.judge().action is Action.REDACT
    assert asked.replaced == {1: "打<MOBILE_1>"}
    assert asked.placeholders.values == {"<MOBILE_1>": "13800138000"}


def test_nothing_found_changes_nothing(policy_set) -> None:
    asked = question(policy_set)
    assert asked.judge().action is Action.ALLOW
    assert asked.replaced == {}
