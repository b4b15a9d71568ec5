"""Walk a ledger and name the first bad index and what is wrong with it.

What can be told from the entries alone: a field was changed, an entry was removed, inserted or
moved. What needs a signed checkpoint kept elsewhere: the tail was cut off, or the chain was
computed anew from some entry on. `walk` raises `BrokenLedger` with one of these codes:

* entry_malformed, entry_changed, entry_removed, entry_inserted, entry_reordered
* ledger_rewritten  entries are not those that were signed; `index` is the first that is in doubt
* ledger_truncated  `index` is the first entry that is missing
* body_changed, body_removed  from `check_body`

Signatures are checked by the caller: every checkpoint given here is taken as true.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NoReturn

from guardrail.domain.errors import BrokenLedger
from guardrail.ledger.chain import Checkpoint, Head, body_digest
from guardrail.ledger.entry import Entry, digest_of

_NEAR = 16  # how far an entry may have been renumbered and still be recognised
_REMEDY = "Keep the ledger as it is for the auditor; restore from a copy that verifies."


def walk(
    entries: Iterable[Entry], checkpoints: Sequence[Checkpoint] = (), start: Head | None = None
) -> Head:
    """Verify `entries`, which must follow `start` (the empty ledger unless given).

    Every checkpoint above `start.size` must hold. Returns the head after the last entry. Reads
    the entries once, one ahead. Raises `BrokenLedger`.
    """
    trail = _Trail(start or Head(), checkpoints)
    rest = iter(entries)
    for entry in rest:
        trail.take(entry, rest)
    trail.finish()
    return trail.head


def check_body(entry: Entry, sealed: bytes | None) -> None:
    """The stored ciphertext is the one the entry names. Raises `BrokenLedger`."""
    if body_digest(sealed) == entry.body:
        return
    code, word = ("body_removed", "missing") if sealed is None else ("body_changed", "changed")
    _refuse(code, entry.index, f"the body of entry {entry.index} is {word}.")


class _Trail:
    """The walk so far: the head, what was seen lately, the checkpoints still to come."""

    def __init__(self, start: Head, checkpoints: Sequence[Checkpoint]) -> None:
        self.head = start
        self._signed = start.size  # everything below is vouched for by a checkpoint
        self._due = deque(
            sorted((c for c in checkpoints if c.size > start.size), key=lambda c: c.size)
        )
        self._recent: deque[str] = deque(maxlen=_NEAR)

    def take(self, entry: Entry, rest: Iterator[Entry]) -> None:
        """Verify one entry; `rest` is read only to say what is wrong."""
        place = _true_index(entry)
        if place != self.head.size or entry.index != place:
            self._misplaced(entry, place, rest)
        if entry.previous != self.head.digest:
            self._unlinked(entry, rest)
        before, self.head = self.head, self.head.after(entry)
        self._recent.append(entry.digest)
        while self._due and self._due[0].size == self.head.size:
            self._reach(self._due.popleft(), before)

    def finish(self) -> None:
        """Every checkpoint must have been reached."""
        if self._due:
            size, signed = self.head.size, self._due[-1].size
            gone = f"entries {size} to {signed - 1} were signed and are gone"
            doubt = f"; those from {self._signed} on are in doubt" if self._signed < size else ""
            _refuse("ledger_truncated", size, f"{gone}{doubt}.")

    def _misplaced(self, entry: Entry, place: int | None, rest: Iterator[Entry]) -> NoReturn:
        """The entry is not the one that belongs at this place."""
        here = self.head.size
        if place is None or place == here:
            _refuse("entry_changed", here, f"entry {here} was changed.")
        if place > here:
            if any(_true_index(later) == here for later in rest):
                _refuse("entry_reordered", here, f"entry {here} was moved to a later place.")
            _refuse("entry_removed", here, f"entry {here} was removed.")
        rival = place >= here - len(self._recent) and entry.digest not in self._recent
        first = place if rival else here
        _refuse("entry_inserted", first, f"entry {first} was inserted.")

    def _unlinked(self, entry: Entry, rest: Iterator[Entry]) -> NoReturn:
        """Entry and digest agree, but it does not follow the one before. Whoever the next entry
        vouches for is right: usually the one before was replaced together with its digest."""
        here = self.head.size
        follower = next(rest, None)
        vouched = follower is None or follower.previous == entry.digest
        bad = here - 1 if vouched and here > self._signed else here
        _refuse("entry_changed", bad, f"entry {bad} was changed and given a new digest.")

    def _reach(self, checkpoint: Checkpoint, before: Head) -> None:
        """The tree must be the one that was signed."""
        size = checkpoint.size
        if (checkpoint.root, checkpoint.head) == (self.head.frontier.root, self.head.digest):
            self._signed = size
            return
        only_last = before.frontier.grown(checkpoint.head).root == checkpoint.root
        first = size - 1 if only_last else self._signed
        which = f"entry {first} is" if first == size - 1 else f"entries {first} to {size - 1} are"
        _refuse("ledger_rewritten", first, f"{which} not what the checkpoint at {size} signed.")


def _true_index(entry: Entry) -> int | None:
    """The index this entry was written under, which its digest covers; None when no index near
    the one it carries makes the digest right: then something else was changed."""
    steps = (step * sign for step in range(_NEAR + 1) for sign in (1, -1))
    for index in (entry.index + step for step in steps):
        try:
            if digest_of(dataclasses.replace(entry, index=index)) == entry.digest:
                return index
        except BrokenLedger:  # a field that no canonical JSON can hold was put in
            return None
    return None


def _refuse(code: str, index: int, message: str) -> NoReturn:
    raise BrokenLedger(code, message, _REMEDY, index=index)
