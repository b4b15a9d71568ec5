"""Small policies, written as an author would write them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guardrail.domain.exchange import Audience, Scene, Side, Span, Speaker
from guardrail.domain.finding import Finding
from guardrail.policy.compile import compile_texts
from guardrail.policy.evaluate import PolicySet, Scope

HEAD = """\
id: {id}
version: "1"
owner: 药学部
title: {{zh: 测试, en: test}}
"""


@pytest.fixture(scope="session")
def policy_text() -> Callable[..., str]:
    """A policy file from its tail; `head` may be given to replace id."""

    def write(tail: str, name: str = "try") -> str:
        return HEAD.format(id=name) + tail

    return write


@pytest.fixture(scope="session")
def rules(policy_text: Callable[..., str]) -> Callable[..., PolicySet]:
    """A set of one file with these rules (flow mappings, one each)."""

    def build(*each: str, head: str = "") -> PolicySet:
        tail = head + "rules:\n" + "".join(f"  - {rule}\n" for rule in each)
        return compile_texts({"try.yaml": policy_text(tail)})

    return build


@pytest.fixture(scope="session")
def scope() -> Callable[..., Scope]:
    def build(
        scene: Scene = Scene.C,
        side: Side = Side.INPUT,
        audience: Audience = Audience.PATIENT,
        tenant: str = "default",
        purpose: str = "",
        speaker: Speaker = Speaker.USER,
    ) -> Scope:
        return Scope(scene, side, audience, tenant, purpose, speaker)

    return build


@pytest.fixture(scope="session")
def finding() -> Callable[..., Finding]:
    def build(kind: str, score: float = 0.9, at: int = 0) -> Finding:
        return Finding(kind, Span(at, at + 2), score, "test")

    return build
