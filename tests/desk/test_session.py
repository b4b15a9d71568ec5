"""Sessions, seals and wrong keys."""

from __future__ import annotations

from guardrail.desk import session
from guardrail.desk.session import Attempts, Seal, Sessions
from guardrail.domain.exchange import Caller

DOCTOR = Caller("李医生", role="doctor")


class Hands:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def test_a_session_lasts_twelve_hours() -> None:
    clock = Hands()
    sessions = Sessions(clock)
    token = sessions.open(DOCTOR)
    clock.at += 12 * 3600 - 1
    assert sessions.doctor(token) == DOCTOR
    clock.at += 1
    assert sessions.doctor(token) is None
    clock.at -= 3600
    assert sessions.doctor(token) is None


def test_tokens_are_random_and_not_kept() -> None:
    sessions = Sessions(Hands())
    first, second = sessions.open(DOCTOR), sessions.open(DOCTOR)
    assert first != second
    assert len(first) >= 43
    assert first not in repr(vars(sessions))
    assert sessions.doctor("") is None
    assert sessions.doctor("伪造\udcff") is None


def test_signing_out_ends_one_session() -> None:
    sessions = Sessions(Hands())
    first, second = sessions.open(DOCTOR), sessions.open(DOCTOR)
    sessions.close(first)
    sessions.close("unknown")
    assert (sessions.doctor(first), sessions.doctor(second)) == (None, DOCTOR)


def test_sessions_are_bounded_and_the_oldest_goes() -> None:
    sessions = Sessions(Hands())
    tokens = [sessions.open(DOCTOR) for _ in range(session.MOST_SESSIONS + 1)]
    assert sessions.doctor(tokens[0]) is None
    assert all(sessions.doctor(token) for token in tokens[1:])


def test_a_seal_belongs_to_one_cookie() -> None:
    seal = Seal()
    made = seal.of("cookie")
    assert seal.holds("cookie", made)
    for cookie, given in (("other", made), ("cookie", ""), ("cookie", "印章\udcff")):
        assert not seal.holds(cookie, given)
    assert not Seal().holds("cookie", made)


def test_ten_wrong_keys_a_minute() -> None:
    clock = Hands()
    attempts = Attempts(clock)
    for _ in range(session.FAILURES):
        assert not attempts.barred("10.0.0.1")
        attempts.failed("10.0.0.1")
        clock.at += 1
    assert attempts.barred("10.0.0.1")
    assert not attempts.barred("10.0.0.2")
    clock.at += 50
    assert not attempts.barred("10.0.0.1")


def test_an_address_is_forgotten_after_a_minute() -> None:
    clock = Hands()
    attempts = Attempts(clock)
    attempts.failed("10.0.0.1")
    clock.at += 61
    assert not attempts.barred("10.0.0.1")
    assert attempts._failed == {}


def test_addresses_are_bounded() -> None:
    attempts = Attempts(Hands())
    for n in range(session.MOST_ADDRESSES + 5):
        attempts.failed(str(n))
    assert len(attempts._failed) == session.MOST_ADDRESSES
    assert "0" not in attempts._failed
