"""Keys: bodies are sealed per exchange, checkpoints are signed.

Every exchange has a data key of its own (AES-256-GCM). The ledger stores that key only wrapped by
the master key, next to the ciphertexts; forgetting the wrapped key makes the exchange's bodies
unreadable for good while the digests of the ciphertexts, and so the proof, stay as they are.

The master key and the Ed25519 signing key come as bytes or live in the data folder as `vault.key`
and `signing.key` (64 hex digits, mode 0600).
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from guardrail.domain.errors import BadConfig, BrokenLedger
from guardrail.ledger.chain import Checkpoint, Signed, signing_bytes
from guardrail.ledger.entry import Kind

MASTER_FILE = "vault.key"
SIGNING_FILE = "signing.key"
PUBLIC_FILE = "signing.pub"
_KEY_BYTES = 32
_NONCE_BYTES = 12


class Vault:
    """Seals, opens and signs. Holds only the two keys; safe to use from several threads."""

    def __init__(self, master: bytes, signing: bytes) -> None:
        """Both keys are 32 bytes. Raises `BadConfig` (`key_malformed`)."""
        if len(master) != _KEY_BYTES or len(signing) != _KEY_BYTES:
            raise _malformed("key")
        self._wrapping = AESGCM(master)
        self._signer = Ed25519PrivateKey.from_private_bytes(signing)
        self.public = self._signer.public_key().public_bytes_raw().hex()
        self.mark = hashlib.sha256(b"guardrail/vault/mark/v1\x00" + master).hexdigest()[:16]

    @classmethod
    def fresh(cls) -> Vault:
        """New random keys that nobody else will ever know."""
        return cls(secrets.token_bytes(_KEY_BYTES), secrets.token_bytes(_KEY_BYTES))

    @classmethod
    def at(cls, folder: Path, master: bytes | None = None, signing: bytes | None = None) -> Vault:
        """The keys given, else those in `folder`, which are made when there are none; the public
        half is written to `signing.pub` for whoever verifies.

        Raises `BadConfig` when a key file is malformed or other users may read it.
        """
        vault = cls(
            master or _stored(folder / MASTER_FILE), signing or _stored(folder / SIGNING_FILE)
        )
        public = folder / PUBLIC_FILE
        if not public.exists():
            public.parent.mkdir(parents=True, exist_ok=True)
            public.write_text(vault.public + "\n", "ascii")
        return vault

    @classmethod
    def existing(cls, folder: Path, master: bytes | None = None) -> Vault:
        """As `at`, but makes nothing. Raises `BadConfig` (`key_missing`) as well."""
        return cls(master or _read(folder / MASTER_FILE), _read(folder / SIGNING_FILE))

    def issue(self, exchange: str) -> bytes:
        """A new data key for this exchange, wrapped."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        key = secrets.token_bytes(_KEY_BYTES)
        return nonce + self._wrapping.encrypt(nonce, key, _label("key", exchange))

    def seal(self, wrapped: bytes, exchange: str, kind: Kind, body: Mapping[str, object]) -> bytes:
        """The ciphertext of `body` under the exchange's wrapped data key.

        Raises `BrokenLedger` when the key cannot be unwrapped or the body is not JSON.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._data_key(wrapped, exchange).encrypt(
            nonce, _encoded(body), _label(kind.value, exchange)
        )
        return nonce + sealed

    def open(self, wrapped: bytes, exchange: str, kind: Kind, sealed: bytes) -> dict[str, object]:
        """The reverse of `seal`. Raises `BrokenLedger` (`body_unreadable`) when the ciphertext or
        the key is not the one that was stored, or the master key is another."""
        key = self._data_key(wrapped, exchange)
        label = _label(kind.value, exchange)
        try:
            plain = key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], label)
        except (InvalidTag, ValueError):
            raise _unreadable() from None
        return cast(dict[str, object], json.loads(plain.decode("utf-8", "surrogatepass")))

    def sign(self, checkpoint: Checkpoint) -> Signed:
        signature = self._signer.sign(signing_bytes(checkpoint)).hex()
        return Signed(checkpoint, self.public, signature)

    def _data_key(self, wrapped: bytes, exchange: str) -> AESGCM:
        nonce, rest = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        try:
            return AESGCM(self._wrapping.decrypt(nonce, rest, _label("key", exchange)))
        except (InvalidTag, ValueError):
            raise _unreadable() from None


def is_genuine(signed: Signed, public: str) -> bool:
    """Whether the checkpoint was signed by the key whose public half (hex) is given."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signed.signature), signing_bytes(signed.checkpoint))
    except (InvalidSignature, ValueError):
        return False
    return signed.key == public


def _label(purpose: str, exchange: str) -> bytes:
    """What a ciphertext is bound to, so that it cannot be moved to another place."""
    return f"guardrail/vault/v1/{purpose}/{exchange}".encode("utf-8", "surrogatepass")


def _encoded(body: Mapping[str, object]) -> bytes:
    try:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError):
        raise BrokenLedger(
            "body_not_json", "the body of an entry cannot be written as JSON."
        ) from None
    return text.encode("utf-8", "surrogatepass")


def _stored(path: Path) -> bytes:
    """The key in `path`, made and synced to disk when there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(_KEY_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)
    return _read(path)


def _read(path: Path) -> bytes:
    if not path.exists():
        raise BadConfig("key_missing", "there is no key.", "Restore the key.", where=str(path))
    if path.stat().st_mode & stat.S_IRWXO:
        raise BadConfig(
            "key_exposed",
            "every user of this machine may read or change the key.",
            f"Run: chmod 600 {path}",
            where=str(path),
        )
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError:
        raise _malformed(str(path)) from None
    if len(key) != _KEY_BYTES:
        raise _malformed(str(path))
    return key


def sync_folder(folder: Path) -> None:
    """Make the names of files just created in `folder` safe on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _malformed(where: str) -> BadConfig:
    return BadConfig(
        "key_malformed", "a key must be 32 bytes (64 hex digits).", "Restore the key.", where=where
    )


def _unreadable() -> BrokenLedger:
    return BrokenLedger(
        "body_unreadable",
        "a stored body cannot be decrypted.",
        "Start with the vault.key that was in use when it was written.",
    )
