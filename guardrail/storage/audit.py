"""Verify what is stored: signatures, chain, tree and bodies together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from guardrail.domain.errors import BrokenLedger
from guardrail.ledger.chain import Checkpoint, Head, Signed
from guardrail.ledger.entry import Entry, digest_of
from guardrail.ledger.merkle import Frontier
from guardrail.ledger.verify import check_body, walk
from guardrail.storage.record import Row
from guardrail.storage.vault import is_genuine


def whole(rows: Iterable[Row], signed: Sequence[Signed], public: str) -> Head:
    """Verify a whole ledger, its bodies and every checkpoint. Raises `BrokenLedger`."""
    return walk(_with_bodies(rows), trusted(signed, public))


def tail(rows: Iterable[Row], start: Head, anchors: Sequence[Signed], public: str) -> Head:
    """Verify only what follows `start`, which `resumed` has vouched for."""
    return walk(_with_bodies(rows), trusted(anchors, public), start)


def resumed(signed: Signed, frontier: Frontier, last: Entry | None, public: str) -> Head:
    """The head at a stored checkpoint: its signature, its tree and the entry it names must agree.

    `last` is the stored entry of index `size - 1`. Raises `BrokenLedger`.
    """
    checkpoint = trusted([signed], public)[0]
    index = checkpoint.size - 1
    if not frontier.whole or (frontier.size, frontier.root) != (checkpoint.size, checkpoint.root):
        raise _broken("checkpoint_malformed", f"the tree stored at {index} is not right.", index)
    if last is None:
        raise _broken("ledger_truncated", f"entry {index} was signed and is gone.", index)
    if last.digest != checkpoint.head or digest_of(last) != last.digest:
        raise _broken("entry_changed", f"entry {index} was changed.", index)
    return Head(frontier, checkpoint.head)


def trusted(signed: Sequence[Signed], public: str) -> list[Checkpoint]:
    """The checkpoints, once all their signatures hold. Raises `BrokenLedger`."""
    for one in signed:
        if not is_genuine(one, public):
            size = one.checkpoint.size
            message = f"the checkpoint at {size} was not signed by this ledger's key."
            raise _broken("checkpoint_forged", message, size - 1)
    return [one.checkpoint for one in signed]


def _with_bodies(rows: Iterable[Row]) -> Iterator[Entry]:
    for row in rows:
        yield row.entry
        check_body(row.entry, row.sealed)


def _broken(code: str, message: str, index: int) -> BrokenLedger:
    remedy = "Keep the ledger as it is for the auditor; restore from a copy that verifies."
    return BrokenLedger(code, message, remedy, index=index)
