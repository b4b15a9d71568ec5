from __future__ import annotations

from collections.abc import Callable

from guardrail.domain.exchange import Scene
from guardrail.policy.compile import compile_texts
from guardrail.policy.threshold import STEP, moves

TAIL = """\
rules:
  - {id: 无, severity: low, find: [phi.ip], action: redact}
  - {id: one, severity: low, find: [phi.ip], at_least: 0.5, action: redact}
  - {id: two, severity: low, when: eth.tcm >= 0.9 || injection > 0.2, action: block}
profile: {scene: C, tiers: {confirm: 0.95, differential: 0.8}}
""".replace("无", "none")


def test_every_number_is_moved_both_ways(policy_text: Callable[..., str]) -> None:
    found = dict(moves(compile_texts({"a.yaml": policy_text(TAIL)})))
    assert list(found) == [
        "one: at_least 0.5 -> 0.51",
        "two: when 0.9 -> 0.91",
        "two: when 0.2 -> 0.21",
        "try: confirm 0.95 -> 0.96",
        "try: differential 0.8 -> 0.81",
        "one: at_least 0.5 -> 0.49",
        "two: when 0.9 -> 0.89",
        "two: when 0.2 -> 0.19",
        "try: confirm 0.95 -> 0.94",
        "try: differential 0.8 -> 0.79",
    ]
    assert found["one: at_least 0.5 -> 0.51"].rules[1].at_least == 0.5 + STEP
    moved = found["two: when 0.2 -> 0.19"].rules[2].when
    assert moved is not None
    assert moved.text == "eth.tcm >= 0.9 || injection > 0.19"
    tiers = found["try: confirm 0.95 -> 0.94"].profile(Scene.C, "湘雅").tiers
    assert (tiers.confirm, tiers.differential) == (0.94, 0.8)
