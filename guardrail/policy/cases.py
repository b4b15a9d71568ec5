"""Runs the `x.cases.yaml` beside `x.yaml`: what an author says must happen, and how well he asked.

A case gives findings, scores, gaps, scope and confidence, and says what must come of it. `given`
holds what all cases of the file share. The report also names rules that no case fires and
thresholds that could move by 0.01 without any case noticing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from guardrail import document
from guardrail.document import Document, DocumentError
from guardrail.domain.errors import BadConfig
from guardrail.domain.exchange import Audience, Scene, Side, Span, Speaker
from guardrail.domain.finding import Finding, Gap, GapReason
from guardrail.domain.taxonomy import taxonomy
from guardrail.domain.verdict import Action, Confidence, Verdict
from guardrail.policy import check
from guardrail.policy.compile import CASES, compile_texts, read_text
from guardrail.policy.evaluate import Observed, PolicySet, Scope
from guardrail.policy.schema import ActionName, Line, Share, Strict
from guardrail.policy.source import CODE, BadPolicy, misshapen
from guardrail.policy.threshold import moves


class ScopeGiven(Strict):
    """Where the text of a case stands; what is left out is taken from `given`, then from here."""

    scene: Scene = Scene.C
    side: Side = Side.INPUT
    audience: Audience = Audience.PATIENT
    tenant: str = "default"
    purpose: str = ""
    speaker: Speaker | None = None


class GapGiven(Strict):
    detector: Line = "detector"
    reason: GapReason = GapReason.LATE
    kinds: tuple[Line, ...] = ()


class ConfidenceGiven(Strict):
    value: float | None = None
    proven: bool = False


class Shared(Strict):
    """What all cases of a file share."""

    scope: ScopeGiven = ScopeGiven()
    scores: dict[str, Share] = Field(default_factory=dict)


class Expected(Strict):
    """What must come of a case. `rules`: all that fire, also by a gap and in shadow."""

    action: ActionName
    rules: tuple[Line, ...] | None = None
    tier: Literal["none", "confirm", "differential", "takeover"] | None = None
    notes: tuple[Line, ...] | None = None


class CaseEntry(Strict):
    """One case. `findings`: score by kind; `confidence`: judged as a complete answer; `already`:
    the action that other files' rules came to."""

    name: Line
    scope: ScopeGiven = ScopeGiven()
    findings: dict[str, Share] = Field(default_factory=dict)
    scores: dict[str, Share] = Field(default_factory=dict)
    gaps: tuple[GapGiven, ...] = ()
    confidence: ConfidenceGiven | None = None
    already: ActionName = "allow"
    expect: Expected


class CasesEntry(Strict):
    given: Shared = Shared()
    cases: Annotated[tuple[CaseEntry, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Case:
    """One case, ready to run."""

    name: str
    where: str
    scope: Scope
    observed: Observed
    confidence: Confidence | None
    already: Action
    expect: Expected

    def verdict(self, policies: PolicySet) -> Verdict:
        verdict = policies.judge(self.scope, self.observed)
        verdict = replace(verdict, action=max(verdict.action, self.already))
        if self.confidence is None:
            return verdict
        return policies.tiered(verdict, self.scope, self.confidence)


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that came out otherwise. `wrong` has one line for each difference."""

    name: str
    where: str
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseReport:
    """How the cases of one policy file went."""

    file: str
    cases: int
    rules: int
    failures: tuple[Failure, ...] = ()
    unfired: tuple[str, ...] = ()  # rules that no case fires
    unnoticed: tuple[str, ...] = ()  # thresholds that could move without a case noticing

    @property
    def passed(self) -> bool:
        return not self.failures

    @property
    def thorough(self) -> bool:
        """Every rule fires in some case and every threshold is held in place by some case."""
        return self.passed and not self.unfired and not self.unnoticed


def run_file(path: Path) -> CaseReport:
    """Run the cases beside a policy file. Raises `BadConfig`, also when there are none."""
    beside = path.with_name(path.stem + CASES)
    if not beside.exists():
        remedy = f"Write {beside.name} beside it."
        raise BadConfig(CODE, "the policy has no cases", remedy, str(path))
    return run(read_text(path), read_text(beside), str(path), str(beside))


def run(policy: str, cases: str, name: str, cases_name: str) -> CaseReport:
    """Run cases given as text. Raises `BadConfig` when either text cannot be used."""
    policies = compile_texts({name: policy})
    ready = parse_cases(cases, cases_name)
    verdicts = [case.verdict(policies) for case in ready]
    fired = {r.rule for verdict in verdicts for r in verdict.reasons if not r.gaps}
    outcomes = [_outcome(verdict) for verdict in verdicts]
    return CaseReport(
        file=name,
        cases=len(ready),
        rules=len(policies.rules),
        failures=tuple(_failures(ready, verdicts)),
        unfired=tuple(rule.id for rule in policies.rules if rule.id not in fired),
        unnoticed=tuple(
            what
            for what, moved in moves(policies)
            if all(
                _outcome(case.verdict(moved)) == outcome
                for case, outcome in zip(ready, outcomes, strict=True)
            )
        ),
    )


def parse_cases(text: str, name: str) -> list[Case]:
    """Read a cases file. Raises `BadConfig`; an empty file is an error, not a success."""
    try:
        read = document.read(text, name)
        entry = CasesEntry.model_validate(read.data)
    except DocumentError as error:
        raise BadConfig(CODE, error.message, where=error.where) from None
    except ValidationError as error:
        raise BadPolicy(list(misshapen(error, read, (CasesEntry, CaseEntry, Expected)))) from None
    wrong = list(_unknown(entry, read))
    if wrong:
        raise BadPolicy(wrong)
    return [_case(entry.given, each, read, n) for n, each in enumerate(entry.cases)]


def _unknown(entry: CasesEntry, read: Document) -> Iterator[BadConfig]:
    names = taxonomy()
    named: list[tuple[check.Path, str, frozenset[str]]] = [
        (("given", "scores", key), key, names.score_keys) for key in entry.given.scores
    ]
    for n, case in enumerate(entry.cases):
        at: check.Path = ("cases", n)
        named += [((*at, "scores", key), key, names.score_keys) for key in case.scores]
        named += [((*at, "findings", key), key, names.finding_kinds) for key in case.findings]
        for g, gap in enumerate(case.gaps):
            named += [((*at, "gaps", g, "kinds"), key, names.finding_kinds) for key in gap.kinds]
    for path, key, known in named:
        if not check.expand((key,), known):
            remedy = check.did_you_mean(key, known)
            yield BadConfig(CODE, f"nothing is called '{key}'", remedy, read.where(path))


def _case(given: Shared, entry: CaseEntry, read: Document, index: int) -> Case:
    kinds = taxonomy().finding_kinds
    scope = given.scope.model_copy(
        update={key: getattr(entry.scope, key) for key in entry.scope.model_fields_set}
    )
    usual = Speaker.USER if scope.side is Side.INPUT else Speaker.ASSISTANT
    sure = entry.confidence
    return Case(
        name=entry.name,
        where=read.where(("cases", index)),
        scope=Scope(
            scope.scene,
            scope.side,
            scope.audience,
            scope.tenant,
            scope.purpose,
            scope.speaker or usual,
        ),
        observed=Observed(
            findings=tuple(
                Finding(kind, Span(0, 1), score, "case") for kind, score in entry.findings.items()
            ),
            gaps=tuple(Gap(g.detector, g.reason, check.expand(g.kinds, kinds)) for g in entry.gaps),
            scores=given.scores | entry.scores,
        ),
        confidence=Confidence(sure.value, "case", sure.proven) if sure else None,
        already=Action[entry.already.upper()],
        expect=entry.expect,
    )


def _failures(ready: list[Case], verdicts: list[Verdict]) -> Iterator[Failure]:
    for case, verdict in zip(ready, verdicts, strict=True):
        wrong = tuple(_differences(case.expect, verdict))
        if wrong:
            yield Failure(case.name, case.where, wrong)


def _differences(expect: Expected, verdict: Verdict) -> Iterator[str]:
    action, rules, tier, notes = _outcome(verdict)
    wanted = {
        "action": (expect.action, action),
        "rules": (None if expect.rules is None else tuple(sorted(expect.rules)), rules),
        "tier": (expect.tier, tier),
        "notes": (expect.notes, notes),
    }
    for what, (want, got) in wanted.items():
        if want is not None and want != got:
            yield f"{what}: expected {_shown(want)}, got {_shown(got)}"


def _shown(value: object) -> str:
    return ", ".join(value) or "none" if isinstance(value, tuple) else str(value)


Outcome = tuple[str, tuple[str, ...], str, tuple[str, ...]]


def _outcome(verdict: Verdict) -> Outcome:
    rules = tuple(sorted({reason.rule for reason in verdict.reasons}))
    tier = "none" if verdict.tier is None else verdict.tier.name.lower()
    return verdict.action.name.lower(), rules, tier, verdict.notes
