"""The routes of `/desk`. Every page answers GET; every change is a form sent by POST."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from guardrail.desk import door, form, render
from guardrail.desk.door import Door, Visit
from guardrail.desk.session import Clock
from guardrail.desk.view import CaseView, case_view, clock_s, row
from guardrail.desk.words import LANGUAGES, Words
from guardrail.domain.case import DECIDED, CaseState, Step
from guardrail.domain.errors import BadRequest, GuardrailError
from guardrail.domain.exchange import Caller
from guardrail.guard.ports import Casebook, KeyRing

Endpoint = Callable[[Request], Awaitable[Response]]
TABS = ("open", "claimed", "decided")
MOST_ROWS = 200
MOST_TEXT = 100_000
STATUS = {
    "wrong_key": 401,
    "signed_out": 401,
    "foreign_host": 403,
    "form_expired": 403,
    "not_found": 404,
    "case_not_found": 404,
    "request_timeout": 408,
    "case_conflict": 409,
    "form_too_large": 413,
    "too_many_attempts": 429,
}


def routes(cases: Casebook, keys: KeyRing, now: Clock) -> APIRouter:
    """`/desk…`; `now` is Unix seconds."""
    desk = Desk(cases, Door(keys, now), now)
    router = APIRouter(include_in_schema=False)
    for method, path, endpoint in [
        ("GET", "/desk", desk.queue),
        ("GET", "/desk/queue", desk.rows),
        ("GET", "/desk/sign-in", desk.sign_in_page),
        ("POST", "/desk/sign-in", desk.sign_in),
        ("POST", "/desk/sign-out", desk.sign_out),
        ("POST", "/desk/language", desk.language),
        ("GET", "/desk/cases/{case}", desk.case),
        ("POST", "/desk/cases/{case}/{step}", desk.step),
        ("GET", "/desk/static/{name}", desk.static),
        ("GET", "/desk/{rest:path}", desk.nowhere),
    ]:
        router.add_api_route(path, desk.answered(endpoint), methods=[method])
    return router


class Desk:
    """The endpoints. What goes wrong becomes a page in the doctor's language."""

    def __init__(self, cases: Casebook, entrance: Door, now: Clock) -> None:
        self._cases = cases
        self._door = entrance
        self._now = now

    def answered(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint with errors turned into pages, and the visitor's cookie set."""

        async def answer(request: Request) -> Response:
            try:
                return await endpoint(request)
            except GuardrailError as error:
                return self._refused(request, error)

        return answer

    # -- signing in

    async def sign_in_page(self, request: Request) -> Response:
        visit = self._door.visit(request)
        back = door.way_back(request.query_params.get("back", ""))
        if visit.doctor is not None:
            return render.away(back)
        return self._page("sign_in.html", request, visit, {"back": back, "error": ""})

    async def sign_in(self, request: Request) -> Response:
        visit = self._door.visit(request)
        fields = await form.read(request)
        back = door.way_back(fields.get("back", ""))
        try:
            self._door.sealed(visit, fields)
            cookie = self._door.sign_in(request, fields.get("key", "").strip())
        except BadRequest as error:
            told = {"back": back, "error": _told(error, Words(visit.lang))}
            return self._page("sign_in.html", request, visit, told, _status(error))
        response = render.away(back)
        door.keep(response, request, cookie)
        return response

    async def sign_out(self, request: Request) -> Response:
        visit = self._door.visit(request)
        self._door.sealed(visit, await form.read(request))
        self._door.sign_out(visit)
        return render.away("/desk/sign-in")

    async def language(self, request: Request) -> Response:
        visit = self._door.visit(request)
        fields = await form.read(request)
        self._door.sealed(visit, fields)
        response = render.away(door.way_back(fields.get("back", "")))
        if (lang := fields.get("lang", "")) in LANGUAGES:
            door.keep_language(response, request, lang)
        return response

    # -- the queue

    async def queue(self, request: Request) -> Response:
        visit = self._door.visit(request)
        if visit.doctor is None:
            return render.away("/desk/sign-in")
        return self._page("queue.html", request, visit, self._queue(request, visit, visit.doctor))

    async def rows(self, request: Request) -> Response:
        """The part of the queue that htmx asks for again and again."""
        visit = self._door.visit(request)
        if visit.doctor is None:
            headers = {**render.PAGE_HEADERS, "HX-Redirect": "/desk/sign-in"}
            return Response(b"", 200, headers)
        return render.page(
            "rows.html", Words(visit.lang), self._queue(request, visit, visit.doctor)
        )

    def _queue(self, request: Request, visit: Visit, doctor: Caller) -> dict[str, object]:
        asked = request.query_params.get("state", TABS[0])
        tab = asked if asked in TABS else TABS[0]
        opened = self._cases.listed(doctor, CaseState.OPEN)
        claimed = self._cases.listed(doctor, CaseState.CLAIMED)
        listed = {"open": opened, "claimed": claimed}.get(tab)
        found: Sequence[Mapping[str, Any]] = self._decided(doctor) if listed is None else listed
        now, words = self._now(), Words(visit.lang)
        return {
            "tab": tab,
            "tabs": TABS,
            "counts": {"open": len(opened), "claimed": len(claimed)},
            "rows": [row(case, doctor.name, now, words) for case in found[:MOST_ROWS]],
            "all": len(found),
            "updated": clock_s(now),
        }

    def _decided(self, doctor: Caller) -> list[dict[str, Any]]:
        found = [case for state in sorted(DECIDED) for case in self._cases.listed(doctor, state)]
        return sorted(found, key=lambda case: float(str(case["decided_at"])), reverse=True)

    # -- one case

    async def case(self, request: Request) -> Response:
        visit = self._door.visit(request)
        if visit.doctor is None:
            return render.away(f"/desk/sign-in?back={quote(request.url.path)}")
        view = await self._view(visit, visit.doctor, request.path_params["case"])
        done = request.query_params.get("done", "")
        values = {"case": view, "done": done if done in set(Step) else "", "error": "", "typed": {}}
        return self._page("case.html", request, visit, values)

    async def step(self, request: Request) -> Response:
        visit = self._door.visit(request)
        fields = await form.read(request)
        case = request.path_params["case"]
        if request.path_params["step"] not in set(Step):
            raise _nowhere()
        if visit.doctor is None:
            return self._expired(request, visit, fields)
        step = Step(request.path_params["step"])
        view = await self._view(visit, visit.doctor, case)
        try:
            self._door.sealed(visit, fields)
            said = _said(step, view, fields)
            await self._cases.take(visit.doctor, case, step, said)
        except GuardrailError as error:
            view = await self._view(visit, visit.doctor, case)
            values = {"error": _told(error, Words(visit.lang)), "typed": fields, "done": ""}
            return self._page("case.html", request, visit, {"case": view, **values}, _status(error))
        return render.away(f"/desk/cases/{quote(case, safe='')}?done={step.value}")

    async def _view(self, visit: Visit, doctor: Caller, case: str) -> CaseView:
        found = self._cases.case(doctor, case)
        file = await self._cases.file(found)
        return case_view(found, file, doctor.name, self._now(), Words(visit.lang))

    def _expired(self, request: Request, visit: Visit, fields: Mapping[str, str]) -> Response:
        """Signed out while writing: what was written is shown, so that it is not lost."""
        error = BadRequest("signed_out", "Not signed in.")
        values = {"error": _told(error, Words(visit.lang)), "typed": fields}
        return self._page("problem.html", request, visit, values, _status(error))

    # -- everything else

    async def static(self, request: Request) -> Response:
        found = render.asset(request.path_params["name"])
        if found is None:
            raise _nowhere()
        return found

    async def nowhere(self, _: Request) -> Response:
        raise _nowhere()

    def _refused(self, request: Request, error: GuardrailError) -> Response:
        if error.code == "foreign_host":
            visit = Visit("", "", LANGUAGES[0], None, known=True)
        else:
            visit = self._door.visit(request)
        values = {"error": _told(error, Words(visit.lang)), "typed": {}}
        return self._page("problem.html", request, visit, values, _status(error))

    def _page(
        self,
        template: str,
        request: Request,
        visit: Visit,
        values: Mapping[str, object],
        status: int = 200,
    ) -> Response:
        known = {
            "seal": visit.seal,
            "doctor": visit.doctor.name if visit.doctor else "",
            "leaves": visit.doctor is not None and not self._door.open,
            "here": _here(request),
            "other": next(lang for lang in LANGUAGES if lang != visit.lang),
        }
        response = render.page(template, Words(visit.lang), {**known, **values}, status)
        if not visit.known:
            door.keep(response, request, visit.cookie)
        return response


def _said(step: Step, view: CaseView, fields: Mapping[str, str]) -> dict[str, str]:
    """What the doctor says with a step. Raises `BadRequest` where the desk asks for more."""
    text, reason = fields.get("text", ""), fields.get("reason", "")
    if max(len(text), len(reason)) > MOST_TEXT:
        raise BadRequest("form_too_large", f"A text is longer than {MOST_TEXT} characters.")
    if step is Step.REJECT and not reason.strip():
        raise BadRequest("reason_missing", "A rejection needs a reason.", param="reason")
    if step is Step.CONFIRM:
        _confirmable(view, fields)
    return {
        "text": text if step is Step.AMEND else "",
        "reason": reason if step in (Step.AMEND, Step.REJECT) else "",
    }


def _confirmable(view: CaseView, fields: Mapping[str, str]) -> None:
    if not view.content:
        raise BadRequest("nothing_to_confirm", "There is no answer to confirm.")
    ticks = len(view.figures) + view.many
    if not all(fields.get(f"checked-{n}") for n in range(ticks)):
        raise BadRequest("unchecked", "Not every figure was checked.")


def _here(request: Request) -> str:
    """The page to come back to from this one: of a step, the case it belongs to."""
    if request.url.path.startswith("/desk/cases/"):
        return door.way_back(f"/desk/cases/{request.path_params.get('case', '')}")
    query = f"?{request.url.query}" if request.method == "GET" and request.url.query else ""
    return door.way_back(request.url.path + query)


def _told(error: GuardrailError, words: Words) -> str:
    key = f"error.{error.code}"
    return words(key) if words.knows(key) else words("error.other", code=error.code)


def _status(error: GuardrailError) -> int:
    return STATUS.get(error.code, 400 if isinstance(error, BadRequest) else 503)


def _nowhere() -> BadRequest:
    return BadRequest("not_found", "There is no such page.")
