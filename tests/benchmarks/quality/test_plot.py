from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from copy import deepcopy
from pathlib import Path
from typing import Any

from benchmarks.quality import plot
from benchmarks.quality.svg import Axis, Bar, Line, bars, lines


def texts(drawn: str) -> list[str]:
    root = ElementTree.fromstring(drawn)
    return [node.text or "" for node in root.iter() if node.tag.endswith("text")]


def test_the_same_facts_give_the_same_bytes(facts: dict[str, Any], tmp_path: Path) -> None:
    names = plot.write(tmp_path / "a", facts)
    plot.write(tmp_path / "b", facts)
    for name in names:
        once = (tmp_path / "a" / name).read_bytes()
        assert once == (tmp_path / "b" / name).read_bytes()
        assert texts(once.decode())


def test_blind_pairs_are_drawn_where_there_are_any(facts: dict[str, Any]) -> None:
    given = deepcopy(facts)
    for scorer in ("model", "baseline"):
        given[scorer]["dimensions"]["blind"] = {}
    assert any("pairs of unseen situations" in text for text in texts(plot.dimensions(given)))
    for scorer in ("model", "baseline"):
        given[scorer]["dimensions"]["blind"] = facts[scorer]["dimensions"]["written"]
    assert any("blind pairs" in text for text in texts(plot.dimensions(given)))


def test_precision_is_that_of_the_stated_share() -> None:
    drawn = {"model": {"curves": {"x": [[0.1, 0.9]]}}, "baseline": {"curves": {}}}
    assert "x" in texts(plot.precision(drawn))
    x = Axis("x", 0, 1, [])
    assert plot.precision(drawn).count("polyline") == 14
    assert x.place(0.9 * 0.1 / (0.9 * 0.1 + 0.1 * 0.9)) == 0.5


def test_a_value_outside_an_axis_stands_at_its_end() -> None:
    log = Axis("share", 0.001, 0.1, [], log=True)
    assert [log.place(value) for value in (0.0, 0.001, 0.1, 1.0)] == [0, 0, 1, 1]
    assert abs(log.place(0.01) - 0.5) < 1e-12
    assert Axis("y", 0, 2, []).place(0.5) == 0.25


def test_names_are_escaped_in_both_languages() -> None:
    axis = Axis("x < y", 0, 1, [(0, "0")])
    drawn = lines("误报 & recall", axis, axis, {"a<b": Line([(0, 0), (1, 1)], 0, dots=True)})
    assert {"误报 & recall", "x < y", "a<b"} <= set(texts(drawn))
    assert "维度" in texts(bars("t", {"维度": Bar(0.5, 0.4, 0.6, 0.3)}, 0.6))
