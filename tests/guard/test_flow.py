"""One channel: units in order, the frontier, what is masked."""

from guardrail.domain.exchange import Channel, Passage, Span, Strand
from guardrail.domain.finding import Finding, Gap, GapReason, Look
from guardrail.domain.verdict import Action, Reason, Severity, Verdict
from guardrail.guard.flow import CONTEXT_UNITS, Flow, Sight
from guardrail.guard.redact import Placeholders
from guardrail.wire.pieces import Token


def flow(text: str = "", strand: Strand = Strand.CONTENT) -> Flow:
    made = Flow(Channel(0, strand), 100)
    made.append(text, ())
    return made


def passages(made: Flow) -> list[Passage]:
    return [passage for _, passage in made.passages()]


def take(made: Flow, unit: int, look: Look, *, last: bool = False) -> int:
    return len(list(made.take(unit, look, last=last)))


def masking(*spans: Span) -> Verdict:
    findings = tuple(Finding("phi.mobile", span, 1.0, "d") for span in spans)
    return Verdict(Action.REDACT, "d", (Reason("r", "p", Action.REDACT, Severity.HIGH, findings),))


def test_units_come_with_context_before_them() -> None:
    units = [f"{char}。" for char in "一二三四五六七八九十甲乙"]
    made = flow("".join(units) + "七")
    found = passages(made)
    assert [p.text for p in found[:2]] == ["一。", "一。二。"]
    assert found[-1].text == "".join(units[-1 - CONTEXT_UNITS :])
    assert [p.text[p.fresh :] for p in found] == units
    assert not any(p.last for p in found)
    assert passages(made) == []
    made.end()
    (rest,) = passages(made)
    assert (rest.text[rest.fresh :], rest.last) == ("七", True)


def test_a_tool_call_is_one_unit() -> None:
    made = flow('{"a": "一。二。"}', Strand.TOOL_CALL)
    assert passages(made) == []
    made.end()
    assert [p.text for p in passages(made)] == ['{"a": "一。二。"}']


def test_answers_count_in_order_whatever_order_they_come_in() -> None:
    made = flow("一。二。")
    passages(made)
    assert take(made, 1, Look(final_upto=4)) == 0
    assert made.commit() == ("", ())
    assert take(made, 0, Look(final_upto=2)) == 2
    assert made.commit() == ("一。二。", ())
    assert not made.done


def test_the_frontier_follows_final_upto_to_a_whole_unit() -> None:
    made = flow("一。二二。")
    passages(made)
    take(made, 0, Look(final_upto=2))
    take(made, 1, Look(final_upto=3))
    assert made.commit() == ("一。", ())
    made.end()
    again = made.reinspection()
    assert again is not None
    assert (again[0], again[1].text, again[1].last) == (1, "一。二二。", True)
    take(made, 1, Look(final_upto=0), last=True)
    assert made.done
    assert made.reinspection() is None
    assert made.commit() == ("二二。", ())


def test_nothing_is_looked_at_again_while_answers_are_out() -> None:
    made = flow("一。")
    passages(made)
    made.end()
    assert made.reinspection() is None
    assert flow().reinspection() is None


def test_a_span_to_be_masked_is_never_cut() -> None:
    made = flow("一。二。三。")
    passages(made)
    take(made, 0, Look(final_upto=2))
    take(made, 1, Look(final_upto=4))
    made.verdict = masking(Span(3, 5))
    assert made.masks() == [(Span(3, 5), "phi.mobile")]
    assert made.commit() == ("一。", ())
    assert not made.leaked()
    made.verdict = masking(Span(1, 5))
    assert made.leaked()


def test_spans_that_overlap_one_another_hold_back_together() -> None:
    made = flow("一。二。三。四。")
    passages(made)
    for unit in range(3):
        take(made, unit, Look(final_upto=2 * unit + 2))
    made.verdict = masking(Span(0, 3), Span(2, 4), Span(3, 7))
    assert made.commit() == ("", ())


def test_masked_text_of_a_range() -> None:
    made = flow("打甲，打乙")
    made.verdict = masking(Span(1, 2), Span(4, 5))
    assert made.masked(3, 5, Placeholders()) == "打<MOBILE_1>"
    assert flow("好").masked(0, 1, Placeholders()) == "好"


def test_tokens_belong_to_released_text_and_only_where_they_add_up() -> None:
    made = Flow(Channel(), 100)
    made.append("一。", (Token("一", -0.1), Token("。", -0.2)))
    made.append("二。", (Token("别", -0.3),))
    passages(made)
    take(made, 0, Look(final_upto=2))
    take(made, 1, Look(final_upto=4))
    assert made.commit() == ("一。二。", (Token("一", -0.1), Token("。", -0.2)))
    assert made.logprobs == [-0.1, -0.2, -0.3]


def test_log_probabilities_of_a_part_say_nothing_of_the_whole() -> None:
    made = Flow(Channel(), 100)
    made.append("一二三四五六七八九", (Token("一二三四五六七八九", -0.1),))
    made.append("十", ())
    assert made.measured == [-0.1]
    made.append("。", ())
    assert made.measured == ()


def test_context_that_was_judged_elsewhere() -> None:
    made = flow("前面。还有")
    made.skip()
    made.append("现在。", ())
    (passage,) = passages(made)
    assert (passage.text, passage.text[passage.fresh :]) == ("前面。还有现在。", "现在。")
    found = (
        Finding("phi.mobile", Span(0, 5), 1.0, "d"),
        Finding("phi.mobile", Span(4, 6), 1.0, "d", parts=(("x", Span(4, 5)),)),
    )
    take(made, 2, Look(found, final_upto=8))
    assert [f.span for f in made.sight.findings.values()] == [Span(4, 6)]
    assert made.commit() == ("现在。", ())
    ended = flow("一。")
    ended.skip()
    ended.end()
    assert ended.done


def test_a_sight_keeps_the_best_of_each_and_moves_offsets() -> None:
    sight = Sight()
    weak = Finding("phi.mobile", Span(0, 1), 0.2, "d", parts=(("x", Span(0, 1)),))
    strong = Finding("phi.mobile", Span(0, 1), 0.9, "d")
    gap = Gap("d", GapReason.LATE)
    sight.add(Look((weak,), (gap,), {"injection": 0.4}), 10)
    sight.add(Look((strong,), (gap,), {"injection": 0.1}), 10)
    sight.add(Look((weak,)), 10)
    (found,) = sight.observed.findings
    assert (found.span, found.score) == (Span(10, 11), 0.9)
    assert sight.observed.gaps == (gap,)
    assert sight.observed.scores == {"injection": 0.4}
