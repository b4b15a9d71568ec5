"""What must hold of a policy file beyond its shape. Every complaint says where and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

from guardrail.domain.exchange import Scene
from guardrail.domain.taxonomy import Taxonomy
from guardrail.policy.schema import PolicyEntry, ProfileEntry, RuleEntry, ScopeEntry

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something a policy author must change. `path` leads to the value in the file."""

    path: Path
    message: str
    remedy: str = ""


def complaints(entry: PolicyEntry, names: Taxonomy) -> Iterator[Complaint]:
    """All complaints about one file whose shape is right (conditions are checked apart)."""
    for part in (_contents, _mode, _profile):
        yield from part(entry)
    for index, rule in enumerate(entry.rules):
        for complaint in _rule(rule, names):
            path = ("rules", index, *complaint.path)
            yield Complaint(path, complaint.message, complaint.remedy)
    yield from _doubles(entry.rules)


def expand(patterns: Iterable[str], known: Iterable[str]) -> frozenset[str]:
    """The names that the patterns (`phi.*`) stand for."""
    known = tuple(known)
    return frozenset(name for p in patterns for name in known if fnmatchcase(name, p))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A remedy for a name that does not exist; empty where nothing is close."""
    close = get_close_matches(name, tuple(known), n=1, cutoff=0.6)
    return f"Did you mean '{close[0]}'?" if close else ""


def _contents(entry: PolicyEntry) -> Iterator[Complaint]:
    if not entry.rules and entry.profile is None:
        yield Complaint(("id",), "the file has neither rules nor a profile", "Add one.")


def _mode(entry: PolicyEntry) -> Iterator[Complaint]:
    if entry.mode == "shadow" and entry.expires is None:
        yield Complaint(("mode",), "shadow needs 'expires'", 'Write expires: "2027-01-31".')
    if entry.mode != "shadow" and entry.expires is not None:
        yield Complaint(("expires",), "only shadow expires", "Remove 'expires'.")
    if entry.mode != "enforce" and entry.locked:
        yield Complaint(("mode",), f"a locked policy cannot be '{entry.mode}'", "Unlock it first.")
    if entry.mode == "off" and _touches_a(entry):
        remedy = "Limit it to other scenes with scope.scenes: [B, C, D]."
        yield Complaint(("mode",), "a policy for scene A cannot be 'off'", remedy)
    if entry.mode == "shadow" and entry.profile is not None:
        yield Complaint(("mode",), "a profile cannot be 'shadow'", "Use enforce or off.")


def _touches_a(entry: PolicyEntry) -> bool:
    if entry.profile is not None and entry.profile.scene is Scene.A:
        return True
    return bool(entry.rules) and (not entry.scope.scenes or Scene.A in entry.scope.scenes)


def _profile(entry: PolicyEntry) -> Iterator[Complaint]:
    profile = entry.profile
    if profile is None:
        return
    if profile.tiers.differential > profile.tiers.confirm:
        remedy = "Give 'confirm' the larger value."
        yield Complaint(("profile", "tiers", "confirm"), "'differential' is above it", remedy)
    if not entry.rules and entry.scope != ScopeEntry(tenants=entry.scope.tenants):
        remedy = "Name the scene in profile.scene."
        yield Complaint(("scope",), "a profile can be limited to tenants only", remedy)
    if profile.scene is Scene.A:
        yield from _profile_a(profile)


def _profile_a(profile: ProfileEntry) -> Iterator[Complaint]:
    if profile.hold.mode != "full":
        remedy = "Write hold: {mode: full}."
        yield Complaint(("profile", "hold"), "scene A holds answers back in full", remedy)
    if profile.tiers.when != "always":
        remedy = "Write tiers: {when: always}."
        yield Complaint(("profile", "tiers"), "scene A always tiers", remedy)


def _rule(rule: RuleEntry, names: Taxonomy) -> Iterator[Complaint]:
    if not rule.find and rule.when is None:
        yield Complaint(("id",), "the rule has neither 'find' nor 'when'", "Add one of them.")
    if rule.action == "redact" and not rule.find:
        yield Complaint(("action",), "redact needs 'find'", "Say which kinds are to be masked.")
    yield from _unknown(("find",), rule.find, names.finding_kinds)
    yield from _unknown(("needs",), rule.needs or (), names.finding_kinds)


def _unknown(path: Path, patterns: Sequence[str], known: frozenset[str]) -> Iterator[Complaint]:
    for index, pattern in enumerate(patterns):
        if not expand((pattern,), known):
            remedy = did_you_mean(pattern, known)
            yield Complaint((*path, index), f"nothing is called '{pattern}'", remedy)


def _doubles(rules: Sequence[RuleEntry]) -> Iterator[Complaint]:
    seen: set[str] = set()
    for index, rule in enumerate(rules):
        if rule.id in seen:
            yield Complaint(("rules", index, "id"), f"'{rule.id}' is used twice", "Rename it.")
        seen.add(rule.id)
