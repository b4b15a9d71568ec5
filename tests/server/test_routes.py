"""Everything but the proxied path: models, moderations, check, policies, errors."""

import pytest

from guardrail.domain.errors import BadConfig


async def test_models(world) -> None:
    w = world()
    assert [row["id"] for row in (await w.call("/v1/models", method="GET")).json["data"]] == [
        "scripted"
    ]
    one = await w.call("/v1/models/scripted", method="GET")
    assert (one.status, one.json["id"]) == (200, "scripted")
    none = await w.call("/v1/models/nope", method="GET")
    assert (none.status, none.code) == (404, "model_not_found")
    assert (await w.call("/v1/models", method="GET", key="one-model-key")).json["data"] == []
    denied = await w.call("/v1/models/scripted", method="GET", key="one-model-key")
    assert denied.status == 403
    assert (await w.call("/v1/models", method="GET", key="")).status == 401


async def test_moderations(world) -> None:
    w = world()
    answer = await w.call("/v1/moderations", {"input": ["头痛", "电话13800138000"]})
    assert [result["flagged"] for result in answer.json["results"]] == [False, True]
    assert answer.json["id"].startswith("modr-")
    bad = await w.call("/v1/moderations", {})
    assert (bad.status, bad.json["error"]["param"]) == (400, "input")


async def test_check(world) -> None:
    w = world()
    answer = await w.call(
        "/guard/v1/check", {"id": 7, "text": "先休息。给您开药。", "side": "output"}
    )
    assert (answer.json["id"], answer.json["action"]) == (7, "block")
    assert answer.json["findings"][0]["start"] == 6
    stricter = await w.call("/guard/v1/check", {"text": "好。", "side": "output", "scene": "A"})
    assert stricter.json["tier"] == "takeover"
    assert (await w.call("/guard/v1/check", {"text": "x"})).status == 400


async def test_policies_and_reload(world) -> None:
    w = world()
    listed = await w.call("/guard/v1/policies", method="GET")
    assert listed.json["digest"] == w.house.shelf.current.digest
    assert "t.block" in {rule for row in listed.json["policies"] for rule in row["rules"]}
    assert (await w.call("/guard/v1/policies/reload")).status == 403
    again = await w.call("/guard/v1/policies/reload", key="ops-key")
    assert again.json["digest"] == listed.json["digest"]
    assert w.watch.codes == ["swapped"]


async def test_a_reload_that_does_not_compile_changes_nothing(world) -> None:
    w = world()
    before = w.house.shelf.current

    def broken():
        raise BadConfig("policy_invalid", "unknown kind", "Correct it.", "x.yaml:3:5")

    w.house.shelf._load = broken
    answer = await w.call("/guard/v1/policies/reload", key="ops-key")
    assert (answer.status, answer.code) == (400, "policy_invalid")
    assert "x.yaml:3:5" in answer.json["error"]["message"]
    assert w.house.shelf.current is before
    assert w.watch.codes == ["refused"]


@pytest.mark.parametrize(
    ("path", "method", "status", "code"),
    [
        ("/nope", "GET", 404, "not_found"),
        ("/v1/files", "POST", 404, "not_found"),
        ("/v1/models", "DELETE", 405, "method_not_allowed"),
        ("/guard/v1/cases/x", "GET", 404, "case_not_found"),
    ],
)
async def test_errors_have_one_shape(world, path, method, status, code) -> None:
    answer = await world().call(path, method=method)
    assert answer.status == status
    assert answer.json["error"]["type"] == "invalid_request_error"
    assert answer.json["error"]["code"] == code


async def test_a_bug_tells_nothing(world) -> None:
    w = world()

    class Broken:
        async def models(self):
            raise ValueError("张三")

    w.house.upstream = Broken()
    answer = await w.call("/v1/models", method="GET")
    assert (answer.status, answer.code) == (500, "internal_error")
    assert "张三" not in answer.body.decode()


async def test_the_api_document_is_served_and_the_cdn_page_is_not(world) -> None:
    w = world()
    document = (await w.call("/openapi.json", method="GET")).json
    assert "/guard/v1/check" in document["paths"]
    assert (await w.call("/docs", method="GET")).status == 404
