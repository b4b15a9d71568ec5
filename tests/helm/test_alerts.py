"""Alerts parse, each fires in its case, and they speak only of metrics and labels that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from guardrail.telemetry.metrics import Metrics

CASES = Path(__file__).with_name("alerts.test.yaml")
NAME = re.compile(r"guardrail_[a-z_]+")
BY = re.compile(r"\b(?:by|on) \(([^)]*)\)")
TARGET_LABELS = {"instance", "le"}  # what Prometheus and histograms add


@pytest.fixture(scope="module")
def file(chart: Path) -> Path:
    return chart / "files" / "alerts.yaml"


@pytest.fixture(scope="module")
def rules(file: Path) -> list[dict[str, Any]]:
    groups = yaml.safe_load(file.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.fixture(scope="module")
def labels(lived: Metrics) -> dict[str, set[str]]:
    """Label names of every family that exists."""
    exposed: dict[str, set[str]] = {family.name: set() for family in lived.families()}
    for family in text_string_to_metric_families(lived.render().decode()):
        name = family.name if family.name in exposed else f"{family.name}_total"
        exposed[name] = {label for sample in family.samples for label in sample.labels}
    return exposed


def test_prometheus_takes_them(file: Path, run: Any) -> None:
    done = run("promtool", "check", "rules", "--lint-fatal", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_fires_when_it_should(run: Any) -> None:
    done = run("promtool", "test", "rules", CASES)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_has_a_case_in_which_it_fires_and_one_in_which_not(
    rules: list[dict[str, Any]],
) -> None:
    tests = yaml.safe_load(CASES.read_text("utf-8"))["tests"]
    asked = [one for test in tests for one in test["alert_rule_test"]]
    names = {rule["alert"] for rule in rules}
    assert {one["alertname"] for one in asked if one["exp_alerts"]} == names
    assert {one["alertname"] for one in asked if not one["exp_alerts"]} == names


def test_they_ask_only_for_what_exists(
    rules: list[dict[str, Any]], labels: dict[str, set[str]]
) -> None:
    for rule in rules:
        names = {_family(name) for name in NAME.findall(rule["expr"])}
        assert names <= set(labels), rule["alert"]
        known = TARGET_LABELS.union(*(labels[name] for name in names))
        by = {word.strip() for words in BY.findall(rule["expr"]) for word in words.split(",")}
        shown = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        matched = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)\s*\"", rule["expr"]))
        assert by | shown | matched <= known, rule["alert"]


def test_each_says_what_is_wrong_in_both_languages(rules: list[dict[str, Any]]) -> None:
    for rule in rules:
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert set(rule["annotations"]) == {"summary", "summary_zh"}
        assert re.search(r"[\u4e00-\u9fff]", rule["annotations"]["summary_zh"]), rule["alert"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_operations_says_what_to_do(
    language: str, rules: list[dict[str, Any]], root: Path, labels: dict[str, set[str]]
) -> None:
    page = (root / "docs" / language / "operations.md").read_text("utf-8")
    told = set(re.findall(r"^\| `(Guardrail\w+)` \|", page, re.MULTILINE))
    assert told == {rule["alert"] for rule in rules}
    rows = re.findall(r"^\| `(guardrail_\w+)` \| \w+ \| ([^|]*)\|", page, re.MULTILINE)
    documented = {name: set(re.findall(r"`(\w+)`", words)) for name, words in rows}
    assert documented == {name: found - {"le"} for name, found in labels.items()}


def test_promtool_finds_the_exposition_in_order(lived: Metrics, run: Any) -> None:
    done = run("promtool", "check", "metrics", given=lived.render().decode())
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def _family(name: str) -> str:
    return re.sub(r"_(bucket|sum|count)$", "", name)
