"""The Merkle tree, against RFC 6962's definition and the Certificate Transparency vectors."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.ledger.merkle import (
    Frontier,
    consistency,
    extends,
    includes,
    inclusion,
    leaf,
    node,
    root,
)

LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
LEAVES.append("606162636465666768696a6b6c6d6e6f")
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def digests_of(size: int) -> list[str]:
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(size)]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert root(LEAVES[:size]) == ROOTS[size]


@given(st.integers(0, 300))
def test_a_frontier_has_one_peak_per_bit(size: int) -> None:
    frontier = Frontier()
    for digest in digests_of(size):
        frontier = frontier.grown(digest)
    assert frontier.size == size
    assert frontier.whole
    assert frontier.root == root(digests_of(size))


def test_a_frontier_with_other_peaks_is_not_whole() -> None:
    assert not Frontier(3, ("00" * 32,)).whole
    assert not Frontier(1, ("no digest",)).whole


@given(st.data())
def test_every_entry_is_proved_and_no_other(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 70))
    index = data.draw(st.integers(0, size - 1))
    digests = digests_of(size)
    path = inclusion(digests, index)
    assert includes(digests[index], index, size, path, root(digests))
    assert not includes("00" * 32, index, size, path, root(digests))
    assert not includes(digests[index], index, size, (*path, "00" * 32), root(digests))
    if path:
        assert not includes(digests[index], index, size, path[:-1], root(digests))
    if size > 1:
        other = (index + 1) % size
        assert not includes(digests[index], other, size, path, root(digests))


@given(st.data())
def test_a_longer_ledger_is_proved_to_extend_a_shorter(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 70))
    old = data.draw(st.integers(1, new))
    digests = digests_of(new)
    first, second = (old, root(digests[:old])), (new, root(digests))
    proof = consistency(digests, old)
    assert extends(first, second, proof)
    assert not extends((old, "00" * 32), second, proof)
    assert not extends(first, (new, "00" * 32), proof)
    assert not extends(first, second, (*proof, "00" * 32))
    if proof:
        assert not extends(first, second, proof[:-1])
        assert not extends(first, second, ("00" * 32, *proof[1:]))


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_outside_has_no_proof(index: int) -> None:
    digests = digests_of(3)
    with pytest.raises(IndexError):
        inclusion(digests, index)
    assert not includes(digests[0], index, 3, (), root(digests))


@pytest.mark.parametrize("size", [0, 4])
def test_a_size_outside_has_no_proof(size: int) -> None:
    digests = digests_of(3)
    with pytest.raises(IndexError):
        consistency(digests, size)
    assert not extends((size, root(digests)), (3, root(digests)), ())


def test_a_path_that_is_not_hex_proves_nothing() -> None:
    digests = digests_of(3)
    assert not includes(digests[0], 0, 3, ("不是", "hex"), root(digests))
    assert not extends((2, root(digests[:2])), (3, root(digests)), ("不是",))


def test_a_leaf_is_never_a_node() -> None:
    left, right = digests_of(2)
    assert node(left, right) != leaf(left + right)
