"""The RFC 6962 hash tree over the entries' digests.

A leaf is SHA-256(0x00 ‖ digest), a node SHA-256(0x01 ‖ left ‖ right). Digests are lower-case hex at
the surface. `Frontier` holds only the roots of the full subtrees (at most one per bit of the size),
so that appending and taking the root never needs the older leaves.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Frontier:
    """A tree of `size` leaves, as the roots of its full subtrees, widest first."""

    size: int = 0
    peaks: tuple[str, ...] = ()

    def grown(self, digest: str) -> Frontier:
        """The tree with one more leaf."""
        peaks = [*self.peaks, leaf(digest)]
        carry = self.size
        while carry & 1:
            right, left = peaks.pop(), peaks.pop()
            peaks.append(node(left, right))
            carry >>= 1
        return Frontier(self.size + 1, tuple(peaks))

    @property
    def root(self) -> str:
        """The tree's root; that of the empty tree is the hash of nothing."""
        if not self.peaks:
            return hashlib.sha256().hexdigest()
        *rest, root = self.peaks
        for peak in reversed(rest):
            root = node(peak, root)
        return root

    @property
    def whole(self) -> bool:
        """Whether these are as many digests as a tree of this size has peaks."""
        return len(self.peaks) == self.size.bit_count() and _hex(*self.peaks)


def leaf(digest: str) -> str:
    return hashlib.sha256(b"\x00" + bytes.fromhex(digest)).hexdigest()


def node(left: str, right: str) -> str:
    return hashlib.sha256(b"\x01" + bytes.fromhex(left) + bytes.fromhex(right)).hexdigest()


def root(digests: Sequence[str]) -> str:
    """The root over all of these digests."""
    frontier = Frontier()
    for digest in digests:
        frontier = frontier.grown(digest)
    return frontier.root


def inclusion(digests: Sequence[str], index: int) -> tuple[str, ...]:
    """The audit path of the entry at `index`, from the leaf up. Raises `IndexError`."""
    if not 0 <= index < len(digests):
        raise IndexError(index)
    if len(digests) == 1:
        return ()
    split = _split(len(digests))
    if index < split:
        return (*inclusion(digests[:split], index), root(digests[split:]))
    return (*inclusion(digests[split:], index - split), root(digests[:split]))


def includes(digest: str, index: int, size: int, path: Sequence[str], expected: str) -> bool:
    """Whether `path` proves that `digest` is entry `index` of the tree of `size` with this root."""
    if not (0 <= index < size and _hex(digest, *path)):
        return False
    return _climb(leaf(digest), index, size, path) == expected


def _climb(start: str, index: int, size: int, path: Sequence[str]) -> str | None:
    """RFC 9162 §2.1.3.2: None when the path has not exactly the length it must have."""
    here, last = index, size - 1
    value = start
    for sibling in path:
        if last == 0:
            return None
        if here & 1 or here == last:
            value = node(sibling, value)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            value = node(value, sibling)
        here, last = here >> 1, last >> 1
    return value if last == 0 else None


def consistency(digests: Sequence[str], size: int) -> tuple[str, ...]:
    """Proof that the tree over the first `size` digests is a head of the whole.

    Raises `IndexError` unless 0 < size <= len(digests).
    """
    if not 0 < size <= len(digests):
        raise IndexError(size)
    return _consistency(digests, size, known=True)


def _consistency(digests: Sequence[str], size: int, *, known: bool) -> tuple[str, ...]:
    if size == len(digests):
        return () if known else (root(digests),)
    split = _split(len(digests))
    if size <= split:
        return (*_consistency(digests[:split], size, known=known), root(digests[split:]))
    rest = _consistency(digests[split:], size - split, known=False)
    return (*rest, root(digests[:split]))


def extends(first: tuple[int, str], second: tuple[int, str], proof: Sequence[str]) -> bool:
    """Whether `proof` shows that the tree `second` (size, root) begins with the tree `first`."""
    (old, old_root), (new, new_root) = first, second
    if not (0 < old <= new and _hex(old_root, *proof)):
        return False
    if old == new:
        return not proof and old_root == new_root
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    return bool(path) and _replayed(old, new, path) == (old_root, new_root)


def _replayed(old: int, new: int, path: list[str]) -> tuple[str, str] | None:
    """RFC 9162 §2.1.4.2: both roots as the path gives them."""
    here, last = old - 1, new - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    before = after = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if here & 1 or here == last:
            before, after = node(sibling, before), node(sibling, after)
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            after = node(after, sibling)
        here, last = here >> 1, last >> 1
    return (before, after) if last == 0 else None


def _hex(*digests: str) -> bool:
    return all(_DIGEST.fullmatch(digest) for digest in digests)


def _split(size: int) -> int:
    """The largest power of two smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)
