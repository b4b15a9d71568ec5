"""A doubtful answer in the hands of a doctor, over the API, while the caller waits."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.end_to_end.running import GUARDRAIL, Guarded, until

AMENDED = "考虑接触性皮炎，请停用新换的护肤品，三天后复诊。Come back in three days."
ASKS: Any = {
    "model": "scripted",
    "messages": [{"role": "user", "content": "没把握的话请直说：皮疹是什么原因？"}],
}


def handed_over(running: Guarded, **changes: Any) -> dict[str, Any]:
    with running.http("demo-a") as http:
        answer = http.post("/v1/chat/completions", json={**ASKS, **changes})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def waited(running: Guarded, case: str) -> dict[str, Any]:
    with running.http("demo-a") as http:
        answer = http.get(f"/guard/v1/cases/{case}", params={"wait": 30})
    told: dict[str, Any] = answer.json()
    return told


def step(http: httpx.Client, case: str, name: str, **said: str) -> httpx.Response:
    return http.post(f"/guard/v1/cases/{case}/{name}", json=said)


def test_the_caller_gets_what_the_doctor_amended(scripted: Guarded) -> None:
    answer = handed_over(scripted)
    guardrail = answer["guardrail"]
    case = guardrail["case"]
    notice = answer["choices"][0]["message"]["content"]
    assert case in notice
    assert "过敏" not in json.dumps(answer, ensure_ascii=False)
    assert (guardrail["action"], guardrail["tier"]) == ("handover", "takeover")
    assert guardrail["confidence"] == pytest.approx(0.6)
    with ThreadPoolExecutor() as pool, scripted.http("demo-doctor") as doctor:
        waiting = pool.submit(waited, scripted, case)
        listed = doctor.get("/guard/v1/cases", params={"state": "open"}).json()["cases"]
        assert case in [row["id"] for row in listed]
        file = doctor.get(f"/guard/v1/cases/{case}").json()
        assert file["turns"][0]["text"] == ASKS["messages"][0]["content"]
        assert file["withheld"][0]["text"] == "可能是过敏，也可能是感染，需要进一步检查。"
        assert step(doctor, case, "amend", text=AMENDED).json()["error"]["code"] == "case_conflict"
        assert step(doctor, case, "claim").json()["case"]["claimed_by"] == "demo-doctor"
        assert not waiting.done()
        done = step(doctor, case, "amend", text=AMENDED, reason="更具体 / more precise")
        assert done.json()["case"]["state"] == "amended"
        told = waiting.result(30)
    assert told["answer"] == AMENDED
    assert told["state"] == "amended"
    assert "withheld" not in told
    assert scripted.kinds(guardrail["exchange"]) == [
        *("asked", "inspected", "inspected", "decided", "released", "opened"),
        *("reviewed", "reviewed"),
    ]


def test_a_confirmed_answer_stands_and_a_rejected_one_does_not(scripted: Guarded) -> None:
    for name, answer in (
        ("confirm", "可能是过敏，也可能是感染，需要进一步检查。"),
        ("reject", None),
    ):
        case = handed_over(scripted)["guardrail"]["case"]
        with scripted.http("demo-doctor") as doctor:
            step(doctor, case, "claim")
            assert step(doctor, case, name, reason="看过了").status_code == 200
            assert step(doctor, case, name).json()["error"]["code"] == "case_conflict"
        assert waited(scripted, case)["answer"] == answer


def test_only_doctors_see_the_queue(scripted: Guarded) -> None:
    case = handed_over(scripted)["guardrail"]["case"]
    for key in ("demo-a", "demo-c", "demo-ops"):
        with scripted.http(key) as http:
            assert http.get("/guard/v1/cases").status_code == 403
            assert step(http, case, "claim").status_code == 403
            assert "turns" not in http.get(f"/guard/v1/cases/{case}").json()
    with scripted.http("demo-doctor") as doctor:
        assert (
            doctor.get("/guard/v1/cases/case-unknown").json()["error"]["code"] == "case_not_found"
        )


def test_a_handover_as_a_stream(scripted: Guarded) -> None:
    with scripted.client("demo-a") as client:
        chunks = list(client.chat.completions.create(**ASKS, stream=True))
    last: Any = chunks[-1]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert last.choices[0].finish_reason == "content_filter"
    assert last.guardrail["case"] in text
    assert "过敏" not in text


@pytest.mark.parametrize("stream", [False, True])
def test_a_clinician_gets_three_alternatives(scripted: Guarded, stream: bool) -> None:
    question = "这可能是什么诊断？头痛三天。"
    asked: Any = {"model": "scripted", "messages": [{"role": "user", "content": question}]}
    with scripted.client("demo-a") as client:
        if stream:
            chunks: list[Any] = list(client.chat.completions.create(**asked, stream=True))
            text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
            guardrail = chunks[-1].guardrail
        else:
            whole: Any = client.chat.completions.create(**asked)
            text, guardrail = whole.choices[0].message.content, whole.guardrail
    assert [f"{n}. {t}" in text for n, t in ((1, "偏头痛"), (2, "紧张型头痛"), (3, "鼻窦炎"))] == [
        *(True, True, True)
    ]
    assert text.count("支持：") == 3
    assert "可能性较大" not in text
    assert (guardrail["tier"], guardrail["confidence"]) == ("differential", pytest.approx(0.88))
    withheld = scripted.bodies(guardrail["exchange"])["decided"]["withheld"]
    assert withheld[0]["text"] == "考虑偏头痛的可能性较大，建议到神经内科就诊。"


def test_a_sure_answer_is_not_believed_before_doctors_have_proven_it(scripted: Guarded) -> None:
    asked: Any = {"model": "scripted", "messages": [{"role": "user", "content": "我头痛两天了"}]}
    with scripted.client("demo-a") as client:
        whole: Any = client.chat.completions.create(**asked)
    assert whole.guardrail["confidence"] == pytest.approx(0.97)
    assert whole.guardrail["tier"] == "differential" or whole.guardrail["tier"] == "takeover"
    assert "confirm_not_proven" in whole.guardrail["notes"]


def test_the_command_for_cases(scripted: Guarded) -> None:
    case = handed_over(scripted)["guardrail"]["case"]

    def cases(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*GUARDRAIL, "cases", *arguments, "--url", scripted.base, "--key", "demo-doctor"]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert case in until(lambda: cases("list").stdout)
    assert cases("claim", case).returncode == 0
    assert cases("amend", case, "--text", AMENDED).returncode == 0
    assert AMENDED in cases("show", case).stdout
    assert waited(scripted, case)["answer"] == AMENDED
