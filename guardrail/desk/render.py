"""Templates to responses: Jinja2 with autoescape, and the headers every page carries."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined
from starlette.responses import Response

from guardrail.desk.words import Words

PAGE_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
ASSET_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "public, max-age=31536000, immutable",  # their address names their version
}
KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages refer to; `version` is part of its address."""

    data: bytes
    kind: str
    version: str


def _assets() -> dict[str, Asset]:
    found = {}
    for file in files("guardrail.desk").joinpath("static").iterdir():
        kind = KINDS.get(file.name.rpartition(".")[2])
        if kind:
            data = file.read_bytes()
            found[file.name] = Asset(data, kind, hashlib.sha256(data).hexdigest()[:12])
    return found


def _environment() -> Environment:
    texts = {
        file.name: file.read_text("utf-8")
        for file in files("guardrail.desk").joinpath("templates").iterdir()
    }
    made = Environment(
        loader=DictLoader(texts),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["asset"] = asset_path
    for name in texts:
        made.get_template(name)
    return made


def asset_path(name: str) -> str:
    """Where a page finds this file."""
    return f"/desk/static/{name}?v={ASSETS[name].version}"


# Read at import: the loop must not wait for a file.
ASSETS: Mapping[str, Asset] = _assets()
_ENVIRONMENT = _environment()


def page(template: str, words: Words, values: Mapping[str, object], status: int = 200) -> Response:
    """A page (or a part of one) in this language."""
    text = _ENVIRONMENT.get_template(template).render({**values, "t": words})
    # A text may hold half a surrogate pair, which UTF-8 cannot write.
    data = text.encode("utf-8", "replace")
    return Response(data, status, dict(PAGE_HEADERS), "text/html; charset=utf-8")


def away(path: str) -> Response:
    """Off to another page, by GET."""
    return Response(b"", 303, {**PAGE_HEADERS, "Location": path})


def asset(name: str) -> Response | None:
    """A file of `static/`; None where there is none of that name."""
    found = ASSETS.get(name)
    return Response(found.data, 200, dict(ASSET_HEADERS), found.kind) if found else None
