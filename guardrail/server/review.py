"""The cases API: doctors list, claim, confirm, amend and reject; callers wait for the answer."""

from __future__ import annotations

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from guardrail.domain.case import CaseState, Step
from guardrail.domain.exchange import Caller
from guardrail.server.callers import require
from guardrail.server.cases import MAX_WAIT_S, Cases, shown
from guardrail.server.house import House

MAX_TEXT = 100_000


class Decision(BaseModel):
    """What the doctor says with a step. `text` is the amended answer."""

    model_config = ConfigDict(extra="forbid")
    text: str = Field(default="", max_length=MAX_TEXT)
    reason: str = Field(default="", max_length=MAX_TEXT)


def routes(house: House, cases: Cases) -> APIRouter:
    """`/guard/v1/cases…`."""
    router = APIRouter(prefix="/guard/v1/cases", tags=["cases"])

    def caller(request: Request) -> Caller:
        return house.callers.of_header(request.headers.get("authorization", ""))

    @router.get("", summary="Cases of your hospital, the longest waiting first")
    async def listed(request: Request, state: CaseState | None = None) -> Response:
        doctor = caller(request)
        require(doctor, "doctor")
        return JSONResponse({"cases": cases.listed(doctor, state)})

    @router.get("/{case}", summary="One case: the whole file for a doctor, the answer for an app")
    async def one(
        request: Request, case: str, wait: float = Query(default=0.0, ge=0, le=MAX_WAIT_S)
    ) -> Response:
        asker = caller(request)
        found = await cases.wait(cases.case(asker, case), wait)
        if asker.role in ("doctor", "local"):
            return JSONResponse({**await cases.answer(found), **await cases.file(found)})
        return JSONResponse(await cases.answer(found))

    @router.post("/{case}/{step}", summary="claim, unclaim, confirm, amend or reject")
    async def stepped(
        request: Request, case: str, step: Step, said: Decision | None = None
    ) -> Response:
        doctor = caller(request)
        require(doctor, "doctor")
        words = said.model_dump() if said else {}
        return JSONResponse({"case": shown(await cases.take(doctor, case, step, words))})

    return router
