"""The dashboard is what its script writes, asks only for what exists, and leaves nothing out."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from guardrail.telemetry.metrics import Metrics


@pytest.fixture(scope="module")
def board(chart: Path) -> dict[str, Any]:
    shipped: dict[str, Any] = json.loads((chart / "files" / "dashboard.json").read_text("utf-8"))
    return shipped


def expressions(board: dict[str, Any]) -> list[str]:
    return [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]


def names(text: str) -> set[str]:
    return {re.sub(r"_(bucket|sum|count)$", "", n) for n in re.findall(r"guardrail_[a-z_]+", text)}


def test_it_is_what_the_script_writes(root: Path, chart: Path, tmp_path: Path) -> None:
    path = root / "tools" / "build_dashboard.py"
    spec = importlib.util.spec_from_file_location("build_dashboard", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    # dataclasses look their module up by name while it is being run
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(__import__("sys").modules, "build_dashboard", script)
        spec.loader.exec_module(script)
    shipped = (chart / "files" / "dashboard.json").read_text("utf-8")
    assert script.render() == shipped, "run: python tools/build_dashboard.py"


def test_every_metric_is_on_it_and_no_other(board: dict[str, Any], lived: Metrics) -> None:
    asked = set().union(*map(names, expressions(board)))
    assert asked == {family.name for family in lived.families()}


def test_prometheus_understands_every_panel(
    board: dict[str, Any], run: Any, tmp_path: Path
) -> None:
    asked = [expr.replace("$__rate_interval", "5m") for expr in expressions(board)]
    rules = [{"record": f"panel:{n}", "expr": expr} for n, expr in enumerate(asked)]
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), "utf-8")
    done = run("promtool", "check", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules)} rules found" in done.stdout


def test_every_panel_follows_the_chosen_instances(board: dict[str, Any]) -> None:
    for expr in expressions(board):
        assert expr.count('instance=~"$instance"') == len(re.findall(r"guardrail_[a-z_]+", expr))


def test_panels_have_names_in_both_languages_and_do_not_overlap(board: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        assert re.search(r"[A-Za-z]", panel["title"]), panel["title"]
        assert re.search(r"[\u4e00-\u9fff]", panel["title"]), panel["title"]
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
