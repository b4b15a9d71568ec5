"""Judge a text without an LLM, by the same units, rules and tiers as an exchange.

For `/guard/v1/check`, `/v1/moderations` and `guardrail check`. An answer is judged sentence by
sentence as it would be on its way through the session, so that both say the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from guardrail.domain.exchange import Audience, Channel, Passage, Scene, Side, Speaker
from guardrail.domain.finding import Look
from guardrail.domain.verdict import Action, Verdict
from guardrail.guard import confidence
from guardrail.guard.flow import Flow, Sight
from guardrail.guard.ports import Panel
from guardrail.guard.question import cut
from guardrail.policy.evaluate import PolicySet, Scope
from guardrail.wire.check import Sample

LOOKS = 4  # sentences of one text that are looked at at a time; see `driver.LOOKS`


async def judge(
    panel: Panel, policies: PolicySet, sample: Sample, scene: Scene, tenant: str = "default"
) -> tuple[Verdict, Look]:
    """The verdict on `sample`, and all that was seen in `sample.passage` (offsets in its text).

    `scene` counts where the sample names none. There is no answer to be sure of, so whoever has
    to be handed over, or is in a scene that always tiers, is at the lowest tier.
    """
    scene = sample.scene or scene
    speaker = sample.passage.speaker
    scope = Scope(scene, sample.side, Audience.PATIENT, tenant, "", speaker)
    if sample.side is Side.INPUT:
        sight = await _question(panel, sample.passage)
        verdict = policies.judge(scope, sight.observed)
    else:
        flow = Flow(Channel(), policies.profile(scene, tenant).hold.max_chars)
        sight = flow.sight
        verdict = await _answer(panel, policies, scope, (flow, sample.passage))
    if sample.side is Side.OUTPUT or verdict.action is Action.HANDOVER:
        answer = Scope(scene, Side.OUTPUT, Audience.PATIENT, tenant, "", Speaker.ASSISTANT)
        verdict = policies.tiered(verdict, answer, confidence.UNKNOWN)
    return verdict, _seen(sight, len(sample.passage.text))


async def _question(panel: Panel, passage: Passage) -> Sight:
    sight = Sight()
    for start, fresh, end in cut(passage.text):
        if end > passage.fresh or end == len(passage.text):
            text = passage.text[start:end]
            seen = max(fresh, passage.fresh) - start
            part = replace(passage, text=text, fresh=seen, last=end == len(passage.text))
            sight.add(await panel.look(part), start, passage.fresh)
    return sight


async def _answer(
    panel: Panel, policies: PolicySet, scope: Scope, work: tuple[Flow, Passage]
) -> Verdict:
    flow, passage = work
    if passage.fresh:
        flow.append(passage.text[: passage.fresh], ())
        flow.skip()
    flow.append(passage.text[passage.fresh :], ())
    flow.end()
    verdict = Verdict(Action.ALLOW, policies.digest)
    units = list(flow.passages())
    while units:
        now, units = units[:LOOKS], units[LOOKS:]
        looks: Sequence[Look] = await asyncio.gather(*(panel.look(p) for _, p in now))
        for (unit, asked), look in zip(now, looks, strict=True):
            for _ in flow.take(unit, look, last=asked.last):
                # Not stopped by a block: who asks wants all that there is to find.
                flow.verdict = verdict = policies.judge(scope, flow.sight.observed)
        again = None if units else flow.reinspection()
        units = [again] if again else units
    return verdict


def _seen(sight: Sight, length: int) -> Look:
    found = sorted(sight.findings.values(), key=lambda f: (f.span, f.kind, f.detector))
    return Look(tuple(found), tuple(sight.gaps), dict(sight.scores), length)
