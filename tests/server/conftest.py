"""A whole house in this process: real policies and session, scripted detector and upstream."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from guardrail.app import application
from guardrail.detectors.panel import Panel
from guardrail.guard.events import Event
from guardrail.ledger.docket import Docket
from guardrail.policy.compile import compile_texts
from guardrail.server.callers import Callers
from guardrail.server.house import Doors, House, Shelf
from guardrail.settings import KeySettings, LimitSettings, Settings
from guardrail.storage.memory import MemoryLedger
from guardrail.testing import ScriptedDetector, ScriptedUpstream, saying

RULES = """
id: test-rules
version: "1"
owner: tests
title: {zh: 测试, en: test}
rules:
  - {id: t.block, severity: critical, find: [prescription.order], action: block, on_gap: block,
     reply: {zh: 不能开药, en: no prescriptions}}
  - {id: t.mask, severity: high, find: [phi.mobile], action: redact, on_gap: block}
  - {id: t.hand, severity: high, find: [self_harm.intent], action: handover, on_gap: block}
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
  restore: true
  ask_logprobs: true
"""
WORDS = {"开药": "prescription.order", "13800138000": "phi.mobile", "想死": "self_harm.intent"}
KEYS = {
    "app-key": {"name": "app"},
    "error-key": {"name": "strict", "on_block": "error", "extension": False},
    "a-key": {"name": "ward", "scene": "A", "audience": "clinician"},
    "doctor-key": {"name": "dr-li", "role": "doctor"},
    "ops-key": {"name": "ops", "role": "ops"},
    "other-key": {"name": "other", "tenant": "elsewhere", "role": "doctor"},
    "one-model-key": {"name": "narrow", "models": ["only-this"]},
}


@dataclass
class Watched:
    """Keeps what was seen."""

    things: list[Any] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)

    def saw(self, exchange, thing, at):
        self.things.append(thing)

    def refused(self, code):
        self.codes.append(code)


def policies():
    texts = {"rules.yaml": RULES}
    for scene, mode, when in [("A", "full", "always"), ("C", "sentence", "on_handover")]:
        texts[f"{scene}.yaml"] = PROFILE.format(
            scene=scene, low=scene.lower(), mode=mode, when=when
        )
    return compile_texts(texts)


POLICIES = policies()


@pytest.fixture(scope="session", name="policies")
def policies_fixture():
    return POLICIES


def keyed(keys=KEYS):
    return tuple(
        KeySettings(sha256=hashlib.sha256(key.encode()).hexdigest(), **facts)
        for key, facts in keys.items()
    )


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def chunks(self):
        lines = [line[6:] for line in self.body.decode().split("\n\n") if line.startswith("data: ")]
        return [json.loads(line) for line in lines if line != "[DONE]"]

    @property
    def text(self):
        return "".join(
            choice["delta"].get("content") or "" for c in self.chunks for choice in c["choices"]
        )

    @property
    def code(self):
        return self.json["error"]["code"]


@dataclass
class World:
    """A house and a way to call it."""

    house: House
    app: Any
    upstream: ScriptedUpstream
    watch: Watched

    async def call(
        self,
        path="/v1/chat/completions",
        body=None,
        *,
        method="POST",
        key="app-key",
        headers=(),
        raw=None,
        leave_after=None,
        query=b"",
    ):
        """One HTTP call. `leave_after`: the caller hangs up after so many body messages."""
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        sent = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(data)).encode()),
        ]
        sent += [(b"authorization", f"Bearer {key}".encode())] if key else []
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query,
            "root_path": "",
            "headers": [*sent, *headers],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        answer, gone, got = Answer(), asyncio.Event(), []
        waiting = [{"type": "http.request", "body": data, "more_body": False}]

        async def receive():
            if waiting:
                return waiting.pop(0)
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {k.decode().lower(): v.decode() for k, v in message["headers"]}
                return
            answer.body += message.get("body", b"")
            got.append(message)
            if leave_after is not None and len(got) >= leave_after:
                gone.set()

        async with asyncio.timeout(20):
            await self.app(scope, receive, send)
        return answer

    async def chat(self, text="头痛怎么办", **options):
        known = {"key", "headers", "leave_after"}
        call = {name: options.pop(name) for name in known & options.keys()}
        body = {"model": "m", "messages": [{"role": "user", "content": text}], **options}
        return await self.call(body=body, **call)

    async def kinds(self):
        return [entry.kind.value for entry in await self.house.ledger.entries()]

    async def entries(self, kind):
        return [entry for entry in await self.house.ledger.entries() if entry.kind.value == kind]


Script = Callable[..., Any]


@pytest.fixture
def world():
    """`world(answer, ...)`: a house whose upstream says `answer` (text, events or a function)."""

    def build(
        answer: Any = "多休息。多喝水。",
        *,
        detector=None,
        ledger=None,
        limits=None,
        keys=None,
        ready=(),
        policy_set=POLICIES,
    ):
        def script(exchange, body) -> list[Event | Exception]:
            said = answer(exchange, body) if callable(answer) else answer
            return saying(said) if isinstance(said, str) else list(said)

        settings = Settings(
            keys=keyed() if keys is None else keys, limits=limits or LimitSettings()
        )
        upstream, watch = ScriptedUpstream(script), Watched()
        found = detector or ScriptedDetector(WORDS, precursors=("药",))

        async def missing():
            return list(ready)

        house = House(
            settings=settings,
            callers=Callers(settings.keys),
            shelf=Shelf(lambda: policy_set, policy_set),
            panel=Panel([found]),
            ledger=ledger or MemoryLedger(),
            docket=Docket(),
            upstream=upstream,
            watch=watch,
            clock=lambda: 1_700_000_000.0,
            render_metrics=lambda: (b"# metrics\n", "text/plain"),
            ready=missing,
            on_reload=lambda result: watch.codes.append(result),
            models=["judge 1"],
            doors=Doors(settings.limits.in_flight),
        )
        return World(house, application(house), upstream, watch)

    return build
