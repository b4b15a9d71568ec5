"""Templates to responses."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from guardrail.desk import render
from guardrail.desk.view import case_view
from guardrail.desk.words import Words
from tests.desk.paper import NOW, case_file, finding, handover

FRAME = {"seal": "s", "doctor": "", "leaves": False, "here": "/desk", "other": "en"}


class Said(HTMLParser):
    """Texts of every `class="said"`, and names of all elements."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.names: set[str] = set()
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        if ("class", "said") in attrs:
            self.texts.append("")
            self._depth = 1
        elif self._depth and tag in ("div", "mark", "span"):
            self._depth += 1

    def handle_endtag(self, tag: str) -> None:
        if self._depth and tag in ("div", "mark", "span"):
            self._depth -= 1

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.texts[-1] += data


def case_page(question: str, answer: str, *spans: tuple[int, int]) -> str:
    found = [finding("turn:0", "phi.person", start, end) for start, end in spans]
    file = case_file(question, answer, inspected=[{"findings": found}])
    view = case_view(handover(), file, "", NOW, Words("zh"))
    values = {**FRAME, "case": view, "done": "", "error": "", "typed": {}}
    return bytes(render.page("case.html", Words("zh"), values).body).decode()


NASTY = "<script>alert('x')</script> & \"引号\" 阿司匹林\n\n  5 mg </div></mark>"


@given(
    st.text(st.sampled_from("<>&\"'/=王 \n5mg{}%"), min_size=1, max_size=30),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=4),
)
def test_marked_text_is_the_text(text: str, spans: list[tuple[int, int]]) -> None:
    said = Said()
    said.feed(case_page(text, NASTY, *spans))
    assert said.texts == [text, NASTY]
    assert "script" not in said.names


def test_what_a_mark_says() -> None:
    page = case_page("我叫王小明", "好", (2, 5), (3, 4))
    assert 'title="1: 姓名 · 0.98 · 隐私识别\n2: 姓名 · 0.98 · 隐私识别"' in page
    assert page.count('id="mark-1"') == page.count('id="mark-2"') == 1
    assert page.count('href="#mark-1"') == 1


def test_half_a_surrogate_pair_does_not_break_the_page() -> None:
    assert "a?b" in unescape(case_page("a\ud800b", "好"))


def test_every_page_has_its_headers() -> None:
    response = render.page("problem.html", Words("en"), {**FRAME, "error": "e", "typed": {}}, 418)
    assert response.status_code == 418
    assert {name: response.headers[name] for name in render.PAGE_HEADERS} == render.PAGE_HEADERS
    policy = render.PAGE_HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    away = render.away("/desk")
    assert (away.status_code, away.headers["location"]) == (303, "/desk")
    assert away.headers["cache-control"] == "no-store"


def test_a_name_that_is_missing_is_a_bug() -> None:
    with pytest.raises(UndefinedError):
        render.page("problem.html", Words("en"), {})


def test_nothing_comes_from_elsewhere_and_nothing_is_inline() -> None:
    for name in render._ENVIRONMENT.list_templates():
        assert render._ENVIRONMENT.loader is not None
        text, _, _ = render._ENVIRONMENT.loader.get_source(render._ENVIRONMENT, name)
        assert not re.search(r"https?:|//|<style|\sstyle=|\son[a-z]+=|javascript:", text), name
        assert not re.search(r"<script(?![^>]* src=)", text), name
        assert "|safe" not in text, name
    styles = render.ASSETS["desk.css"].data.decode()
    assert not re.search(r"https?:|//|@import|url\(", styles)


def test_assets_name_their_version() -> None:
    path = render.asset_path("desk.css")
    assert re.fullmatch(r"/desk/static/desk\.css\?v=[0-9a-f]{12}", path)
    found = render.asset("desk.css")
    assert found is not None
    assert found.headers["content-type"].startswith("text/css")
    assert "immutable" in found.headers["cache-control"]
    assert set(render.ASSETS) == {"desk.css", "htmx.min.js", "icon.svg"}
    for name in ("README", "../words.yaml", "", "desk.css/"):
        assert render.asset(name) is None
