"""Policies for session tests: small, and compiled from YAML like any other."""

import pytest

from guardrail.policy.compile import compile_texts
from guardrail.policy.evaluate import PolicySet

RULES = """
id: test-rules
version: "1"
owner: tests
title: {zh: 测试, en: test}
rules:
  - id: t.block
    severity: critical
    find: [prescription.order]
    action: block
    on_gap: block
    reply: {zh: 不能开药, en: no prescriptions}
  - id: t.mask
    severity: high
    find: [phi.mobile]
    action: redact
    on_gap: block
  - id: t.hand
    severity: high
    find: [self_harm.intent]
    action: handover
    on_gap: block
  - id: t.note
    severity: low
    find: [red_flag.emergency]
    action: annotate
    on_gap: annotate
"""

PROFILE = """
id: test-scene-{low}
version: "1"
owner: tests
title: {{zh: 场景, en: scene}}
profile:
  scene: {scene}
  hold: {{mode: {mode}, max_chars: 50}}
  tiers: {{when: {when}}}
  restore: {restore}
  ask_logprobs: true
"""


def policies() -> PolicySet:
    texts = {"rules.yaml": RULES}
    for scene, mode, when, restore in [
        ("A", "full", "always", "true"),
        ("B", "full", "on_handover", "false"),
        ("C", "sentence", "on_handover", "true"),
    ]:
        text = PROFILE.format(scene=scene, low=scene.lower(), mode=mode, when=when, restore=restore)
        texts[f"scene-{scene}.yaml"] = text
    return compile_texts(texts)


@pytest.fixture(scope="session")
def policy_set() -> PolicySet:
    return policies()
