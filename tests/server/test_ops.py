from guardrail.app import application
from guardrail.server import routes
from guardrail.settings import Settings


async def test_alive_ready_version_metrics(world) -> None:
    w = world()
    assert (await w.call("/livez", method="GET", key="")).json == {"status": "alive"}
    ready = await w.call("/readyz", method="GET", key="")
    assert (ready.status, ready.json["status"]) == (200, "ready")
    version = (await w.call("/version", method="GET", key="")).json
    assert version["models"] == ["judge 1"]
    assert version["policy"] == w.house.shelf.current.digest
    assert (await w.call("/metrics", method="GET", key="")).body == b"# metrics\n"


async def test_not_ready_says_what_is_missing(world) -> None:
    answer = await world(ready=["upstream"]).call("/readyz", method="GET", key="")
    assert (answer.status, answer.json["missing"]) == (503, ["upstream"])


async def test_a_closing_house_is_not_ready(world) -> None:
    w = world()
    w.house.doors.closing = True
    answer = await w.call("/readyz", method="GET", key="")
    assert (answer.status, answer.json["missing"]) == (503, ["draining"])


async def test_the_port_for_operations_has_nothing_else(world) -> None:
    w = world()
    w.app = routes.operations(w.house)
    assert (await w.call("/livez", method="GET")).status == 200
    assert (await w.call("/v1/models", method="GET")).status == 404


async def test_metrics_leave_the_main_port_when_they_have_their_own(world) -> None:
    w = world()
    w.app = application(
        w.house.__class__(**{**vars_of(w.house), "settings": Settings(metrics_port=9)})
    )
    assert (await w.call("/metrics", method="GET")).status == 404


def vars_of(house):
    return {name: getattr(house, name) for name in house.__slots__}
