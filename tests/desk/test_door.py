"""Who is at the door."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.responses import Response

from guardrail.desk import door
from guardrail.desk.door import Door
from guardrail.desk.session import FAILURES
from guardrail.domain.errors import BadRequest
from tests.desk.paper import KEYS, NOW, PaperKeys


def asking(cookies: str = "", host: str = "desk.example", scheme: str = "https") -> Request:
    headers = [(b"host", host.encode())] + ([(b"cookie", cookies.encode())] if cookies else [])
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/desk",
        "query_string": b"",
        "scheme": scheme,
        "server": (host, 80),
        "client": ("10.0.0.1", 1),
        "headers": headers,
    }
    return Request(scope)


def made(*, opened: bool = False) -> Door:
    return Door(PaperKeys(opened), lambda: NOW)


def test_a_stranger_gets_a_cookie_and_no_name() -> None:
    first, second = made().visit(asking()), made().visit(asking())
    assert first.doctor is None
    assert not first.known
    assert first.cookie != second.cookie
    assert first.lang == "zh"


def test_a_doctor_is_known_by_his_cookie_and_not_by_his_first_one() -> None:
    entrance = made()
    stranger = entrance.visit(asking())
    cookie = entrance.sign_in(asking(), "doctor-key")
    assert cookie != stranger.cookie
    back = entrance.visit(asking(f"guardrail_desk={cookie}; guardrail_desk_language=en"))
    assert (back.doctor, back.known, back.lang) == (KEYS["doctor-key"], True, "en")
    assert entrance.visit(asking(f"guardrail_desk={stranger.cookie}")).doctor is None
    entrance.sign_out(back)
    assert entrance.visit(asking(f"guardrail_desk={cookie}")).doctor is None


def test_an_unknown_language_is_chinese() -> None:
    assert made().visit(asking("guardrail_desk_language=xx")).lang == "zh"


@pytest.mark.parametrize("key", ["", "错的", "app-key", "doctor-key "])
def test_keys_that_are_no_doctors(key: str) -> None:
    with pytest.raises(BadRequest) as caught:
        made().sign_in(asking(), key)
    assert caught.value.code == "wrong_key"


def test_too_many_wrong_keys_bar_even_the_right_one() -> None:
    entrance = made()
    for _ in range(FAILURES):
        with pytest.raises(BadRequest, match="unknown"):
            entrance.sign_in(asking(), "guess")
    with pytest.raises(BadRequest) as caught:
        entrance.sign_in(asking(), "doctor-key")
    assert caught.value.code == "too_many_attempts"


def test_a_seal_counts_only_with_the_cookie_it_was_made_for() -> None:
    entrance = made()
    visit = entrance.visit(asking("guardrail_desk=one"))
    entrance.sealed(visit, {"seal": visit.seal})
    other = entrance.visit(asking("guardrail_desk=two"))
    fresh = entrance.visit(asking())
    for who, seal in ((visit, ""), (visit, other.seal), (other, visit.seal), (fresh, fresh.seal)):
        with pytest.raises(BadRequest) as caught:
            entrance.sealed(who, {"seal": seal})
        assert caught.value.code == "form_expired"


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:8080", "a.localhost"])
def test_without_keys_this_machine_is_the_doctor(host: str) -> None:
    visit = made(opened=True).visit(asking(host=host, scheme="http"))
    assert visit.doctor is not None
    assert visit.doctor.role == "local"


@pytest.mark.parametrize("host", ["evil.example", "10.0.0.7:8080", "127.0.0.1.evil.example"])
def test_without_keys_other_names_are_refused(host: str) -> None:
    with pytest.raises(BadRequest) as caught:
        made(opened=True).visit(asking(host=host, scheme="http"))
    assert caught.value.code == "foreign_host"


@pytest.mark.parametrize(("scheme", "secure"), [("https", True), ("http", False)])
def test_cookies_are_shut(scheme: str, secure: bool) -> None:
    response = Response()
    door.keep(response, asking(scheme=scheme), "token")
    door.keep_language(response, asking(scheme=scheme), "en")
    session, language = response.headers.getlist("set-cookie")
    for cookie in (session, language):
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Path=/desk" in cookie
        assert ("Secure" in cookie) == secure
    assert "Max-Age=43200" in session


@pytest.mark.parametrize(
    ("path", "back"),
    [
        ("/desk", "/desk"),
        ("/desk/cases/case-1a", "/desk/cases/case-1a"),
        ("/desk?state=claimed", "/desk?state=claimed"),
        ("", "/desk"),
        ("//evil.example", "/desk"),
        ("/desk//evil.example", "/desk"),
        ("https://evil.example/desk", "/desk"),
        ("/desk\\evil", "/desk"),
        ("/desk\r\nX: y", "/desk"),
        ("/v1/models", "/desk"),
    ],
)
def test_the_way_back_stays_in_the_house(path: str, back: str) -> None:
    assert door.way_back(path) == back
