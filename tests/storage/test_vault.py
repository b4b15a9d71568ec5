"""Keys: sealing, opening, signing, and where they live."""

from __future__ import annotations

import dataclasses
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.domain.errors import BadConfig, BrokenLedger
from guardrail.ledger.chain import Checkpoint, Signed
from guardrail.ledger.entry import Kind
from guardrail.storage.vault import (
    MASTER_FILE,
    PUBLIC_FILE,
    SIGNING_FILE,
    Vault,
    is_genuine,
    sync_folder,
)

BODY: dict[str, object] = {"turns": [{"speaker": "user", "text": "患者张三 has a fever"}]}
CHECKPOINT = Checkpoint(3, "aa" * 32, "bb" * 32, 1700000000.0)

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.dictionaries(st.text(), values, max_size=4))
def test_what_is_sealed_can_be_opened(body: dict[str, object]) -> None:
    vault = Vault(b"m" * 32, b"s" * 32)
    key = vault.issue("交换")
    sealed = vault.seal(key, "交换", Kind.ASKED, body)
    assert vault.open(key, "交换", Kind.ASKED, sealed) == body


def test_half_a_surrogate_pair_survives() -> None:
    vault = Vault.fresh()
    key = vault.issue("x")
    sealed = vault.seal(key, "x", Kind.ASKED, {"text": "\ud83d"})
    assert vault.open(key, "x", Kind.ASKED, sealed) == {"text": "\ud83d"}


def test_no_two_ciphertexts_are_alike_and_none_shows_the_text(vault: Vault) -> None:
    key = vault.issue("x")
    first, second = (vault.seal(key, "x", Kind.ASKED, BODY) for _ in range(2))
    assert first != second
    assert "张三".encode() not in first
    assert b"fever" not in first


def test_only_the_right_key_in_the_right_place_opens(vault: Vault) -> None:
    key, other = vault.issue("x"), vault.issue("x")
    sealed = vault.seal(key, "x", Kind.ASKED, BODY)
    flipped = sealed[:-1] + bytes([sealed[-1] ^ 1])
    wrong = [
        (vault, other, "x", Kind.ASKED, sealed),
        (vault, key, "y", Kind.ASKED, sealed),
        (vault, key, "x", Kind.DECIDED, sealed),
        (vault, key, "x", Kind.ASKED, flipped),
        (vault, key, "x", Kind.ASKED, b""),
        (vault, b"", "x", Kind.ASKED, sealed),
        (Vault.fresh(), key, "x", Kind.ASKED, sealed),
    ]
    for box, wrapped, exchange, kind, content in wrong:
        with pytest.raises(BrokenLedger) as caught:
            box.open(wrapped, exchange, kind, content)
        assert caught.value.code == "body_unreadable"


def test_a_body_that_is_no_json_is_refused_without_quoting_it(vault: Vault) -> None:
    with pytest.raises(BrokenLedger) as caught:
        vault.seal(vault.issue("x"), "x", Kind.ASKED, {"text": {"张三"}})
    assert caught.value.code == "body_not_json"
    assert "张三" not in str(caught.value)


def test_a_signature_is_genuine_only_for_its_checkpoint_and_key(vault: Vault) -> None:
    signed = vault.sign(CHECKPOINT)
    assert is_genuine(signed, vault.public)
    later = Signed(dataclasses.replace(CHECKPOINT, size=4), signed.key, signed.signature)
    assert not is_genuine(later, vault.public)
    assert not is_genuine(signed, Vault.fresh().public)
    assert not is_genuine(dataclasses.replace(signed, key="00"), vault.public)
    assert not is_genuine(dataclasses.replace(signed, signature="no hex"), vault.public)
    assert not is_genuine(signed, "不是密钥")


def test_keys_are_made_once_and_kept_private(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    vault = Vault.at(folder)
    for name in (MASTER_FILE, SIGNING_FILE):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert (folder / PUBLIC_FILE).read_text().strip() == vault.public
    assert Vault.at(folder).mark == vault.mark
    assert Vault.existing(folder).public == vault.public


def test_keys_may_be_given_instead(tmp_path: Path) -> None:
    vault = Vault.at(tmp_path, b"m" * 32, b"s" * 32)
    assert vault.mark == Vault(b"m" * 32, b"x" * 32).mark
    assert [file.name for file in tmp_path.iterdir()] == [PUBLIC_FILE]


def test_existing_keys_are_not_made(tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as caught:
        Vault.existing(tmp_path)
    assert caught.value.code == "key_missing"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "abc", "zz" * 32, "00" * 31])
def test_a_malformed_key_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / MASTER_FILE
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(BadConfig) as caught:
        Vault.at(tmp_path)
    assert caught.value.code == "key_malformed"
    assert str(path) in str(caught.value)
    with pytest.raises(BadConfig):
        Vault(b"short", b"s" * 32)


@pytest.mark.parametrize(("mode", "fine"), [(0o600, True), (0o660, True), (0o604, False)])
def test_a_key_that_everybody_may_read_is_refused(tmp_path: Path, mode: int, fine: bool) -> None:
    Vault.at(tmp_path)
    (tmp_path / MASTER_FILE).chmod(mode)
    if fine:
        Vault.at(tmp_path)
    else:
        with pytest.raises(BadConfig) as caught:
            Vault.at(tmp_path)
        assert caught.value.code == "key_exposed"
        assert "chmod 600" in caught.value.remedy


def test_a_folder_can_be_synced(tmp_path: Path) -> None:
    sync_folder(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "none")
