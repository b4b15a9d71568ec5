"""Entry kinds and their canonical bytes: the shape of what the ledger remembers.

Facts are JSON-safe and never hold patient text (offsets, keys, numbers, rule names). Bodies hold
the texts; they are stored encrypted beside the chain, and only their digest is part of it, so that
erasing a key erases a body and leaves the proof.

Facts by kind (all keys present unless marked ?):

* asked: scene, audience, tenant, caller, role, model, endpoint, stream, turns, chars, purpose, cohort
  - body: {turns: [{speaker, text}]}
* inspected: side, findings: [{at, kind, start, end, score, detector, dimension, parts}], gaps:
  [{detector, reason}], scores: {key: float}; `at` is "turn:<n>" or "<choice>/<strand>/<index>"
* decided: action, tier, confidence, confidence_source, policy, notes, rules: [{rule, policy, action,
  severity, shadow, kinds, references}]
  - body: {withheld: [{choice, strand, index, name, text}]} (what the model said, unmasked and whole)
* released: ending, code, case, finish, usage, chars
  - body: {channels: [{choice, strand, index, name, text}], notice}
* opened: case, tier, scene, tenant, rules, confidence
* reviewed: case, step, state, by, reviewed_after_s
  - body: {text, reason}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    ASKED = "asked"
    INSPECTED = "inspected"
    DECIDED = "decided"
    RELEASED = "released"
    OPENED = "opened"
    REVIEWED = "reviewed"



@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before it has its place. `at` is Unix seconds."""

    kind: Kind
    exchange: str
    at: float
    facts: Mapping[str, object]
    body: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One link. Digests are lower-case hex SHA-256; `body` is that of the stored ciphertext or ""."""

    index: int
    kind: Kind
    exchange: str
    at: float
    facts: Mapping[str, object]
    body: str
    previous: str
    digest: str
