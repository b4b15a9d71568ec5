"""A table of tampered ledgers, each with the index that must be named."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.domain.errors import BrokenLedger
from guardrail.ledger.chain import Checkpoint, Head, body_digest, cut, link
from guardrail.ledger.entry import GENESIS, Draft, Entry, Kind, digest_of
from guardrail.ledger.verify import check_body, walk

SIZE = 40
EVERY = 8  # entries between checkpoints
PLACES = [0, 1, 6, 7, 8, 9, 15, 16, 20, 31, 33, SIZE - 2, SIZE - 1]

Ledger = list[Entry]
Tamper = Callable[[Ledger, int], Ledger]


def draft_of(number: int) -> Draft:
    kind = list(Kind)[number % len(Kind)]
    facts = {"model": "临床助手", "note": f"entry {number}", "scores": {"injection": 0.01 * number}}
    return Draft(kind, f"交换-{number // 4}", 1700000000.0 + number, facts)


def whole_ledger(size: int = SIZE, every: int = EVERY) -> tuple[Ledger, list[Checkpoint]]:
    head, entries, checkpoints = Head(), [], []
    for number in range(size):
        entry = link(draft_of(number), "", head)
        head = head.after(entry)
        entries.append(entry)
        if head.size % every == 0:
            checkpoints.append(cut(head, 1.0))
    return entries, checkpoints


def rehashed(entry: Entry, **changed: object) -> Entry:
    entry = dataclasses.replace(entry, **changed)
    return dataclasses.replace(entry, digest=digest_of(entry))


def renumbered(entries: Sequence[Entry]) -> Ledger:
    return [dataclasses.replace(entry, index=index) for index, entry in enumerate(entries)]


def relinked(entries: Sequence[Entry], start: int) -> Ledger:
    """Everything from `start` on computed anew, as someone with the program could."""
    fixed = list(entries[:start])
    for index in range(start, len(entries)):
        previous = fixed[-1].digest if fixed else GENESIS
        fixed.append(rehashed(entries[index], index=index, previous=previous))
    return fixed


def put(**changed: object) -> Tamper:
    return lambda entries, at: [
        dataclasses.replace(entry, **changed) if entry.index == at else entry for entry in entries
    ]


def replaced_with_its_digest(entries: Ledger, at: int) -> Ledger:
    entry = rehashed(entries[at], facts={"model": "forged 伪造"})
    return [*entries[:at], entry, *entries[at + 1 :]]


def removed(entries: Ledger, at: int) -> Ledger:
    return [*entries[:at], *entries[at + 1 :]]


def swapped(entries: Ledger, at: int) -> Ledger:
    other = (at + 3) % len(entries)
    first, second = min(at, other), max(at, other)
    moved = list(entries)
    moved[first], moved[second] = moved[second], moved[first]
    return moved


def copied(entries: Ledger, at: int) -> Ledger:
    return [*entries[:at], entries[max(0, at - 2)], *entries[at:]]


def forged(entries: Ledger, at: int) -> Ledger:
    previous = entries[at - 1].digest if at else GENESIS
    entry = rehashed(entries[at], facts={"forged": True}, previous=previous)
    return [*entries[:at], entry, *entries[at:]]


def last_of_range(at: int) -> bool:
    return (at + 1) % EVERY == 0


def first_in_doubt(at: int) -> int:
    """Where only signed heads can tell, the first entry after the last good one is named."""
    return at if last_of_range(at) else at - at % EVERY


def removed_unseen(at: int) -> int:
    """In the last range no signed head is reached any more: the last entry is missing."""
    return first_in_doubt(at) if at < SIZE - EVERY else SIZE - 1


def same(at: int) -> int:
    return at


def swap_start(at: int) -> int:
    return min(at, (at + 3) % SIZE)


TAMPERED: list[tuple[str, Tamper, Callable[[int], int]]] = [
    ("facts changed", put(facts={"model": "另一个"}), same),
    ("time changed", put(at=1.0), same),
    ("kind changed", put(kind=Kind.REVIEWED, facts={}), same),
    ("exchange changed", put(exchange="other"), same),
    ("body digest changed", put(body="ab" * 32), same),
    ("previous changed", put(previous="ab" * 32), same),
    ("digest changed", put(digest="ab" * 32), same),
    ("unwritable facts", put(facts={"text": "\ud800"}), same),
    ("renumbered far away", put(index=10_000), same),
    ("replaced with its digest", replaced_with_its_digest, same),
    ("removed", removed, same),
    ("removed and renumbered", lambda e, at: renumbered(removed(e, at)), same),
    ("removed and relinked", lambda e, at: relinked(removed(e, at), at), removed_unseen),
    ("swapped", swapped, swap_start),
    ("swapped and renumbered", lambda e, at: renumbered(swapped(e, at)), swap_start),
    ("swapped and relinked", lambda e, at: relinked(swapped(e, at), swap_start(at)), None),
    ("copied", copied, lambda at: max(at, 1)),
    ("forged", forged, same),
    ("forged and renumbered", lambda e, at: renumbered(forged(e, at)), same),
    ("forged and relinked", lambda e, at: relinked(forged(e, at), at), first_in_doubt),
    ("changed and relinked", lambda e, at: relinked(put(at=1.5)(e, at), at), first_in_doubt),
    ("cut off", lambda e, at: e[:at], same),
    ("beginning lost", lambda e, at: e[at + 1 :], lambda at: 0),
]


@pytest.mark.parametrize("at", PLACES)
@pytest.mark.parametrize(("name", "tamper", "named"), TAMPERED, ids=[row[0] for row in TAMPERED])
def test_the_first_bad_index_is_named(
    name: str, tamper: Tamper, named: Callable[[int], int] | None, at: int
) -> None:
    entries, checkpoints = whole_ledger()
    with pytest.raises(BrokenLedger) as caught:
        walk(tamper(entries, at), checkpoints)
    expected = (named or (lambda at: first_in_doubt(swap_start(at))))(at)
    assert caught.value.index == expected, caught.value


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        (put(facts={}), "entry_changed"),
        (replaced_with_its_digest, "entry_changed"),
        (removed, "entry_removed"),
        (lambda e, at: renumbered(removed(e, at)), "entry_removed"),
        (swapped, "entry_reordered"),
        (lambda e, at: renumbered(swapped(e, at)), "entry_reordered"),
        (copied, "entry_inserted"),
        (forged, "entry_inserted"),
        (lambda e, at: renumbered(forged(e, at)), "entry_inserted"),
        (lambda e, at: relinked(put(at=1.5)(e, at), at), "ledger_rewritten"),
        (lambda e, at: e[:at], "ledger_truncated"),
    ],
)
def test_what_is_wrong_is_named(tamper: Tamper, code: str) -> None:
    entries, checkpoints = whole_ledger()
    with pytest.raises(BrokenLedger) as caught:
        walk(tamper(entries, 12), checkpoints)
    assert caught.value.code == code
    assert caught.value.remedy


@pytest.mark.parametrize("at", [3, 20])
def test_most_tampering_shows_without_any_checkpoint(at: int) -> None:
    entries, _ = whole_ledger()
    for name, tamper, named in TAMPERED:
        if named is None or "relinked" in name or name == "cut off":
            continue
        with pytest.raises(BrokenLedger) as caught:
            walk(tamper(entries, at))
        assert caught.value.index == named(at), name


def test_whom_the_next_entry_vouches_for_is_right() -> None:
    entries, _ = whole_ledger()
    entries[9] = rehashed(entries[9], previous="ab" * 32)
    with pytest.raises(BrokenLedger) as caught:
        walk(entries)
    assert caught.value.index == 9


def test_a_whole_ledger_verifies_and_tells_its_head() -> None:
    entries, checkpoints = whole_ledger()
    head = walk(iter(entries), [*checkpoints, checkpoints[0]])
    assert (head.size, head.digest) == (SIZE, entries[-1].digest)
    assert head.frontier.root == checkpoints[-1].root
    assert walk([]).size == 0


def test_a_walk_may_start_at_a_head_that_is_known() -> None:
    entries, checkpoints = whole_ledger()
    start = walk(entries[:16])
    assert walk(entries[16:], checkpoints, start) == walk(entries)
    with pytest.raises(BrokenLedger) as caught:
        walk(put(at=2.0)(entries, 20)[16:], checkpoints, start)
    assert caught.value.index == 20
    with pytest.raises(BrokenLedger) as caught:
        walk([rehashed(entries[16], previous="ab" * 32), *entries[17:]], checkpoints, start)
    assert caught.value.index == 16
    with pytest.raises(BrokenLedger) as caught:
        walk([entries[2], *entries[16:]], checkpoints, start)
    assert (caught.value.code, caught.value.index) == ("entry_inserted", 16)


def test_a_wiped_ledger_is_missing_from_its_first_entry() -> None:
    _, checkpoints = whole_ledger()
    with pytest.raises(BrokenLedger) as caught:
        walk([], checkpoints)
    assert (caught.value.code, caught.value.index) == ("ledger_truncated", 0)


@given(st.data())
def test_any_sequence_verifies_and_any_single_change_is_found(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 20))
    entries, checkpoints = whole_ledger(size, every=size)
    walk(entries, checkpoints)
    at = data.draw(st.integers(0, size - 1))
    field, value = data.draw(
        st.one_of(
            st.tuples(st.just("at"), st.floats(0, 1e9)),
            st.tuples(st.just("exchange"), st.text(max_size=5)),
            st.tuples(st.just("facts"), st.dictionaries(st.text(max_size=3), st.integers(0, 9))),
            st.tuples(st.just("body"), st.text("0123456789abcdef", max_size=64)),
            st.tuples(st.just("index"), st.integers(0, 100)),
        ).filter(lambda change: getattr(entries[at], change[0]) != change[1])
    )
    rehash = data.draw(st.booleans()) and field != "index"
    changed = dataclasses.replace(entries[at], **{field: value})
    entries[at] = rehashed(changed) if rehash else changed
    with pytest.raises(BrokenLedger) as caught:
        walk(entries, checkpoints)
    assert caught.value.index == at


def test_a_body_must_be_the_one_that_was_sealed() -> None:
    entry = link(draft_of(0), body_digest(b"sealed"), Head())
    check_body(entry, b"sealed")
    for sealed, code in ((b"other", "body_changed"), (None, "body_removed")):
        with pytest.raises(BrokenLedger) as caught:
            check_body(entry, sealed)
        assert (caught.value.code, caught.value.index) == (code, 0)
