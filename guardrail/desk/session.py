"""Who is signed in at the desk. All of it is in memory: a restart signs everybody out."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from guardrail.domain.exchange import Caller

SESSION_S = 12 * 3600
MOST_SESSIONS = 1000
FAILURES = 10  # wrong keys per minute from one address before it has to wait
MOST_ADDRESSES = 4096
MINUTE_S = 60.0

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Session:
    doctor: Caller
    until: float  # Unix seconds


class Sessions:
    """Random tokens to doctors. Tokens are kept as digests: a lookup's timing tells nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[bytes, Session] = {}  # in the order they were opened

    def open(self, doctor: Caller) -> str:
        """A new token, good for twelve hours. The oldest session goes when there are too many."""
        if len(self._known) >= MOST_SESSIONS:
            del self._known[next(iter(self._known))]
        token = secrets.token_urlsafe(32)
        self._known[_digest(token)] = Session(doctor, self._clock() + SESSION_S)
        return token

    def doctor(self, token: str) -> Caller | None:
        """Whose token this is; None when it is unknown or has run out."""
        found = self._known.get(_digest(token))
        if found is not None and self._clock() >= found.until:
            self.close(token)
            return None
        return found.doctor if found else None

    def close(self, token: str) -> None:
        self._known.pop(_digest(token), None)


class Seal:
    """Form tokens: a form counts only when it carries the seal of the cookie it came with."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def of(self, cookie: str) -> str:
        data = cookie.encode("utf-8", "surrogateescape")
        return hmac.new(self._secret, data, hashlib.sha256).hexdigest()

    def holds(self, cookie: str, seal: str) -> bool:
        """In constant time."""
        given = seal.encode("utf-8", "surrogateescape")
        return hmac.compare_digest(self.of(cookie).encode(), given)


class Attempts:
    """Wrong keys by address, so that keys cannot be tried by the thousand."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failed: dict[str, deque[float]] = {}

    def barred(self, address: str) -> bool:
        """Whether this address has to wait before its next try."""
        times = self._failed.get(address, deque())
        while times and times[0] <= self._clock() - MINUTE_S:
            times.popleft()
        if not times:
            self._failed.pop(address, None)
        return len(times) >= FAILURES

    def failed(self, address: str) -> None:
        times = self._failed.pop(address, deque())  # put back last: the oldest go first
        times.append(self._clock())
        self._failed[address] = times
        if len(self._failed) > MOST_ADDRESSES:
            del self._failed[next(iter(self._failed))]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
