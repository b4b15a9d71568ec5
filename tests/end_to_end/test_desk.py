"""A doctor at the desk, in a real browser, in front of a real guardrail."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.desk_pages import Browser, browser
from tests.end_to_end.running import Guarded, log_of, until

SAID = "可能是过敏，也可能是感染，需要进一步检查。"
AMENDED = "考虑接触性皮炎，请停用新换的护肤品。\nCome back in 3 days."
PATIENT = "我叫王小明，手机13800138000。没把握的话请直说：皮疹是什么原因？"


@pytest.fixture
def chromium(scripted: Guarded, tmp_path: Path) -> Iterator[Browser]:
    with browser(scripted, tmp_path) as made:
        yield made
        assert made.complaints() == []


def handed_over(running: Guarded, question: str = PATIENT) -> str:
    """A new case's id."""
    body = {"model": "scripted", "messages": [{"role": "user", "content": question}]}
    with running.http("demo-a") as http:
        told: dict[str, Any] = http.post("/v1/chat/completions", json=body).json()
    return str(told["guardrail"]["case"])


def as_told(running: Guarded, case: str) -> dict[str, Any]:
    with running.http("demo-a") as http:
        told: dict[str, Any] = http.get(f"/guard/v1/cases/{case}").json()
    return told


def test_a_doctor_amends_an_answer(scripted: Guarded, chromium: Browser) -> None:
    case = handed_over(scripted)
    chromium.open("/desk")
    chromium.write("#key", "not-a-key")
    chromium.send("/sign-in")
    assert "密钥不正确" in chromium.text
    chromium.shot("sign-in")
    chromium.sign_in("demo-doctor")
    assert "人工接管" in chromium.one(f"#row-{case}").text
    chromium.shot("queue-zh")
    chromium.one(f"#open-{case}").click()
    assert [mark.text for mark in chromium.all("mark")] == ["王小明", "13800138000"]
    assert "手机号 · 0.98" in str(chromium.all("mark")[1].get_attribute("title"))
    chromium.shot("case-open-zh")
    chromium.send("/claim")
    assert chromium.one("#text").get_attribute("value") == SAID
    chromium.shot("case-claimed-zh")
    chromium.write("#text", AMENDED)
    chromium.send("/amend")
    assert chromium.path == f"/desk/cases/{case}?done=amend"
    told = as_told(scripted, case)
    assert (told["state"], told["answer"]) == ("amended", AMENDED)
    chromium.send("/language")
    assert "The doctor's amended answer stands." in chromium.text
    chromium.shot("case-amended-en")
    chromium.open("/desk?state=decided")
    assert "amended" in chromium.one(f"#row-{case}").text
    chromium.shot("queue-decided-en")
    log = [line for line in log_of(scripted.log).splitlines() if line.startswith("{")]
    assert log  # beside it the demo prints its tour, which has questions of its own
    assert not any(word in "".join(log) for word in ("王小明", "13800138000", "皮疹", "护肤品"))


def test_the_queue_refreshes_itself_and_keeps_the_focus(
    scripted: Guarded, chromium: Browser
) -> None:
    first = handed_over(scripted)
    chromium.sign_in("demo-doctor")
    chromium.run(f"document.getElementById('open-{first}').focus()")
    second = handed_over(scripted)
    assert not chromium.all(f"#row-{second}")
    until(lambda: chromium.all(f"#row-{second}"), 20.0)
    assert chromium.focus().get_attribute("id") == f"open-{first}"


def test_two_doctors_at_once_and_nothing_typed_is_lost(
    scripted: Guarded, chromium: Browser
) -> None:
    case = handed_over(scripted)
    chromium.sign_in("demo-doctor")
    chromium.open(f"/desk/cases/{case}")
    chromium.send("/claim")
    chromium.write("#text", AMENDED)
    with scripted.http("demo-doctor") as http:
        assert http.post(f"/guard/v1/cases/{case}/reject", json={"reason": "x"}).status_code == 200
    chromium.send("/amend")
    assert "刚刚变了" in chromium.text
    assert chromium.one("textarea[readonly]").get_attribute("value") == AMENDED
    chromium.shot("conflict")


def test_everything_works_without_scripts(scripted: Guarded, chromium: Browser) -> None:
    case = handed_over(scripted)
    chromium.scripts(on=False)
    chromium.sign_in("demo-doctor")
    chromium.open(f"/desk/cases/{case}")
    chromium.send("/claim")
    chromium.send("/confirm")
    chromium.scripts(on=True)
    assert as_told(scripted, case)["answer"] == SAID


def test_the_keyboard_reaches_the_first_case(scripted: Guarded, chromium: Browser) -> None:
    handed_over(scripted)
    chromium.sign_in("demo-doctor")
    reached: list[str] = []
    deadline = time.monotonic() + 20
    while not any(name.startswith("open-") for name in reached):
        assert time.monotonic() < deadline, reached
        chromium.focus().send_keys("\ue004")  # Tab
        reached.append(str(chromium.focus().get_attribute("id")))
    assert "tab-open" in reached
    chromium.focus().send_keys("\ue007")  # Enter
    until(lambda: chromium.path.startswith("/desk/cases/"), 10.0)
