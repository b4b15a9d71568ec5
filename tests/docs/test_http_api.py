"""Every path and error code stands in http-api.md, in both languages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from guardrail.server import problems

METHODS = {"get", "post", "put", "patch", "delete"}


def prefix(tree: ast.Module) -> str:
    """`APIRouter(prefix=...)` of a file that has one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "APIRouter":
            for keyword in node.keywords:
                if keyword.arg == "prefix" and isinstance(keyword.value, ast.Constant):
                    return str(keyword.value.value)
    return ""


def routes(text: str) -> Iterator[str]:
    """Every `router.get("/path", ...)`, as a decorator or called."""
    tree = ast.parse(text)
    before = prefix(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            maker = node.func.value
            first = node.args[0] if node.args else None
            routes_it = isinstance(maker, ast.Name) and maker.id in {"app", "router"}
            if routes_it and node.func.attr in METHODS and isinstance(first, ast.Constant):
                path = re.sub(r":\w+\}", "}", before + str(first.value))
                yield f"{node.func.attr.upper()} {path}"


def proxied(text: str) -> set[str]:
    """Paths of the raw ASGI part: constants such as CHAT = "/v1/chat/completions"."""
    return {f"POST {path}" for path in re.findall(r'"(/v1/[a-z/]+)"', text)}


def existing(root: Path) -> set[str]:
    found = proxied((root / "guardrail/server/proxy.py").read_text("utf-8"))
    for file in (root / "guardrail/server").glob("*.py"):
        found |= set(routes(file.read_text("utf-8")))
    return found


def test_every_path_is_documented_and_no_other(library) -> None:
    expected = existing(library.root)
    assert {"POST /v1/chat/completions", "GET /guard/v1/cases/{case}"} <= expected
    for language in library.languages:
        told = re.findall(
            r"^### `([A-Z]+ /[^`]+)`$", library.page(language, "http-api"), re.MULTILINE
        )
        assert sorted(told) == sorted(expected), language


def test_every_error_with_its_own_status_is_documented(library) -> None:
    missing = library.undocumented("http-api", set(problems.STATUS) | set(problems.MESSAGES))
    known = [m for m in missing if not re.search(r": upstream_\w+$", m)]
    assert not known, "\n".join(known)


def test_documented_statuses_are_true(library) -> None:
    for language in library.languages:
        page = library.page(language, "http-api")
        for codes, status in re.findall(r"^\| (`.*?) \| (\d{3}) \|", page, re.MULTILINE):
            for code in re.findall(r"`([a-z_]+[a-z])`", codes):
                if code in problems.STATUS:
                    assert problems.STATUS[code] == int(status), (language, code)


def test_routes_are_read_from_the_source() -> None:
    text = (
        'router = APIRouter(prefix="/guard/v1/x")\n'
        '@router.get("/{a:path}", summary="s")\nasync def f(): ...\n'
        'router.post("")(g)\nbodies.get("asked")\n'
    )
    assert sorted(routes(text)) == ["GET /guard/v1/x/{a}", "POST /guard/v1/x"]
