"""Who is at the door: cookies to visitors, keys to sessions, seals on forms."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from starlette.requests import Request
from starlette.responses import Response

from guardrail.desk.session import SESSION_S, Attempts, Clock, Seal, Sessions
from guardrail.desk.words import LANGUAGES
from guardrail.domain.errors import BadRequest
from guardrail.domain.exchange import Caller
from guardrail.guard.ports import KeyRing

COOKIE = "guardrail_desk"
LANGUAGE_COOKIE = "guardrail_desk_language"
PATH = "/desk"
YEAR_S = 365 * 24 * 3600
ROLES = frozenset({"doctor", "local"})
_WAY_BACK = re.compile(r"/desk(?:/[A-Za-z0-9_.-]+)*(?:\?state=[a-z]+)?")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request's visitor. `seal` goes into every form of the page."""

    cookie: str
    seal: str
    lang: str
    doctor: Caller | None
    known: bool  # the browser brought the cookie; otherwise the answer sets it


class Door:
    def __init__(self, keys: KeyRing, clock: Clock) -> None:
        self._keys = keys
        self._sessions = Sessions(clock)
        self._attempts = Attempts(clock)
        self._seal = Seal()

    @property
    def open(self) -> bool:
        """No keys are in force: nobody has to sign in."""
        return self._keys.open

    def visit(self, request: Request) -> Visit:
        """Who this is. Raises `BadRequest` (`foreign_host`)."""
        if self.open and not _loopback(request.url.hostname or ""):
            # Without keys the browser's same-origin rule is all that keeps other pages out, and a
            # page whose name was made to point at this machine passes it.
            raise BadRequest("foreign_host", "Without keys the desk is for this machine alone.")
        brought = request.cookies.get(COOKIE, "")
        cookie = brought or secrets.token_urlsafe(32)
        doctor = self._keys.of_key("") if self.open else self._sessions.doctor(cookie)
        lang = request.cookies.get(LANGUAGE_COOKIE, "")
        return Visit(
            cookie=cookie,
            seal=self._seal.of(cookie),
            lang=lang if lang in LANGUAGES else LANGUAGES[0],
            doctor=doctor,
            known=bool(brought),
        )

    def sealed(self, visit: Visit, fields: Mapping[str, str]) -> None:
        """Raises `BadRequest` (`form_expired`) for a form that was not ours."""
        if not visit.known or not self._seal.holds(visit.cookie, fields.get("seal", "")):
            raise BadRequest("form_expired", "The form was not made for this visit.")

    def sign_in(self, request: Request, key: str) -> str:
        """The cookie of a new session. Raises `BadRequest` (`wrong_key`, `too_many_attempts`)."""
        address = request.client.host if request.client else ""
        if self._attempts.barred(address):
            raise BadRequest("too_many_attempts", "Too many wrong keys from this address.")
        doctor = self._keys.of_key(key)
        if doctor is None or doctor.role not in ROLES:
            self._attempts.failed(address)
            raise BadRequest("wrong_key", "The key is unknown or not a doctor's.")
        return self._sessions.open(doctor)

    def sign_out(self, visit: Visit) -> None:
        self._sessions.close(visit.cookie)


def keep(response: Response, request: Request, cookie: str) -> None:
    """Have the browser bring this cookie from now on."""
    _set(response, request, COOKIE, cookie, SESSION_S)


def keep_language(response: Response, request: Request, lang: str) -> None:
    _set(response, request, LANGUAGE_COOKIE, lang, YEAR_S)


def way_back(path: str) -> str:
    """The page to return to; the queue where `path` is none of ours."""
    return path if _WAY_BACK.fullmatch(path) else PATH


def _set(response: Response, request: Request, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path=PATH,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def _loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
