"""Who is asking: API keys to callers. A key is compared by its SHA-256 and never kept."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence

from guardrail.domain.errors import BadRequest
from guardrail.domain.exchange import Caller, Scene
from guardrail.settings import KeySettings

_LABEL = re.compile(r"(?!.*[0-9]{7})[A-Za-z0-9_.,;:=/+ -]{0,64}")

LOCAL = Caller(name="local", role="local")  # keys are off: whoever sits at this machine


class Callers:
    """The keys in force. Without any key everybody on this machine is the local caller."""

    def __init__(self, keys: Sequence[KeySettings]) -> None:
        self._keys = [(key.sha256, key.caller()) for key in keys]

    @property
    def open(self) -> bool:
        """No keys: only possible on loopback."""
        return not self._keys

    def of_key(self, key: str) -> Caller | None:
        """The caller of this key. Looks at every key in constant time each."""
        if self.open:
            return LOCAL
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
        found = None
        for known, caller in self._keys:
            if hmac.compare_digest(known, digest):
                found = caller
        return found

    def of_header(self, authorization: str) -> Caller:
        """The caller of an `Authorization: Bearer` header. Raises `BadRequest` (401)."""
        scheme, _, key = authorization.partition(" ")
        caller = self.of_key(key.strip() if scheme.lower() == "bearer" else "")
        if caller is None:
            raise BadRequest(
                "invalid_api_key",
                "The API key is missing or unknown.",
                "Send `Authorization: Bearer <key>` with a key from the operator.",
            )
        return caller


def scene_of(caller: Caller, header: str) -> Scene:
    """The scene in force: the key's, or the header's where that is stricter. Raises `BadRequest`."""
    if not header:
        return caller.scene
    try:
        return caller.scene.stricter(Scene(header.strip().upper()))
    except ValueError:
        raise BadRequest(
            "invalid_scene",
            "X-Guardrail-Scene is not one of A, B, C, D.",
            "Leave it out or correct it.",
        ) from None


def label_of(name: str, header: str) -> str:
    """A label the caller puts on an exchange. It stands readable in the ledger, so nothing that
    could be a person's name or number is taken. Raises `BadRequest`."""
    if not _LABEL.fullmatch(header):
        raise BadRequest(
            "invalid_label",
            f"{name} is not a label of at most 64 letters, digits and simple signs.",
            "Send a word such as `triage` or `60-69;f;110000`, nothing that names a person.",
        )
    return header


def limited(caller: Caller, model: str) -> None:
    """Raises `BadRequest` (403) where the key may not ask this model."""
    if caller.models and model not in caller.models:
        raise BadRequest(
            "model_not_allowed",
            "This key may not use that model.",
            "Ask the operator, or list allowed models with GET /v1/models.",
            "model",
        )


def require(caller: Caller, *roles: str) -> None:
    """Raises `BadRequest` (403) where the caller has none of these roles."""
    if caller.role not in (*roles, LOCAL.role):
        raise BadRequest(
            "forbidden",
            f"This needs a key with the role {' or '.join(roles)}.",
            "Ask the operator for such a key.",
        )
