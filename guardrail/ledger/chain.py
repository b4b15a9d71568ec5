"""Link drafts into the chain and cut checkpoints.

The chain makes order and content depend on each other; the checkpoint, once signed and kept
elsewhere, makes the chain's length and its whole past depend on a key that the file does not hold.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import rfc8785

from guardrail.domain.errors import BrokenLedger
from guardrail.ledger.entry import GENESIS, Draft, Entry, canonical_facts, digest_of, read_facts
from guardrail.ledger.merkle import Frontier

_DOMAIN = b"guardrail/ledger/checkpoint/v1\x00"


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain stands: the tree over all entries and the last one's digest."""

    frontier: Frontier = field(default_factory=Frontier)
    digest: str = GENESIS

    @property
    def size(self) -> int:
        return self.frontier.size

    def after(self, entry: Entry) -> Head:
        """The head once `entry` has been appended."""
        return Head(self.frontier.grown(entry.digest), entry.digest)


def link(draft: Draft, body: str, head: Head) -> Entry:
    """Give `draft` its place after `head`. `body` is `body_digest` of its ciphertext, or "".

    Facts come back as they will be read again (tuples as lists, 1.0 as 1).
    Raises `BrokenLedger` (`entry_not_canonical`) when the facts are not JSON-safe.
    """
    facts = canonical_facts(draft.facts)
    loose = Entry(
        index=head.size,
        kind=draft.kind,
        exchange=draft.exchange,
        at=draft.at,
        facts=read_facts(facts),
        body=body,
        previous=head.digest,
        digest="",
    )
    return dataclasses.replace(loose, digest=digest_of(loose, facts))


def body_digest(sealed: bytes | None) -> str:
    """Digest of a stored ciphertext; "" where an entry has no body."""
    return "" if sealed is None else hashlib.sha256(sealed).hexdigest()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The ledger at one instant: how many entries, the tree's root, the last digest, Unix time."""

    size: int
    root: str
    head: str
    at: float


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint with its Ed25519 signature; key and signature are lower-case hex."""

    checkpoint: Checkpoint
    key: str
    signature: str


def cut(head: Head, at: float) -> Checkpoint:
    """The checkpoint of this head."""
    return Checkpoint(head.size, head.frontier.root, head.digest, at)


def signing_bytes(checkpoint: Checkpoint) -> bytes:
    """What is signed: canonical JSON under a domain of its own."""
    return _DOMAIN + rfc8785.dumps(dataclasses.asdict(checkpoint))


def signed_as_json(signed: Signed) -> dict[str, Any]:
    """One line of the anchor file."""
    checkpoint = dataclasses.asdict(signed.checkpoint)
    return checkpoint | {"key": signed.key, "signature": signed.signature}


def signed_from_json(row: Mapping[str, Any]) -> Signed:
    """The reverse. Raises `BrokenLedger` (`checkpoint_malformed`)."""
    try:
        checkpoint = Checkpoint(row["size"], row["root"], row["head"], row["at"])
        signed = Signed(checkpoint, row["key"], row["signature"])
    except (KeyError, TypeError):
        raise _malformed() from None
    texts = (checkpoint.root, checkpoint.head, signed.key, signed.signature)
    numbers = type(checkpoint.size) is int and type(checkpoint.at) in (int, float)
    if not numbers or not all(isinstance(text, str) for text in texts):
        raise _malformed()
    return signed


def _malformed() -> BrokenLedger:
    return BrokenLedger(
        "checkpoint_malformed",
        "a checkpoint cannot be read.",
        "Restore checkpoints.jsonl from a copy kept elsewhere.",
    )
