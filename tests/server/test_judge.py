"""Judging without an LLM says what an exchange would say."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from guardrail.detectors.panel import Panel
from guardrail.domain.exchange import Scene, Side
from guardrail.domain.verdict import Action
from guardrail.guard import events
from guardrail.guard.session import Session
from guardrail.server.judge import LOOKS, judge
from guardrail.testing import Rimless, ScriptedDetector, ask, look, saying
from guardrail.wire.check import Sample

WORDS = {"开药": "prescription.order", "张三": "phi.mobile", "想死": "self_harm.intent"}
DETECTOR = ScriptedDetector(WORDS, precursors=("药",))
PANEL = Panel([DETECTOR])
BITS = st.sampled_from(["开药", "张三", "想死", "药", "好", "。", "\n", "，"])


def sample(text, side=Side.OUTPUT, scene=None, context=()):
    return Sample(None, text, side, scene, context)


async def test_offsets_are_those_of_the_text(world) -> None:
    policies = world().house.shelf.current
    verdict, seen = await judge(PANEL, policies, sample("先休息。打张三。"), Scene.C)
    assert verdict.action is Action.REDACT
    assert [(f.span.start, f.span.end) for f in seen.findings] == [(5, 7)]


async def test_context_is_seen_and_not_judged_again(world) -> None:
    policies = world().house.shelf.current
    for side in Side:
        verdict, _ = await judge(
            PANEL, policies, sample("好。", side, context=("开药。",)), Scene.C
        )
        assert verdict.action is Action.ALLOW


async def test_a_question_for_a_doctor_has_a_tier(world) -> None:
    policies = world().house.shelf.current
    verdict, _ = await judge(PANEL, policies, sample("想死", Side.INPUT), Scene.C)
    assert (verdict.action, verdict.tier.name) == (Action.HANDOVER, "TAKEOVER")


async def test_a_long_text_does_not_crowd_out_others(world) -> None:
    now, most = 0, 0

    class Counting(ScriptedDetector):
        async def look(self, passage):
            nonlocal now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.001)
            now -= 1
            return self.report(passage)

    verdict, seen = await judge(
        Panel([Counting(WORDS)]), world().house.shelf.current, sample("多休息。" * 21), Scene.C
    )
    assert (verdict.action, seen.final_upto, most) == (Action.ALLOW, 84, LOOKS)


async def test_a_precursor_at_the_end_is_settled(world) -> None:
    policies = world().house.shelf.current
    verdict, seen = await judge(PANEL, policies, sample("有药。"), Scene.C)
    assert (verdict.action, seen.final_upto) == (Action.ALLOW, 3)


@given(st.lists(BITS, max_size=20).map("".join), st.sampled_from([Scene.A, Scene.C]))
async def test_the_same_text_gets_the_same_verdict_as_in_an_exchange(policies, text, scene) -> None:
    said = saying(text, logprob=None) if text else saying("")[-2:]
    session = Session(policies)
    asked = events.Asked(ask("头痛", scene), 0.0)
    outcome = Rimless(session, lambda p: look(DETECTOR, p)).run([asked, *said])
    verdict, _ = await judge(PANEL, policies, sample(text), scene)
    assert verdict.action is outcome.close.verdict.action
    assert verdict.tier is outcome.close.verdict.tier


async def test_a_long_question_is_judged_in_parts_with_offsets_of_the_whole(policies) -> None:
    text = "头痛三天。" * 700 + "张三"
    verdict, seen = await judge(PANEL, policies, sample(text, Side.INPUT), Scene.C)
    assert verdict.action is Action.REDACT
    assert [(f.span.start, f.span.end) for f in seen.findings] == [(3500, 3502)]
    context = sample("好。", Side.INPUT, context=("张三。" + text,))
    assert (await judge(PANEL, policies, context, Scene.C))[0].action is Action.ALLOW


async def test_what_stands_behind_a_block_is_reported_too(policies) -> None:
    verdict, seen = await judge(PANEL, policies, sample("请开药。打张三。"), Scene.C)
    assert verdict.action is Action.BLOCK
    assert {f.kind for f in seen.findings} == {"prescription.order", "phi.mobile"}
