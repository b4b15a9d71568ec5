"""The five laws of the session, for any text, any chunking, any order of answers."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from guardrail.domain.exchange import Channel, Scene, Strand
from guardrail.domain.verdict import Action
from guardrail.guard import effects, events
from guardrail.guard.session import Session
from guardrail.testing import Outcome, Rimless, ScriptedDetector, ask, look

DETECTOR = ScriptedDetector(
    {"开药": "prescription.order", "张三": "phi.mobile", "想死": "self_harm.intent"},
    precursors=("药", "张"),
)
BITS = st.sampled_from(
    ["开", "药", "开药", "张", "张三", "想死", "好", "。", "，", "\n", ". ", "a", "?"]
)
ANSWER = st.lists(BITS, max_size=40).map("".join)
SCENES = st.sampled_from([Scene.A, Scene.B, Scene.C])


CONTENT = Channel()


def see(passage):
    return look(DETECTOR, passage)


def script(text: str, cuts: list[int], channel: Channel) -> list[events.Event]:
    marks = [0, *sorted({min(cut, len(text)) for cut in cuts}), len(text)]
    deltas = [events.Delta(channel, text[a:b], 0.0) for a, b in pairwise(marks) if a < b]
    return [*deltas, events.Finished(0, "stop", 0.0), events.Ended(0.0)]


def run(
    policies, text, cuts=(), scene=Scene.C, shuffle=lambda _: None, channel=CONTENT, detector=see
):
    session = Session(policies)
    asked = events.Asked(ask("头痛", scene), 0.0)
    rimless = Rimless(session, detector, shuffle)
    return rimless.run([asked, *script(text, list(cuts), channel)])


CUTS = st.lists(st.integers(0, 60), max_size=12)
CHANNELS = st.sampled_from(
    [Channel(), Channel(0, Strand.REASONING), Channel(0, Strand.TOOL_CALL, 1)]
)


@given(ANSWER, CUTS, SCENES, CHANNELS)
def test_nothing_leaves_that_was_not_cleared(policy_set, text, cuts, scene, channel) -> None:
    outcome = run(policy_set, text, cuts, scene, channel=channel)
    left = outcome.released.get(channel, "")
    assert "开药" not in left
    assert "张三" not in left
    assert "想死" not in left
    if "开药" in text:
        assert outcome.close.verdict.action is Action.BLOCK
    if not any(word in text for word in DETECTOR.words) and scene is not Scene.A:
        assert left == text


@given(ANSWER, CUTS, SCENES, CHANNELS)
def test_chunking_never_changes_what_leaves(policy_set, text, cuts, scene, channel) -> None:
    one = run(policy_set, text, (), scene, channel=channel)
    many = run(policy_set, text, cuts, scene, channel=channel)
    assert one.released == many.released
    assert one.close == many.close


@given(ANSWER, SCENES, st.randoms(use_true_random=False))
def test_the_order_of_answers_never_changes_what_leaves(policy_set, text, scene, chance) -> None:
    assert (
        run(policy_set, text, (), scene, chance.shuffle).released
        == run(policy_set, text, (), scene).released
    )


@given(ANSWER, CUTS, SCENES)
def test_every_path_ends_in_one_record_and_one_close_in_that_order(
    policy_set, text, cuts, scene
) -> None:
    said = run(policy_set, text, cuts, scene).said
    ends = [type(effect) for effect in said if isinstance(effect, effects.Record | effects.Close)]
    assert ends == [effects.Record, effects.Close]
    assert isinstance(said[-1], effects.Close)


@given(ANSWER, st.integers(0, 60), SCENES)
def test_so_does_every_path_that_is_broken_off(policy_set, text, at, scene) -> None:
    session = Session(policy_set)
    events_ = [events.Asked(ask("头痛", scene), 0.0), *script(text, list(range(60)), Channel())]
    lost = events.Lost(events.Party.CLIENT, "client_gone", 0.0)
    outcome: Outcome = Rimless(session, see).run([*events_[: max(1, at)], lost])
    assert len(outcome.of(effects.Record)) == len(outcome.of(effects.Close)) == 1


@given(ANSWER, SCENES, st.sampled_from(["prescription.order", "phi.mobile", "red_flag.emergency"]))
def test_one_more_finding_never_makes_a_verdict_milder(policy_set, text, scene, kind) -> None:
    more = ScriptedDetector({**DETECTOR.words, "好": kind}, precursors=DETECTOR.precursors)
    with_more = run(policy_set, text, (), scene, detector=lambda passage: look(more, passage))
    assert with_more.close.verdict.action >= run(policy_set, text, (), scene).close.verdict.action
