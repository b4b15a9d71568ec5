"""The session as dialogues: told `>>`, answers `<<`."""

import dataclasses
import json
import math

import pytest

from guardrail.domain.exchange import (
    Audience,
    Caller,
    Channel,
    Passage,
    Scene,
    Side,
    Speaker,
    Strand,
)
from guardrail.domain.finding import Look
from guardrail.domain.verdict import Action, Tier
from guardrail.guard import effects, events
from guardrail.guard.effects import Ending
from guardrail.guard.session import TABLE, OutOfTurn, Session, State
from guardrail.policy.evaluate import PolicySet
from guardrail.testing import Outcome, Rimless, ScriptedDetector, ask, blind, look, play, saying
from guardrail.wire.pieces import Token

WORDS = {
    "服阿莫西林0.5g": "prescription.order",
    "13800138000": "phi.mobile",
    "不想活": "self_harm.intent",
    "胸痛": "red_flag.emergency",
}
DETECTOR = ScriptedDetector(WORDS, precursors=("阿莫西林",))
CHANNEL = Channel()
NEEDED = frozenset({*WORDS.values()})
THREE = json.dumps(
    {
        "alternatives": [
            {"title": title, "supporting": ["单侧"], "opposing": ["无先兆"]}
            for title in ("偏头痛", "紧张性头痛", "丛集性头痛")
        ]
    },
    ensure_ascii=False,
)


def see(passage):
    return look(DETECTOR, passage)


def run(
    policy_set: PolicySet, answer: list, question="头痛怎么办", scene=Scene.C, **changes
) -> Outcome:
    session = Session(policy_set, proven=changes.pop("proven", False))
    asked = events.Asked(ask(question, scene, **changes), 0.0)
    return Rimless(session, see).run([asked, *answer])


def records(outcome: Outcome) -> list[effects.Record]:
    return [effect for effect in outcome.said if isinstance(effect, effects.Record)]


def kinds(outcome: Outcome) -> list[str]:
    return [draft.kind.value for draft in records(outcome)[0].drafts]


def test_nothing_leaves_before_it_was_looked_at(policy_set: PolicySet) -> None:
    session = Session(policy_set)
    exchange = ask("头痛")
    (inspect,) = session.receive(events.Asked(exchange, 0.0))
    clear = Look(final_upto=99, scores=see(inspect.passage).scores)
    answer = "多休息。"
    play(
        session,
        (">>", events.Inspected(inspect.job, clear, 0.0)),
        ("<<", effects.Forward({}, True)),
        (">>", events.Delta(CHANNEL, "多休", 0.0)),
        (">>", events.Delta(CHANNEL, "息。喝", 0.0)),
        ("<<", effects.Inspect(2, _passage(answer))),
        (">>", events.Inspected(2, clear, 0.0)),
        ("<<", effects.Release(CHANNEL, answer)),
        (">>", events.Finished(0, "stop", 0.0)),
        (">>", events.Ended(0.0)),
        ("<<", effects.Inspect(3, _passage(answer + "喝", fresh=4, last=True))),
    )
    out = session.receive(events.Inspected(3, clear, 0.0))
    assert out[0] == effects.Release(CHANNEL, "喝")
    assert isinstance(out[1], effects.Record)
    assert len(out) == 2
    (close,) = session.receive(events.Recorded(7, 0.0))
    assert (close.ending, close.finish) == (Ending.ANSWERED, {0: "stop"})


def _passage(text: str, *, fresh: int = 0, last: bool = False):
    return Passage(text, Side.OUTPUT, Speaker.ASSISTANT, Strand.CONTENT, fresh, last, NEEDED)


def test_a_clean_answer_leaves_whole_with_one_record_and_one_close(policy_set: PolicySet) -> None:
    outcome = run(policy_set, saying("多休息。喝水"))
    assert outcome.released == {CHANNEL: "多休息。喝水"}
    assert kinds(outcome) == ["asked", "inspected", "inspected", "decided", "released"]
    assert [type(e).__name__ for e in outcome.said[-2:]] == ["Record", "Close"]
    assert outcome.close.verdict.action is Action.ALLOW


def test_a_block_keeps_the_violation_in_and_drops_the_upstream(policy_set: PolicySet) -> None:
    outcome = run(policy_set, saying("先休息。请服阿莫西林0.5g。再见。"))
    assert outcome.released == {CHANNEL: "先休息。"}
    assert [type(e).__name__ for e in outcome.said[-4:]] == ["Cancel", "Notify", "Record", "Close"]
    assert (outcome.close.ending, outcome.close.finish) == (Ending.FILTERED, {0: "content_filter"})
    assert outcome.close.case is None


def test_a_precursor_freezes_the_frontier_at_its_own_sentence(policy_set: PolicySet) -> None:
    freezing = run(policy_set, saying("好的。可选阿莫西林。")[:-2])
    assert freezing.released == {CHANNEL: "好的。"}
    outcome = run(policy_set, saying("好的。可选阿莫西林。第二。第三。第四。第五。"))
    assert outcome.released == {CHANNEL: "好的。可选阿莫西林。第二。第三。第四。第五。"}


def test_an_open_precursor_is_settled_when_nothing_follows(policy_set: PolicySet) -> None:
    outcome = run(policy_set, saying("好的。可选阿莫西林。"))
    assert outcome.released == {CHANNEL: "好的。可选阿莫西林。"}


def test_a_blocked_question_never_goes_upstream(policy_set: PolicySet) -> None:
    outcome = run(policy_set, saying("x"), question="服阿莫西林0.5g")
    assert not outcome.of(effects.Forward)
    assert not outcome.of(effects.Cancel)
    assert outcome.close.ending is Ending.FILTERED
    assert not outcome.close.forwarded
    assert kinds(outcome) == ["asked", "inspected", "decided", "released"]


def test_masked_questions_go_upstream_masked_and_come_back_restored(policy_set: PolicySet) -> None:
    outcome = run(policy_set, saying("我会打<MOBILE_1>。"), question="我的电话13800138000")
    (forward,) = outcome.of(effects.Forward)
    assert forward.replaced == {0: "我的电话<MOBILE_1>"}
    assert outcome.released == {CHANNEL: "我会打13800138000。"}
    assert outcome.close.verdict.action is Action.REDACT
    left = records(outcome)[0].drafts[-1].body
    assert left["channels"][0]["text"] == "我会打<MOBILE_1>。"


def test_placeholders_stay_where_the_profile_does_not_restore(policy_set: PolicySet) -> None:
    outcome = run(policy_set, saying("会打<MOBILE_1>。"), question="打13800138000", scene=Scene.B)
    assert outcome.released == {CHANNEL: "会打<MOBILE_1>。"}


def test_phi_of_the_answer_is_masked_and_not_restored(policy_set: PolicySet) -> None:
    outcome = run(policy_set, saying("请打13800138000找他。好。"))
    assert outcome.released == {CHANNEL: "请打<MOBILE_1>找他。好。"}


def test_restored_tool_arguments_stay_json(policy_set: PolicySet) -> None:
    call = Channel(0, Strand.TOOL_CALL, 0)
    answer = [
        events.Delta(call, '{"p":"<MOB', 0.0, "dial"),
        events.Delta(call, 'ILE_1>"}。', 0.0),
        events.Finished(0, "tool_calls", 0.0),
        events.Ended(0.0),
    ]
    outcome = run(policy_set, answer, question="打13800138000")
    (release,) = outcome.of(effects.Release)
    assert (release.text, release.name) == ('{"p":"13800138000"}。', "dial")


def test_a_tool_call_without_arguments_still_leaves(policy_set: PolicySet) -> None:
    call = Channel(0, Strand.TOOL_CALL, 0)
    answer = [events.Delta(call, "", 0.0, "now"), events.Finished(0, "tool_calls", 0.0)]
    outcome = run(policy_set, [*answer, events.Ended(0.0)])
    assert outcome.of(effects.Release) == [effects.Release(call, "", "now")]


def test_a_handover_reads_the_answer_to_its_end_but_says_nothing(policy_set: PolicySet) -> None:
    outcome = run(policy_set, saying("好的。我不想活。后面。"))
    assert outcome.released == {CHANNEL: "好的。"}
    assert outcome.close.case == "case-x1"
    assert outcome.close.verdict.tier is Tier.DIFFERENTIAL
    assert kinds(outcome)[-1] == "opened"
    withheld = records(outcome)[0].drafts[3].body
    assert withheld["withheld"][0]["text"] == "好的。我不想活。后面。"


def test_a_question_handed_over_waits_for_a_doctor(policy_set: PolicySet) -> None:
    outcome = run(policy_set, saying("x"), question="我不想活了")
    assert not outcome.of(effects.Forward)
    assert (outcome.close.case, outcome.close.verdict.tier) == ("case-x1", Tier.TAKEOVER)


@pytest.mark.parametrize(
    ("probability", "proven", "audience", "action", "tier"),
    [
        (0.97, True, Audience.CLINICIAN, Action.ANNOTATE, Tier.CONFIRM),
        (0.97, False, Audience.CLINICIAN, Action.HANDOVER, Tier.DIFFERENTIAL),
        (0.97, True, Audience.PATIENT, Action.HANDOVER, Tier.CONFIRM),
        (0.9499, True, Audience.CLINICIAN, Action.HANDOVER, Tier.DIFFERENTIAL),
        (0.7999, True, Audience.CLINICIAN, Action.HANDOVER, Tier.TAKEOVER),
        (None, True, Audience.CLINICIAN, Action.HANDOVER, Tier.TAKEOVER),
    ],
)
def test_scene_a_always_tiers(policy_set, probability, proven, audience, action, tier) -> None:
    logprob = None if probability is None else math.log(probability)
    caller = Caller(audience=audience)
    answer = saying("考虑偏头痛。", logprob=logprob)
    answer = [*answer, events.Differed("", 0.0)]
    outcome = run(policy_set, answer, scene=Scene.A, proven=proven, caller=caller)
    if tier is Tier.DIFFERENTIAL:
        assert outcome.of(effects.Differ) == [effects.Differ({}, "zh")]
        tier = Tier.TAKEOVER  # no alternatives came
    assert (outcome.close.verdict.action, outcome.close.verdict.tier) == (action, tier)
    assert outcome.close.case == "case-x1"
    assert bool(outcome.released) is (action is Action.ANNOTATE)


def differ(policy_set: PolicySet, said: str) -> Outcome:
    caller = Caller(audience=Audience.CLINICIAN)
    first = saying("考虑偏头痛。", logprob=math.log(0.9), reason="length")
    answer = [*first, events.Differed(said, 0.0)]
    return run(policy_set, answer, scene=Scene.A, caller=caller)


def test_three_alternatives_leave_in_place_of_one_conclusion(policy_set: PolicySet) -> None:
    outcome = differ(policy_set, THREE)
    assert outcome.released[CHANNEL].startswith("以下三项备选")
    assert "1. 偏头痛\n   支持：单侧\n   反对：无先兆" in outcome.released[CHANNEL]
    assert "考虑偏头痛。" not in outcome.released[CHANNEL]
    close = outcome.close
    assert (close.ending, close.verdict.tier) == (Ending.ANSWERED, Tier.DIFFERENTIAL)
    assert (close.case, close.finish) == ("case-x1", {0: "stop"})
    drafts = records(outcome)[0].drafts
    assert drafts[3].body["withheld"][0]["text"] == "考虑偏头痛。"
    assert drafts[4].body["channels"][0]["text"] == outcome.released[CHANNEL]


@pytest.mark.parametrize(
    "said",
    ["", "{}", THREE.replace("单侧", "x")[:-1], THREE.replace("偏", "服阿莫西林0.5g偏")],
)
def test_alternatives_that_may_not_leave_make_it_a_takeover(policy_set, said) -> None:
    outcome = differ(policy_set, said)
    assert not outcome.released
    assert outcome.close.verdict.tier is Tier.TAKEOVER
    assert "alternatives_unavailable" in outcome.close.verdict.notes


def test_alternatives_with_an_open_precursor_are_settled(policy_set: PolicySet) -> None:
    outcome = differ(policy_set, THREE.replace("无先兆", "阿莫西林"))
    assert outcome.released[CHANNEL].count("阿莫西林") == 3


def test_a_confidence_the_upstream_supplies_counts_before_its_logprobs(policy_set) -> None:
    answer = [*saying("好。")[:-1], events.Ended(0.0, confidence=0.5)]
    outcome = run(policy_set, answer, scene=Scene.A)
    assert outcome.close.verdict.confidence.source == "upstream"


def test_logprobs_leave_only_where_asked_for_and_nothing_was_altered(policy_set) -> None:
    outcome = run(policy_set, saying("好。打13800138000。"), wants_logprobs=True)
    first, second = outcome.of(effects.Release)
    assert first.tokens == (Token("好", -0.01), Token("。", -0.01))
    assert second.tokens == ()
    assert run(policy_set, saying("好。")).of(effects.Release)[0].tokens == ()


def test_a_blind_panel_blocks(policy_set: PolicySet) -> None:
    outcome = Rimless(Session(policy_set), blind).run([events.Asked(ask("头痛"), 0.0)])
    assert outcome.close.verdict.action is Action.BLOCK
    drafts = records(outcome)[0].drafts
    assert drafts[1].facts["gaps"] == [{"detector": "scripted", "reason": "late"}]


def test_a_span_whose_head_has_left_blocks_the_rest(policy_set: PolicySet) -> None:
    late = ScriptedDetector({"息。13800138000": "phi.mobile"})
    asked = events.Asked(ask("头痛"), 0.0)
    outcome = Rimless(Session(policy_set), lambda p: look(late, p)).run(
        [asked, *saying("多休息。13800138000。好。")]
    )
    assert outcome.released == {CHANNEL: "多休息。"}
    assert "guard.late_mask" in {reason.rule for reason in outcome.close.verdict.reasons}


def test_a_mask_over_several_sentences_is_never_cut(policy_set: PolicySet) -> None:
    long = ScriptedDetector({"张。三": "phi.mobile"})
    session = Session(policy_set)
    outcome = Rimless(session, lambda p: look(long, p)).run(
        [
            events.Asked(ask("x"), 0.0),
            events.Delta(CHANNEL, "好。找张。三吧。完", 0.0),
            events.Ended(0.0),
        ]
    )
    assert "张" not in outcome.released[CHANNEL].replace("<MOBILE_1>", "") or "late_mask" in str(
        outcome.close.verdict.reasons
    )


@pytest.mark.parametrize(
    ("party", "ending", "code"),
    [
        (events.Party.CLIENT, Ending.GONE, "client_gone"),
        (events.Party.UPSTREAM, Ending.FAILED, "upstream_reset"),
        (events.Party.DEADLINE, Ending.FAILED, "deadline"),
    ],
)
def test_a_loss_is_recorded_and_closed(policy_set, party, ending, code) -> None:
    answer = [*saying("好的。我不想活。还没完")[:-2], events.Lost(party, code, 0.0)]
    outcome = run(policy_set, answer)
    assert (outcome.close.ending, outcome.close.code) == (ending, code)
    assert outcome.close.case is None
    assert outcome.of(effects.Cancel)
    assert outcome.released == {CHANNEL: "好的。"}


def test_a_loss_before_the_question_was_judged_has_no_upstream_to_drop(policy_set) -> None:
    session = Session(policy_set)
    session.receive(events.Asked(ask("x"), 0.0))
    (record,) = session.receive(events.Lost(events.Party.CLIENT, "client_gone", 0.0))
    assert isinstance(record, effects.Record)


def test_what_cannot_be_recorded_is_not_answered(policy_set: PolicySet) -> None:
    session = Session(policy_set)
    (inspect,) = session.receive(events.Asked(ask("服阿莫西林0.5g"), 0.0))
    session.receive(events.Inspected(inspect.job, see(inspect.passage), 0.0))
    (close,) = session.receive(events.Unrecorded("ledger_unavailable", 0.0))
    assert (close.ending, close.code, close.case) == (Ending.FAILED, "ledger_unavailable", None)


def test_a_question_without_text_is_forwarded(policy_set: PolicySet) -> None:
    session = Session(policy_set)
    exchange = dataclasses.replace(ask("x"), turns=())
    assert session.receive(events.Asked(exchange, 0.0)) == [effects.Forward({}, True)]


EVENTS = [
    events.Asked(ask("x"), 0.0),
    events.Inspected(1, Look(), 0.0),
    events.Delta(CHANNEL, "x", 0.0),
    events.Finished(0, "stop", 0.0),
    events.Ended(0.0),
    events.Differed("", 0.0),
    events.Lost(events.Party.CLIENT, "client_gone", 0.0),
    events.Recorded(0, 0.0),
    events.Unrecorded("ledger_unavailable", 0.0),
]


def in_state(policy_set: PolicySet, state: State) -> Session:
    """A session brought to this state by what really leads there."""
    session = Session(policy_set)
    if state is State.IDLE:
        return session
    clinician = ask("x", Scene.A, caller=Caller(audience=Audience.CLINICIAN))
    (inspect,) = session.receive(events.Asked(clinician, 0.0))
    if state is State.ASKING:
        return session
    session.receive(events.Inspected(inspect.job, see(inspect.passage), 0.0))
    session.receive(events.Delta(CHANNEL, "x。", 0.0, None, (Token("x。", -0.1),)))
    if state in (State.SETTLING, State.DIFFERING):
        session.receive(events.Ended(0.0))
    if state is State.DIFFERING:
        session.receive(events.Inspected(2, see(_passage("x。")), 0.0))
    if state in (State.RECORDING, State.DONE):
        session.receive(EVENTS[6])
    if state is State.DONE:
        session.receive(EVENTS[7])
    assert session.state is state
    return session


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_pair_is_in_the_table_or_refused(policy_set, state, event) -> None:
    session = in_state(policy_set, state)
    if (state, type(event)) not in TABLE:
        with pytest.raises(OutOfTurn):
            session.receive(event)
        return
    if isinstance(event, events.Inspected) and state in (State.ANSWERING, State.SETTLING):
        event = events.Inspected(2, Look(), 0.0)
    if isinstance(event, events.Inspected) and state is State.DIFFERING:
        session.receive(events.Differed(THREE, 0.0))
        event = events.Inspected(3, Look(), 0.0)
    session.receive(event)


def test_a_masked_value_of_the_answer_never_becomes_the_callers_own(policy_set: PolicySet) -> None:
    detector = ScriptedDetector({**WORDS, "13900139000": "phi.mobile"})
    asked = events.Asked(ask("我的手机13800138000"), 0.0)
    said = saying("请打13900139000。您的是<MOBILE_1>。")
    outcome = Rimless(Session(policy_set), lambda passage: look(detector, passage)).run(
        [asked, *said]
    )
    released = "".join(effect.text for effect in outcome.of(effects.Release))
    assert released == "请打<MOBILE_2>。您的是13800138000。"
