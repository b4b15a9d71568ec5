"""Scope × findings × gaps × scores -> Verdict, and who must look by confidence. Pure.

Laws (each a property test): the strictest rule wins; the order of rules and findings never
matters; one more finding never makes a verdict milder; what could not be looked at is judged by
`on_gap`, never taken for innocence; a missing confidence is TAKEOVER.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum, StrEnum
from typing import Any

from guardrail.domain.exchange import Audience, Scene, Side, Speaker
from guardrail.domain.finding import Finding, Gap, GapReason
from guardrail.domain.verdict import (
    Action,
    Confidence,
    Reason,
    Reference,
    Reply,
    Severity,
    Tier,
    Verdict,
)
from guardrail.policy.expression import Expression, Facts, Language, Truth

NOT_PROVEN = "confirm_not_proven"
_SCOPES = 1024  # scopes whose needs are remembered
_ALL: frozenset[Any] = frozenset()


@dataclass(frozen=True, slots=True)
class Scope:
    """Where and for whom a text is judged."""

    scene: Scene
    side: Side
    audience: Audience
    tenant: str
    purpose: str
    speaker: Speaker


@dataclass(frozen=True, slots=True)
class Observed:
    """All that the detectors said of one text. A score that is absent is unknown, not 0."""

    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)


class HoldMode(StrEnum):
    SENTENCE = "sentence"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Hold:
    """How much of an answer is held back while it is judged. `max_chars` bounds a sentence."""

    mode: HoldMode
    max_chars: int


class TierWhen(IntEnum):
    """When confidence is asked for; a larger value is stricter. NEVER still hands a handover
    over, but always as TAKEOVER."""

    NEVER = 0
    ON_HANDOVER = 1
    ALWAYS = 2


@dataclass(frozen=True, slots=True)
class Tiers:
    when: TierWhen
    confirm: float
    differential: float
    proof_required: bool


@dataclass(frozen=True, slots=True)
class Profile:
    """How a scene is served. `restore`: placeholders become the caller's own words again."""

    hold: Hold
    tiers: Tiers
    restore: bool
    ask_logprobs: bool

    def stricter(self, other: Profile) -> Profile:
        """The stricter of both in every respect."""
        full = HoldMode.FULL in (self.hold.mode, other.hold.mode)
        return Profile(
            hold=Hold(
                HoldMode.FULL if full else HoldMode.SENTENCE,
                min(self.hold.max_chars, other.hold.max_chars),
            ),
            tiers=Tiers(
                max(self.tiers.when, other.tiers.when),
                max(self.tiers.confirm, other.tiers.confirm),
                max(self.tiers.differential, other.tiers.differential),
                self.tiers.proof_required or other.tiers.proof_required,
            ),
            restore=self.restore and other.restore,
            ask_logprobs=self.ask_logprobs or other.ask_logprobs,
        )


# What a scene gets when no file gives it a profile: all that scene A asks for.
STRICTEST = Profile(
    Hold(HoldMode.FULL, 400),
    Tiers(TierWhen.ALWAYS, 0.95, 0.80, proof_required=True),
    restore=False,
    ask_logprobs=True,
)


@dataclass(frozen=True, slots=True)
class Reach:
    """Where something applies; an empty set means everywhere."""

    scenes: frozenset[Scene] = frozenset()
    sides: frozenset[Side] = frozenset()
    audiences: frozenset[Audience] = frozenset()
    tenants: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    speakers: frozenset[Speaker] = frozenset()

    def covers(self, scope: Scope) -> bool:
        return (
            (not self.scenes or scope.scene in self.scenes)
            and (not self.sides or scope.side in self.sides)
            and (not self.audiences or scope.audience in self.audiences)
            and (not self.tenants or scope.tenant in self.tenants)
            and (not self.purposes or scope.purpose in self.purposes)
            and (not self.speakers or scope.speaker in self.speakers)
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled when–then. It fires when a finding of `find` has at least the score
    `at_least` (where `find` is given) and `when` is true (where `when` is given)."""

    id: str
    policy: str
    severity: Severity
    action: Action
    reaches: tuple[Reach, ...] = (Reach(),)  # the file's and the rule's own; all must cover
    find: frozenset[str] = frozenset()
    at_least: float = 0.0
    when: Expression | None = None
    on_gap: Action | None = None  # None: block on output and in scene A, else annotate
    used: frozenset[str] = frozenset()  # kinds and score keys that `find` and `when` read
    needs: frozenset[str] = frozenset()  # kinds and score keys whose gap concerns this rule
    shadow: bool = False
    references: tuple[Reference, ...] = ()
    reply: Reply | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """The profile of one scene, for some tenants (none named: for all)."""

    scene: Scene
    tenants: frozenset[str]
    profile: Profile


@dataclass(frozen=True, slots=True)
class Policy:
    """One compiled file."""

    id: str
    version: str
    locked: bool
    rules: tuple[Rule, ...] = ()
    placement: Placement | None = None


@dataclass(frozen=True, slots=True)
class _Sight:
    """One text as conditions see it: as observed; as gaps could have changed it at most; and
    with nothing observed at all."""

    observed: Observed
    seen: Facts
    widest: Facts
    blind: Facts


class PolicySet:
    """All policies in force. Immutable; an exchange keeps the one it started with."""

    def __init__(self, policies: Iterable[Policy], digest: str, language: Language) -> None:
        self.policies = tuple(policies)
        self.digest = digest
        self._language = language
        self._needed: dict[Scope, frozenset[str]] = {}
        self._rules = {
            (scene, side): tuple(self._reaching(scene, side)) for scene in Scene for side in Side
        }

    @property
    def rules(self) -> tuple[Rule, ...]:
        return tuple(rule for policy in self.policies for rule in policy.rules)

    @property
    def needs(self) -> frozenset[str]:
        """Every kind and score key that some rule depends on."""
        return frozenset[str]().union(*(rule.needs for rule in self.rules))

    def needed(self, scope: Scope) -> frozenset[str]:
        """Every kind and score key that some rule for this scope depends on."""
        known = self._needed.get(scope)
        if known is None:
            if len(self._needed) >= _SCOPES:  # purposes are the callers' words
                self._needed.clear()
            needs = (rule.needs for rule in self._applying(scope))
            known = self._needed[scope] = frozenset[str]().union(*needs)
        return known

    def profile(self, scene: Scene, tenant: str) -> Profile:
        """How this scene is served for this tenant: the strictest of all profiles that apply."""
        found: Profile | None = None
        for policy in self.policies:
            placed = policy.placement
            if placed is None or placed.scene is not scene:
                continue
            if not placed.tenants or tenant in placed.tenants:
                found = placed.profile if found is None else found.stricter(placed.profile)
        return found or STRICTEST

    def judge(self, scope: Scope, observed: Observed) -> Verdict:
        """What happens to a text. All rules that fired are in `reasons`, strictest first; those
        of shadow policies are marked and do not count."""
        sight = self._sight(scope, observed)
        reasons = [
            reason for rule in self._applying(scope) for reason in _reasons(rule, scope, sight)
        ]
        reasons.sort(key=lambda reason: (-reason.action, reason.rule, bool(reason.gaps)))
        action = max((r.action for r in reasons if not r.shadow), default=Action.ALLOW)
        return Verdict(action, self.digest, tuple(reasons))

    def tiered(self, verdict: Verdict, scope: Scope, confidence: Confidence) -> Verdict:
        """The same verdict with who must look, for an answer that is complete."""
        if scope.side is not Side.OUTPUT or verdict.action is Action.BLOCK:
            return verdict
        tiers = self.profile(scope.scene, scope.tenant).tiers
        if tiers.when is not TierWhen.ALWAYS and verdict.action < Action.HANDOVER:
            return verdict
        tier, notes = _tier(tiers, confidence)
        return replace(
            verdict,
            action=max(verdict.action, _least_action(tier, scope.audience)),
            tier=max(tier, verdict.tier or tier),
            confidence=confidence,
            notes=verdict.notes + notes,
        )

    def _applying(self, scope: Scope) -> Iterator[Rule]:
        for rule, reaches in self._rules[scope.scene, scope.side]:
            if all(reach.covers(scope) for reach in reaches):
                yield rule

    def _reaching(self, scene: Scene, side: Side) -> Iterator[tuple[Rule, tuple[Reach, ...]]]:
        """Rules that may apply there, each with what is left to be checked of its reaches."""
        for rule in sorted(self.rules, key=lambda rule: rule.id):
            scenes = all(not r.scenes or scene in r.scenes for r in rule.reaches)
            if scenes and all(not r.sides or side in r.sides for r in rule.reaches):
                rest = (replace(r, scenes=_ALL, sides=_ALL) for r in rule.reaches)
                yield rule, tuple(reach for reach in rest if reach != Reach())

    def _sight(self, scope: Scope, observed: Observed) -> _Sight:
        where: dict[str, object] = {
            "scene": scope.scene.value,
            "side": scope.side.value,
            "audience": scope.audience.value,
            "tenant": scope.tenant,
            "purpose": scope.purpose,
            "speaker": scope.speaker.value,
        }
        known = _known(self._language.scores, observed.scores)
        kinds = {finding.kind for finding in observed.findings}
        facts = self._language.facts
        seen = facts(where | known | {"kinds": list(kinds)})
        counted = replace(observed, scores=known)
        if not observed.gaps:
            return _Sight(counted, seen, seen, seen)
        blind = facts(where)
        if any(not gap.kinds for gap in observed.gaps):
            return _Sight(counted, seen, blind, blind)
        lost = frozenset[str]().union(*(gap.kinds for gap in observed.gaps))
        left = {key: known[key] for key in known if key not in lost}
        # `kinds` can only make conditions truer (see syntax), so more of them is the widest view.
        return _Sight(counted, seen, facts(where | left | {"kinds": list(kinds | lost)}), blind)


def _known(keys: frozenset[str], scores: Mapping[str, float]) -> dict[str, float]:
    """The scores that are numbers; NaN compares as false and would pass for innocence."""
    return {key: float(value) for key, value in scores.items() if key in keys and value == value}


def _reasons(rule: Rule, scope: Scope, sight: _Sight) -> Iterator[Reason]:
    observed = sight.observed
    found = tuple([f for f in observed.findings if _counts(rule, f)])
    if rule.find and not found and not observed.gaps:
        return
    truth = Truth.TRUE if rule.when is None else rule.when.truth(sight.seen)
    if truth is Truth.TRUE and (found or not rule.find):
        yield _reason(rule, rule.action, findings=found or _supporting(rule, observed))
    gaps = _gaps(rule, observed)
    could_find = not rule.find or found or any(_blinds(rule, gap) for gap in gaps)
    if could_find and gaps and _could_hold(rule, gaps, sight):
        yield _reason(rule, _on_gap(rule, scope), gaps=gaps)


def _counts(rule: Rule, finding: Finding) -> bool:
    # Written so that a score that is not a number counts.
    return finding.kind in rule.find and not finding.score < rule.at_least


def _supporting(rule: Rule, observed: Observed) -> tuple[Finding, ...]:
    return tuple(finding for finding in observed.findings if finding.kind in rule.used)


def _gaps(rule: Rule, observed: Observed) -> tuple[Gap, ...]:
    """Reported gaps that concern the rule, and one for scores that nobody gave or missed."""
    gaps = tuple(gap for gap in observed.gaps if not gap.kinds or gap.kinds & rule.needs)
    if rule.when is None:
        return gaps
    missing = frozenset([key for key in rule.when.scores if key not in observed.scores])
    if not missing:
        return gaps
    covered = frozenset[str]().union(*(gap.kinds for gap in gaps))
    if missing <= covered or any(not gap.kinds for gap in gaps):
        return gaps
    return (*gaps, Gap("none", GapReason.MISSING, missing - covered))


def _blinds(rule: Rule, gap: Gap) -> bool:
    """Whether the gap could have brought a finding of `find` (or the author says it matters)."""
    return not gap.kinds or bool(gap.kinds & (rule.find | (rule.needs - rule.used)))


def _could_hold(rule: Rule, gaps: tuple[Gap, ...], sight: _Sight) -> bool:
    """Whether the condition could be true, had the gaps been looked at."""
    if rule.when is None:
        return True
    beyond = any(gap.kinds & (rule.needs - rule.used) for gap in gaps)
    facts = sight.blind if beyond else sight.widest
    return rule.when.truth(facts) is not Truth.FALSE


def _on_gap(rule: Rule, scope: Scope) -> Action:
    if rule.on_gap is not None:
        return rule.on_gap
    strict = scope.side is Side.OUTPUT or scope.scene is Scene.A
    return Action.BLOCK if strict else Action.ANNOTATE


def _reason(
    rule: Rule, action: Action, *, findings: tuple[Finding, ...] = (), gaps: tuple[Gap, ...] = ()
) -> Reason:
    return Reason(
        rule=rule.id,
        policy=rule.policy,
        action=action,
        severity=rule.severity,
        findings=findings,
        gaps=gaps,
        references=rule.references,
        reply=rule.reply,
        shadow=rule.shadow,
    )


def _tier(tiers: Tiers, confidence: Confidence) -> tuple[Tier, tuple[str, ...]]:
    value = confidence.value
    if tiers.when is TierWhen.NEVER or value is None or not tiers.differential <= value <= 1.0:
        return Tier.TAKEOVER, ()
    if value < tiers.confirm:
        return Tier.DIFFERENTIAL, ()
    if tiers.proof_required and not confidence.proven:
        return Tier.DIFFERENTIAL, (NOT_PROVEN,)
    return Tier.CONFIRM, ()


def _least_action(tier: Tier, audience: Audience) -> Action:
    if tier is Tier.CONFIRM and audience is Audience.CLINICIAN:
        return Action.ANNOTATE
    return Action.HANDOVER
