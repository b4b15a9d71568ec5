"""What operations look at: alive, ready, which version, and the numbers."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

import guardrail
from guardrail.server.house import House


def routes(house: House, *, metrics: bool) -> APIRouter:
    """`/livez`, `/readyz`, `/version`, and `/metrics` unless that has a port of its own."""
    router = APIRouter(tags=["ops"])

    @router.get("/livez", summary="The process is up")
    async def livez() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/readyz", summary="It can serve: upstream, ledger, classifier, policies")
    async def readyz() -> Response:
        missing = ["draining"] if house.doors.closing else list(await house.ready())
        status = 503 if missing else 200
        body = {"status": "not ready" if missing else "ready", "missing": missing}
        return JSONResponse(body, status_code=status)

    @router.get("/version", summary="Version, policies, models")
    async def version() -> dict[str, object]:
        return {
            "version": guardrail.__version__,
            "policy": house.shelf.current.digest,
            "models": list(house.models),
        }

    async def exposition() -> Response:
        data, kind = await asyncio.to_thread(house.render_metrics)
        return Response(data, media_type=kind)

    if metrics:
        router.get("/metrics", summary="Prometheus exposition")(exposition)
    return router
