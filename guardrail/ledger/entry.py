"""Entry kinds and their canonical bytes: the shape of what the ledger remembers.

Facts are JSON-safe and never hold patient text (offsets, keys, numbers, rule names). Bodies hold
the texts; they are stored encrypted beside the chain, and only their digest is part of it, so that
erasing a key erases a body and leaves the proof.

Facts by kind (all keys present unless marked ?):

* asked: scene, audience, tenant, caller, role, model, endpoint, stream, turns, chars, purpose, cohort
  - body: {turns: [{speaker, text}]}
* inspected: side, findings: [{at, kind, start, end, score, detector, dimension, parts}], gaps:
  [{detector, reason}], scores: {key: float}; `at` is "turn:<n>",
  "<choice>/<strand>/<index>" or "alternatives"
* decided: action, tier, confidence, confidence_source, policy, notes, rules: [{rule, policy, action,
  severity, shadow, kinds, references}]
  - body: {withheld: [{choice, strand, index, name, text}]} (what the model said, unmasked and whole)
* released: ending, code, case, finish, usage, chars
  - body: {channels: [{choice, strand, index, name, text}], notice}
* opened: case, tier, scene, tenant, rules, confidence
* reviewed: case, step, state, by, reviewed_after_s
  - body: {text, reason}
* refused: code, endpoint, tenant, caller, bytes (a request that never became an exchange)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, cast

import rfc8785

from guardrail.domain.errors import BrokenLedger

GENESIS = "0" * 64  # `previous` of the first entry
_DOMAIN = b"guardrail/ledger/entry/v1\x00"
_SAFE_INTEGER = 2**53 - 1


class Kind(StrEnum):
    ASKED = "asked"
    INSPECTED = "inspected"
    DECIDED = "decided"
    RELEASED = "released"
    OPENED = "opened"
    REVIEWED = "reviewed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before it has its place. `at` is Unix seconds."""

    kind: Kind
    exchange: str
    at: float
    facts: Mapping[str, object]
    body: Mapping[str, object] | None = field(default=None, repr=False)  # patient text: not shown


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


def canonical_facts(facts: Mapping[str, object]) -> bytes:
    """RFC 8785 bytes of `facts`. Raises `BrokenLedger` when they are not JSON-safe."""
    return _canonical(dict(facts))


def read_facts(text: str | bytes) -> dict[str, object]:
    """The facts those bytes stand for. Raises `ValueError` when they are no JSON object."""
    facts = json.loads(text, parse_int=_number)
    if not isinstance(facts, dict):
        raise TypeError("facts are not an object")
    return cast(dict[str, object], facts)


def canonical(entry: Entry, facts: bytes | None = None) -> bytes:
    """RFC 8785 bytes of everything the digest covers: all fields but the digest itself.

    `facts` are `canonical_facts` of the entry where the caller has them; they are the costly part.
    """
    covered = as_json(entry)
    del covered["digest"]
    covered["facts"] = None
    before, after = _canonical(covered).split(b'"facts":null', 1)
    facts = canonical_facts(entry.facts) if facts is None else facts
    return before + b'"facts":' + facts + after


def digest_of(entry: Entry, facts: bytes | None = None) -> str:
    """The digest this entry must carry; domain-separated from every other use of SHA-256.

    Raises `BrokenLedger` when a field cannot be written as canonical JSON.
    """
    return hashlib.sha256(_DOMAIN + canonical(entry, facts)).hexdigest()


def as_json(entry: Entry) -> dict[str, Any]:
    """The entry as a JSON object, for export."""
    return {
        "index": entry.index,
        "kind": entry.kind.value,
        "exchange": entry.exchange,
        "at": entry.at,
        "facts": dict(entry.facts),
        "body": entry.body,
        "previous": entry.previous,
        "digest": entry.digest,
    }


def from_json(row: Mapping[str, Any]) -> Entry:
    """The reverse of `as_json`; other keys are ignored.

    Raises `BrokenLedger` (`entry_malformed`, with the index where one is given) when a field is
    missing or is not what it must be.
    """
    try:
        entry = Entry(
            index=row["index"],
            kind=Kind(row["kind"]),
            exchange=row["exchange"],
            at=row["at"],
            facts=row["facts"],
            body=row["body"],
            previous=row["previous"],
            digest=row["digest"],
        )
    except (KeyError, ValueError):
        raise malformed(row.get("index")) from None
    if not _well_typed(entry):
        raise malformed(row.get("index"))
    return entry


def malformed(index: object) -> BrokenLedger:
    """The error for something that cannot be read as an entry."""
    named = index if isinstance(index, int) and not isinstance(index, bool) else None
    return BrokenLedger(
        "entry_malformed",
        f"entry {'?' if named is None else named} is not an entry of this ledger.",
        "Restore the ledger from a copy that verifies.",
        index=named,
    )


def _well_typed(entry: Entry) -> bool:
    texts = (entry.exchange, entry.body, entry.previous, entry.digest)
    return (
        type(entry.index) is int
        and type(entry.at) in (int, float)
        and isinstance(entry.facts, Mapping)
        and all(isinstance(text, str) for text in texts)
    )


def _number(digits: str) -> int | float:
    """Canonical JSON writes 1e16 as digits; what is no safe integer was a float before."""
    value = int(digits)
    return value if abs(value) <= _SAFE_INTEGER else float(value)


def _canonical(value: dict[str, Any]) -> bytes:
    try:
        return rfc8785.dumps(value)
    except ValueError:  # the message could quote a value; say only what to do
        raise BrokenLedger(
            "entry_not_canonical",
            "the entry cannot be written as canonical JSON.",
            "Facts may hold only strings, finite numbers, booleans, null, lists and objects.",
        ) from None
