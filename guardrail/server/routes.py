"""FastAPI for everything but the proxied paths: models, moderations, check, policies."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

import guardrail
from guardrail.domain.errors import BadConfig, BadRequest, GuardrailError
from guardrail.domain.exchange import Caller, Side
from guardrail.domain.finding import Look
from guardrail.domain.taxonomy import taxonomy
from guardrail.domain.verdict import Verdict
from guardrail.server import body, judge, ops, problems, review
from guardrail.server.callers import limited, require, scene_of
from guardrail.server.cases import Cases
from guardrail.server.house import House
from guardrail.wire import check, moderation, problem
from guardrail.wire.check import Sample

CATEGORIES = taxonomy().score_keys  # read at import: the loop must not wait for a file


def application(house: House, cases: Cases) -> FastAPI:
    """The app that answers what the proxy does not."""
    app = FastAPI(
        title="guardrail",
        version=guardrail.__version__,
        description="An OpenAI-compatible proxy that guards a clinical LLM.",
        docs_url=None,  # its page loads scripts from a CDN; the document itself is served
        redoc_url=None,
    )
    app.include_router(ops.routes(house, metrics=house.settings.metrics_port is None))
    app.include_router(review.routes(house, cases))
    _openai(app, house)
    _guard(app, house)
    _errors(app)
    return app


def operations(house: House) -> FastAPI:
    """Probes and metrics alone, for a port that callers do not reach."""
    app = FastAPI(title="guardrail operations", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(ops.routes(house, metrics=True))
    _errors(app)
    return app


def _openai(app: FastAPI, house: House) -> None:
    @app.get("/v1/models", tags=["openai"], summary="Models this key may ask")
    async def models(request: Request) -> Response:
        return JSONResponse(
            {"object": "list", "data": await _models(house, _caller(house, request))}
        )

    @app.get("/v1/models/{model:path}", tags=["openai"], summary="One model")
    async def model_of(request: Request, model: str) -> Response:
        caller = _caller(house, request)
        limited(caller, model)
        for row in await _models(house, caller):
            if row["id"] == model:
                return JSONResponse(row)
        raise BadRequest(
            "model_not_found", "There is no such model.", "See GET /v1/models.", "model"
        )

    @app.post("/v1/moderations", tags=["openai"], summary="Judge texts in OpenAI's shape")
    async def moderations(request: Request) -> Response:
        caller = _caller(house, request)
        model, texts = moderation.read_moderation(await _body(house, request))
        scene = scene_of(caller, request.headers.get("x-guardrail-scene", ""))
        samples = [Sample(None, text, Side.INPUT, scene) for text in texts]
        results = [
            moderation.result(verdict, look, CATEGORIES)
            for verdict, look in await asyncio.gather(*(_judged(house, caller, s) for s in samples))
        ]
        data = moderation.answer(secrets.token_hex(12), model, results)
        return Response(data, media_type="application/json")


def _guard(app: FastAPI, house: House) -> None:
    @app.post("/guard/v1/check", tags=["guard"], summary="Judge one text without an LLM")
    async def checked(request: Request) -> Response:
        caller = _caller(house, request)
        sample = check.read_line(await _body(house, request))
        scene = scene_of(caller, sample.scene.value if sample.scene else "")
        sample = Sample(sample.id, sample.text, sample.side, scene, sample.context)
        verdict, look = await _judged(house, caller, sample)
        return JSONResponse(check.result(sample, verdict, look))

    @app.get("/guard/v1/policies", tags=["guard"], summary="The policies in force")
    async def policies(request: Request) -> Response:
        _caller(house, request)
        current = house.shelf.current
        rows = [
            {
                "id": policy.id,
                "version": policy.version,
                "locked": policy.locked,
                "rules": [rule.id for rule in policy.rules],
            }
            for policy in current.policies
        ]
        return JSONResponse({"digest": current.digest, "policies": rows})

    @app.post("/guard/v1/policies/reload", tags=["guard"], summary="Read the policy files again")
    async def reload(request: Request) -> Response:
        require(_caller(house, request), "ops")
        try:
            policies = await asyncio.to_thread(house.shelf.reload)
        except BadConfig as error:
            house.on_reload("refused")
            raise BadRequest(error.code, str(error), "The policies in force were kept.") from None
        house.on_reload("swapped")
        return JSONResponse({"digest": policies.digest})


def _errors(app: FastAPI) -> None:
    @app.middleware("http")
    async def answered(
        request: Request, go_on: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        """Every error in OpenAI's shape; bugs without content."""
        given: list[Response] = []

        async def work() -> None:
            given.append(await go_on(request))

        async def refuse(error: GuardrailError) -> None:
            given.append(_refusal(error))

        await problems.answered(work(), refuse)
        return given[0]

    @app.exception_handler(HTTPException)
    async def unknown(_: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        code = {404: "not_found", 405: "method_not_allowed"}.get(status, "bad_request")
        refused = BadRequest(code, "There is nothing here for that.", "See /openapi.json.")
        return _refusal(refused)

    @app.exception_handler(RequestValidationError)
    async def misshapen(_: Request, error: Exception) -> Response:
        # Pydantic's own words quote the input; only where it went wrong is told.
        wrong = error.errors() if isinstance(error, RequestValidationError) else []
        param = ".".join(str(step) for step in wrong[0]["loc"][1:]) if wrong else None
        return _refusal(
            BadRequest(
                "invalid_request",
                f"{param or 'The request'} is not valid.",
                "See /openapi.json.",
                param,
            )
        )


def _refusal(error: GuardrailError) -> Response:
    headers = {k.decode(): v.decode() for k, v in problems.headers(error)}
    return Response(
        problem.body(error), problems.status(error), headers, media_type="application/json"
    )


def _caller(house: House, request: Request) -> Caller:
    return house.callers.of_header(request.headers.get("authorization", ""))


async def _body(house: House, request: Request) -> bytes:
    return await body.read(request.scope, request.receive, house.settings.limits)


async def _judged(house: House, caller: Caller, sample: Sample) -> tuple[Verdict, Look]:
    return await judge.judge(house.panel, house.shelf.current, sample, caller.scene, caller.tenant)


async def _models(house: House, caller: Caller) -> list[dict[str, object]]:
    names = [
        name for name in await house.upstream.models() if not caller.models or name in caller.models
    ]
    return [{"id": name, "object": "model", "created": 0, "owned_by": "upstream"} for name in names]
