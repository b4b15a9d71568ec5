"""A desk over paper: cases and keys that a test writes down, a clock that it turns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from fastapi import FastAPI

from guardrail.desk import pages
from guardrail.domain.case import NEXT, CaseState, HandoverCase, Step
from guardrail.domain.errors import BadRequest, BrokenLedger
from guardrail.domain.exchange import Caller
from guardrail.domain.verdict import Tier

NOW = 1_700_000_000.0
QUESTION = "我叫王小明，手机13800138000。皮疹是什么原因？"
ANSWER = "可能是过敏。Take 10 mg 氯雷他定 <script>alert(1)</script>，每日一次，连用七天。"
KEYS = {
    "doctor-key": Caller("dr-li", role="doctor"),
    "second-key": Caller("dr-wu", role="doctor"),
    "other-key": Caller("dr-far", tenant="elsewhere", role="doctor"),
    "app-key": Caller("app"),
}


def finding(at: str, kind: str, start: int, end: int, **changes: Any) -> dict[str, Any]:
    known = {"score": 0.98, "detector": "phi", "dimension": None, "parts": []}
    return {"at": at, "kind": kind, "start": start, "end": end, **known, **changes}


def case_file(question: str = QUESTION, answer: str = ANSWER, **changes: Any) -> dict[str, Any]:
    """A file as `server.cases` makes it."""
    found = [
        finding("turn:0", "phi.person", 2, 5),
        finding("turn:0", "phi.mobile", 8, 19),
        finding("0/content/0", "saf.medication", 6, 20, dimension="saf.medication", score=0.61),
    ]
    said = {"choice": 0, "strand": "content", "index": 0, "name": None, "text": answer}
    rule = {
        "rule": "phi.input",
        "policy": "phi",
        "action": "redact",
        "severity": "high",
        "shadow": False,
        "kinds": ["phi.mobile"],
        "gaps": ["clinical-small"],
        "references": ["个人信息保护法 第二十八条"],
    }
    file = {
        "case": {},
        "asked": {"turns": 1, "caller": "ward", "audience": "patient", "model": "m"},
        "decided": {
            "action": "handover",
            "confidence": 0.6,
            "confidence_source": "logprobs",
            "policy": "f6d8d407a1fc8a7f0ff9455b8ee57aef",
            "notes": ["confirm_not_proven"],
            "rules": [rule],
        },
        "released": {"ending": "filtered", "chars": 0},
        "inspected": [{"findings": found}],
        "reviewed": [],
        "turns": [{"speaker": "user", "text": question}],
        "withheld": [said] if answer else [],
        "left": [{**said, "text": ""}],
        "review": {},
    }
    return {**file, **changes}


def handover(name: str = "case-1", **changes: Any) -> HandoverCase:
    known: dict[str, Any] = {
        "exchange": name.removeprefix("case-"),
        "tenant": "default",
        "state": CaseState.OPEN,
        "tier": Tier.TAKEOVER,
        "scene": "A",
        "rules": ("phi.input",),
        "opened_at": NOW - 65 * 60,
        "confidence": 0.6,
    }
    return HandoverCase(id=name, **{**known, **changes})


@dataclass
class PaperCases:
    """A casebook in memory. `broken` makes every step fail as a ledger on a full disk does."""

    cases: dict[str, HandoverCase] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    said: list[Mapping[str, str]] = field(default_factory=list)
    broken: bool = False

    def put(self, case: HandoverCase, file: dict[str, Any] | None = None) -> HandoverCase:
        self.cases[case.id] = case
        self.files[case.id] = case_file() if file is None else file
        return case

    def listed(self, caller: Caller, state: CaseState | None) -> list[dict[str, object]]:
        return [
            {name: getattr(case, name) for name in case.__slots__}
            | {"tier": case.tier.name.lower() if case.tier else None}
            for case in self.cases.values()
            if case.tenant == caller.tenant and state in (None, case.state)
        ]

    def case(self, caller: Caller, case: str) -> HandoverCase:
        found = self.cases.get(case)
        if found is None or found.tenant != caller.tenant:
            raise BadRequest("case_not_found", "There is no such case.")
        return found

    async def file(self, case: HandoverCase) -> dict[str, Any]:
        return self.files[case.id]

    async def take(
        self, caller: Caller, case: str, step: Step, said: Mapping[str, str]
    ) -> HandoverCase:
        before = self.case(caller, case)
        after = NEXT.get((before.state, step))
        if self.broken:
            raise BrokenLedger("ledger_unavailable", "The ledger cannot be written.")
        if after is None or (before.claimed_by not in ("", caller.name) and step != "unclaim"):
            raise BadRequest("case_conflict", "Another doctor was faster.")
        self.said.append(said)
        self.files[case] = {
            **self.files[case],
            "reviewed": [
                *self.files[case]["reviewed"],
                {"at": NOW, "step": step.value, "by": caller.name},
            ],
            "review": dict(said),
        }
        holder = "" if after is CaseState.OPEN else before.claimed_by or caller.name
        decided = {"decided_by": caller.name, "decided_at": NOW} if step in _ENDS else {}
        self.cases[case] = replace(before, state=after, claimed_by=holder, **decided)
        return self.cases[case]


_ENDS = {Step.CONFIRM, Step.AMEND, Step.REJECT}


@dataclass
class PaperKeys:
    """A key ring; `open` as if no keys were in force."""

    open: bool = False

    def of_key(self, key: str) -> Caller | None:
        return Caller("local", role="local") if self.open else KEYS.get(key)


@dataclass
class Visitor:
    """One browser at the desk."""

    http: httpx.AsyncClient

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.http.get(path, **options)

    async def seal(self, path: str) -> str:
        """The seal in the forms of this page."""
        found = re.search(r'name="seal" value="(\w+)"', (await self.http.get(path)).text)
        assert found, path
        return found[1]

    async def send(self, path: str, page: str = "/desk", **fields: str) -> httpx.Response:
        """Fill in a form of `page` and send it to `path`."""
        return await self.http.post(path, data={"seal": await self.seal(page), **fields})

    async def sign_in(self, key: str = "doctor-key") -> httpx.Response:
        return await self.send("/desk/sign-in", "/desk/sign-in", key=key)

    async def step(self, name: str, case: str = "case-1", **fields: str) -> httpx.Response:
        return await self.send(f"/desk/cases/{case}/{name}", f"/desk/cases/{case}", **fields)


@dataclass
class PaperDesk:
    """The pages over paper cases; `now` may be turned."""

    book: PaperCases = field(default_factory=PaperCases)
    keys: PaperKeys = field(default_factory=PaperKeys)
    now: float = NOW
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.app = FastAPI()
        self.app.include_router(pages.routes(self.book, self.keys, lambda: self.now))

    def visitor(self, base: str = "http://127.0.0.1:8080", address: str = "10.0.0.1") -> Visitor:
        wire = httpx.ASGITransport(self.app, client=(address, 1))
        self.clients.append(httpx.AsyncClient(transport=wire, base_url=base))
        return Visitor(self.clients[-1])

    async def doctor(self, key: str = "doctor-key") -> Visitor:
        """A visitor who has signed in."""
        visitor = self.visitor()
        assert (await visitor.sign_in(key)).status_code == 303
        return visitor
