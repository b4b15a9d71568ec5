"""The fakes that we ship do what they promise."""

from __future__ import annotations

import pytest

from guardrail.domain.errors import UpstreamFailed
from guardrail.domain.exchange import Passage, Scene, Side, Span, Speaker
from guardrail.domain.finding import GapReason
from guardrail.guard import effects, events
from guardrail.guard.session import Session
from guardrail.policy.compile import compile_texts
from guardrail.policy.evaluate import PolicySet
from guardrail.testing import (
    SCORES,
    Rimless,
    ScriptedDetector,
    ScriptedUpstream,
    ask,
    blind,
    look,
    play,
    saying,
)

PROFILE = """
id: scene
version: "1"
owner: tests
title: {zh: 场景, en: scene}
profile:
  scene: C
  hold: {mode: sentence, max_chars: 50}
  tiers: {when: on_handover}
  restore: true
  ask_logprobs: false
"""


@pytest.fixture(scope="module")
def policies() -> PolicySet:
    return compile_texts({"scene.yaml": PROFILE})


def passage(text: str, *, last: bool = False) -> Passage:
    return Passage(text, Side.OUTPUT, Speaker.ASSISTANT, last=last)


def test_an_exchange_with_one_turn() -> None:
    exchange = ask("头痛", Scene.B, stream=True)
    assert (exchange.turns[0].text, exchange.scene, exchange.stream) == ("头痛", Scene.B, True)


async def test_a_detector_finds_every_place_of_a_word() -> None:
    detector = ScriptedDetector({"开药": "prescription.order"})
    report = await detector.look(passage("开药，再开药", last=True))
    assert [found.span for found in report.findings] == [Span(0, 2), Span(4, 6)]
    assert detector.kinds == {"prescription.order"}
    assert ScriptedDetector().kinds


@pytest.mark.parametrize(
    ("text", "last", "upto"),
    [
        ("您好。用药", False, 3),
        ("您好。用药", True, 5),
        ("用药。一。二。三。四。", False, 11),
        ("用药。一。二。", False, 0),
        ("No word here", False, 12),
    ],
)
def test_a_precursor_holds_what_follows(text: str, last: bool, upto: int) -> None:
    detector = ScriptedDetector(precursors=("用药",))
    assert detector.report(passage(text, last=last)).final_upto == upto


def test_looks() -> None:
    seen = look(ScriptedDetector({"x": "phi.mobile"}), passage("ax", last=True))
    assert (len(seen.findings), seen.gaps, dict(seen.scores)) == (1, (), dict(SCORES))
    assert [gap.reason for gap in blind(passage("ax")).gaps] == [GapReason.LATE]


def test_a_dialogue(policies: PolicySet) -> None:
    exchange = ask("头痛")
    job = effects.Inspect(1, Passage("头痛", Side.INPUT, Speaker.USER, kinds=frozenset()))
    seen = look(ScriptedDetector(), job.passage)
    session = play(
        Session(policies),
        (">>", events.Asked(exchange, 0.0)),
        ("<<", job),
        (">>", events.Inspected(1, seen, 0.0)),
        ("<<", effects.Forward({}, ask_logprobs=False)),
    )
    assert session.state.name == "ANSWERING"


def test_a_dialogue_that_went_otherwise_names_both(policies: PolicySet) -> None:
    with pytest.raises(AssertionError, match=r"(?s)expected .*Cancel.*but got .*Inspect"):
        play(
            Session(policies),
            (">>", events.Asked(ask("Headache"), 0.0)),
            ("<<", effects.Cancel()),
        )


def test_a_session_without_a_rim(policies: PolicySet) -> None:
    rimless = Rimless(Session(policies), lambda p: look(ScriptedDetector(), p))
    outcome = rimless.run([events.Asked(ask("头痛"), 0.0), *saying("多休息。Rest.")])
    assert "".join(outcome.released.values()) == "多休息。Rest."
    assert outcome.close.ending is effects.Ending.ANSWERED
    assert len(outcome.of(effects.Record)) == 1
    assert rimless.closed


async def test_an_upstream_says_its_script_and_counts_those_who_left() -> None:
    said = [*saying("好")[:1], UpstreamFailed("upstream_reset", "x")]
    llm = ScriptedUpstream(lambda exchange, body: said)
    answer = llm.ask(ask("头痛"), b"{}")
    assert await anext(answer) == said[0]
    with pytest.raises(UpstreamFailed):
        await anext(answer)
    assert (llm.bodies, llm.cancelled) == ([b"{}"], 1)
    whole = ScriptedUpstream(lambda exchange, body: saying("好", logprob=None))
    kinds = [type(event).__name__ async for event in whole.ask(ask("头痛"), b"{}")]
    assert kinds == ["Delta", "Finished", "Ended"]
    assert whole.cancelled == 0
    assert await whole.models() == ["scripted"]
    await whole.close()
