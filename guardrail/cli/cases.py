"""`guardrail cases`: the doctor's queue from a terminal, over the HTTP API of a running server.

The server owns the ledger, so decisions go through it. Exit codes: 0 done, 1 the server refused,
2 the server could not be asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, cast
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import typer

from guardrail.domain.case import CaseState, Step
from guardrail.domain.errors import BadRequest, GuardrailError, UpstreamFailed

app = typer.Typer(help="List and decide handover cases.", no_args_is_help=True)

_TIMEOUT_S = 30.0
_URL = "http://127.0.0.1:8080"

Url = Annotated[
    str, typer.Option("--url", envvar="GUARDRAIL_CASES_URL", help="Where the server listens.")
]
Key = Annotated[
    str,
    typer.Option(
        "--key", envvar="GUARDRAIL_CASES_KEY", help="A doctor's API key.", show_envvar=True
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the server's JSON.")]
CaseId = Annotated[str, typer.Argument(help="Id of the case.", metavar="ID")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the record.")]


@app.command("list")
def list_cases(
    url: Url = _URL,
    key: Key = "",
    state: Annotated[CaseState | None, typer.Option(help="Only cases in this state.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the queue, the longest waiting first.

    Example: guardrail cases list --state open
    """
    query = "?" + urlencode({"state": state.value}) if state else ""
    with _complaints():
        answer = _call(url, key, query)
        if as_json:
            typer.echo(_shown(answer))
            return
        rows = cast(list[Mapping[str, Any]], answer.get("cases", []))
        for case in rows:
            typer.echo(_printable(_line(case)))
        typer.echo(f"{len(rows)} cases", err=True)


@app.command()
def show(case: CaseId, url: Url = _URL, key: Key = "", as_json: AsJson = False) -> None:
    """Show one case with its conversation.

    Example: guardrail cases show case-1a2b
    """
    with _complaints():
        answer = _call(url, key, f"/{quote(case, safe='')}")
        typer.echo(_shown(answer) if as_json else _printable("\n".join(_told(answer))))


@app.command()
def claim(case: CaseId, url: Url = _URL, key: Key = "", as_json: AsJson = False) -> None:
    """Take a case: nobody else can decide it then.

    Example: guardrail cases claim case-1a2b
    """
    _step(Step.CLAIM, case, (url, key), {}, as_json=as_json)


@app.command()
def unclaim(case: CaseId, url: Url = _URL, key: Key = "", as_json: AsJson = False) -> None:
    """Give a claimed case back to the queue.

    Example: guardrail cases unclaim case-1a2b
    """
    _step(Step.UNCLAIM, case, (url, key), {}, as_json=as_json)


@app.command()
def confirm(
    case: CaseId, url: Url = _URL, key: Key = "", reason: Reason = "", as_json: AsJson = False
) -> None:
    """The answer is right as it stands.

    Example: guardrail cases confirm case-1a2b
    """
    _step(Step.CONFIRM, case, (url, key), {"reason": reason}, as_json=as_json)


@app.command()
def amend(
    case: CaseId,
    text: Annotated[str, typer.Option("--text", help="The right answer; - reads it from stdin.")],
    url: Url = _URL,
    key: Key = "",
    reason: Reason = "",
    as_json: AsJson = False,
) -> None:
    """Replace the answer by the doctor's own.

    Example: guardrail cases amend case-1a2b --text - < answer.txt
    """
    said = typer.get_text_stream("stdin").read() if text == "-" else text
    _step(Step.AMEND, case, (url, key), {"text": said, "reason": reason}, as_json=as_json)


@app.command()
def reject(
    case: CaseId, url: Url = _URL, key: Key = "", reason: Reason = "", as_json: AsJson = False
) -> None:
    """The answer must not be used.

    Example: guardrail cases reject case-1a2b --reason "contraindicated"
    """
    _step(Step.REJECT, case, (url, key), {"reason": reason}, as_json=as_json)


def _step(
    step: Step, case: str, where: tuple[str, str], body: dict[str, str], *, as_json: bool
) -> None:
    sent = {"text": "", "reason": ""} | body
    with _complaints():
        answer = _call(*where, f"/{quote(case, safe='')}/{step.value}", sent)
        if as_json:
            typer.echo(_shown(answer))
        else:
            moved = cast(Mapping[str, Any], answer.get("case", answer))
            typer.echo(f"{case} is now {moved.get('state', '?')}")


def _call(url: str, key: str, path: str, body: Mapping[str, str] | None = None) -> dict[str, Any]:
    """One exchange with the cases API; `body` makes it a POST.

    Raises `BadRequest` when the server refuses and `UpstreamFailed` when it cannot be asked.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise BadRequest("bad_url", "the URL must begin with http:// or https://.", "Check --url.")
    request = Request(f"{url.rstrip('/')}/guard/v1/cases{path}")  # noqa: S310 - checked above
    request.add_header("Accept", "application/json")
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    if body is not None:
        request.add_header("Content-Type", "application/json")
        request.data = json.dumps(body).encode()
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=_TIMEOUT_S) as answer:
            return _object(answer.read())
    except HTTPError as error:
        raise _refused(error) from None
    except (URLError, TimeoutError, ConnectionError):
        raise UpstreamFailed(
            "server_unreachable", f"no server answers at {url}.", "Start it, or give --url."
        ) from None


def _object(content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise UpstreamFailed("not_json", "what answered is no guardrail server.", "Check --url.")
    return answer


def _refused(error: HTTPError) -> GuardrailError:
    """The server's own complaint, or what little its status says."""
    with error:
        content = error.read()
    try:
        said = json.loads(content)["error"]
        code, message = str(said["code"]), str(said["message"])
    except (ValueError, KeyError, TypeError):
        code, message = f"http_{error.code}", f"the server answered {error.code}."
    return BadRequest(code, message)


def _line(case: Mapping[str, Any]) -> str:
    rules = ",".join(str(rule) for rule in case.get("rules") or [])
    opened = _time(case.get("opened_at"))
    words = (case.get("id"), case.get("state"), case.get("tier"), case.get("scene"), opened, rules)
    return "  ".join("-" if word in (None, "") else str(word) for word in words)


def _told(answer: Mapping[str, Any]) -> Iterator[str]:
    """The case as lines: what is known of it, who said what, what the doctor made of it.
    A server tells a caller who is no doctor only how the case stands and its answer."""
    known = {name: answer.get(name) for name in ("id", "state", "tier", "opened_at", "decided_at")}
    for name, value in answer.get("case", known).items():
        yield f"{name}: {_time(value) if name.endswith('_at') else _flat(value)}"
    for turn in answer.get("turns", []):
        yield from _said(str(turn.get("speaker")), turn.get("text"))
    for channel in answer.get("withheld", []):
        yield from _said(f"model ({channel.get('strand')})", channel.get("text"))
    for name, text in answer.get("review", {}).items():
        yield from _said(f"review ({name})", text)
    yield from _said("answer", answer.get("answer"))


def _said(who: str, text: object) -> Iterator[str]:
    if text:
        yield f"\n{who}:\n{text}"


def _flat(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return "-" if value in (None, "") else str(value)


def _time(value: object) -> str:
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds")
    return "-" if value is None else str(value)


def _printable(text: str) -> str:
    """Without what could steer a terminal: the text was written by strangers."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in text)


def _shown(answer: object) -> str:
    return json.dumps(answer, ensure_ascii=False, indent=2)


@contextmanager
def _complaints() -> Iterator[None]:
    try:
        yield
    except GuardrailError as error:
        typer.echo(f"{error.code}: {error}", err=True)
        raise typer.Exit(2 if isinstance(error, UpstreamFailed) else 1) from None
