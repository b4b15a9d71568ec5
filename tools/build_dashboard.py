"""Writes helm/guardrail/files/dashboard.json, the Grafana dashboard.

    python tools/build_dashboard.py [FILE]

A change of a panel is a change of a row below; the JSON is never edited by hand (a test compares).
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "helm" / "guardrail" / "files" / "dashboard.json"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH, HEIGHT, STAT_HEIGHT = 8, 8, 4


@dataclass(frozen=True)
class Line:
    """One expression of a panel and the name its series get."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    title: str
    meaning: str
    lines: tuple[Line, ...]
    unit: str = "short"
    kind: str = "timeseries"
    stack: bool = False
    width: int = WIDTH


def rate(name: str, *by: str, where: str = "") -> str:
    return f"sum by ({', '.join(by)}) (rate({chosen(name, where)}[$__rate_interval]))"


def chosen(name: str, where: str = "") -> str:
    return f'{name}{{instance=~"$instance"{", " + where if where else ""}}}'


def quantiles(name: str, *by: str, of: tuple[float, ...] = (0.5, 0.95, 0.99)) -> tuple[Line, ...]:
    suffix = "".join(f" {{{{{label}}}}}" for label in by)
    inner = rate(f"{name}_bucket", *by, "le")
    return tuple(Line(f"histogram_quantile({q}, {inner})", f"p{q * 100:.0f}{suffix}") for q in of)


OPEN = chosen("guardrail_cases", 'state="open"')
BLOCKED = chosen("guardrail_decisions_total", 'action="block"')

ROWS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    (
        "At a glance 概览",
        (
            Panel(
                "Instances 实例",
                "Processes that answer scrapes, by version.",
                (Line(f"count by (version) ({chosen('guardrail_build_info')})", "{{version}}"),),
                kind="stat",
                width=4,
            ),
            Panel(
                "Under way 进行中",
                "Exchanges under way; new ones get 503 at limits.in_flight.",
                (Line(f"sum({chosen('guardrail_exchanges_in_flight')})"),),
                kind="stat",
                width=4,
            ),
            Panel(
                "Open cases 待处理工单",
                "Handover cases that no doctor has claimed.",
                (Line(f"max({OPEN})"),),
                kind="stat",
                width=4,
            ),
            Panel(
                "Oldest open case 最久等待",
                "How long the oldest open case has waited.",
                (
                    Line(
                        f"max((time() - {chosen('guardrail_cases_oldest_open_timestamp_seconds')})"
                        f" * ({chosen('guardrail_cases_oldest_open_timestamp_seconds')} > bool 0))"
                    ),
                ),
                unit="s",
                kind="stat",
                width=4,
            ),
            Panel(
                "Blocked share 拦截比例",
                "Share of the exchanges of the last hour that were blocked.",
                (
                    Line(
                        f"(sum(increase({BLOCKED}[1h])) or vector(0))"
                        f" / sum(increase({chosen('guardrail_decisions_total')}[1h]))"
                    ),
                ),
                unit="percentunit",
                kind="stat",
                width=4,
            ),
            Panel(
                "Ledger index 账本序号",
                "Index of the last acknowledged entry.",
                (Line(f"max({chosen('guardrail_ledger_index')})"),),
                kind="stat",
                width=4,
            ),
        ),
    ),
    (
        "Traffic 流量",
        (
            Panel(
                "Questions by endpoint 请求",
                "Exchanges asked per second.",
                (
                    Line(
                        rate("guardrail_requests_total", "endpoint", "stream"),
                        "{{endpoint}} stream={{stream}}",
                    ),
                ),
                unit="reqps",
            ),
            Panel(
                "Endings 结束方式",
                "answered, filtered (a notice instead), failed, gone (the caller left).",
                (Line(rate("guardrail_exchanges_closed_total", "ending"), "{{ending}}"),),
                unit="reqps",
                stack=True,
            ),
            Panel(
                "Upstream errors 上游错误",
                "Failures of the clinical LLM by code.",
                (Line(rate("guardrail_upstream_errors_total", "code"), "{{code}}"),),
                unit="reqps",
            ),
            Panel(
                "Refused requests 被拒请求",
                "Requests that never became an exchange (malformed, too large, no key, overload).",
                (Line(rate("guardrail_refused_total", "code"), "{{code}}"),),
                unit="reqps",
            ),
            Panel(
                "First word 首字延迟",
                "From question to the first text that may leave.",
                quantiles("guardrail_first_release_seconds"),
                unit="s",
            ),
            Panel(
                "Whole exchange 全程耗时",
                "From question to end, upstream included.",
                quantiles("guardrail_exchange_seconds"),
                unit="s",
            ),
            Panel(
                "Released characters 放行字数",
                "Cleared characters of answers per second.",
                (Line(f"sum(rate({chosen('guardrail_released_chars_total')}[$__rate_interval]))"),),
            ),
            Panel(
                "Hold of streamed text 流式扣留时间",
                "How long a piece waited for its release.",
                quantiles("guardrail_hold_seconds"),
                unit="s",
            ),
            Panel(
                "Held characters 扣留字数",
                "Characters that had arrived since the release before.",
                quantiles("guardrail_hold_chars"),
            ),
        ),
    ),
    (
        "Decisions 判定",
        (
            Panel(
                "Actions 处置",
                "Verdicts by action.",
                (Line(rate("guardrail_decisions_total", "action"), "{{action}}"),),
                unit="reqps",
                stack=True,
            ),
            Panel(
                "Tiers by scene 分级",
                "Verdicts that ask for a doctor, by tier and scene.",
                (
                    Line(
                        rate("guardrail_decisions_total", "tier", "scene", where='tier!="none"'),
                        "{{tier}} {{scene}}",
                    ),
                ),
                unit="reqps",
            ),
            Panel(
                "Rules that fired 触发规则",
                "The 15 busiest rules; shadow rules did not act.",
                (
                    Line(
                        f"topk(15, {rate('guardrail_rule_fired_total', 'rule', 'action', 'shadow')})",
                        "{{rule}} {{action}} shadow={{shadow}}",
                    ),
                ),
                unit="reqps",
            ),
            Panel(
                "Cases by state 工单状态",
                "Handover cases as the docket stands.",
                (Line(f"max by (state) ({chosen('guardrail_cases')})", "{{state}}"),),
            ),
            Panel(
                "Cases opened 新工单",
                "Handover cases opened per second.",
                (Line(f"sum(rate({chosen('guardrail_cases_opened_total')}[$__rate_interval]))"),),
                unit="reqps",
            ),
            Panel(
                "Policy 策略",
                "Digest in force, by how many instances; reloads by result.",
                (
                    Line(f"count by (digest) ({chosen('guardrail_policy_info')})", "{{digest}}"),
                    Line(
                        f"sum by (result) (increase({chosen('guardrail_policy_reload_total')}[1h]))",
                        "{{result}}",
                    ),
                ),
            ),
        ),
    ),
    (
        "Looking and remembering 检测与账本",
        (
            Panel(
                "Detector latency 检测延迟",
                "One look of one detector at one passage.",
                quantiles("guardrail_detector_seconds", "detector", of=(0.5, 0.99)),
                unit="s",
            ),
            Panel(
                "Gaps 漏检",
                "Looks that were due and gave no answer.",
                (
                    Line(
                        rate("guardrail_gaps_total", "detector", "reason"),
                        "{{detector}} {{reason}}",
                    ),
                ),
                unit="reqps",
            ),
            Panel(
                "Classifier queue 分类队列",
                "Passages waiting for a classifier.",
                (Line(f"max by (instance) ({chosen('guardrail_queue_depth')})", "{{instance}}"),),
            ),
            Panel(
                "Ledger append 账本写入",
                "From asking the ledger to its acknowledgement.",
                quantiles("guardrail_ledger_append_seconds"),
                unit="s",
            ),
            Panel(
                "Ledger failures 账本失败",
                "Records the ledger did not take.",
                (
                    Line(
                        f"sum by (instance) (increase({chosen('guardrail_ledger_failures_total')}"
                        "[$__rate_interval]))",
                        "{{instance}}",
                    ),
                ),
            ),
            Panel(
                "Models 模型",
                "Loaded artifacts.",
                (
                    Line(
                        f"count by (name, version, device) ({chosen('guardrail_model_info')})",
                        "{{name}} {{version}} {{device}}",
                    ),
                ),
            ),
        ),
    ),
)


def dashboard() -> dict[str, Any]:
    return {
        "title": "guardrail",
        "uid": "guardrail",
        "description": "What the guard of the clinical LLM sees and does. 临床大模型护栏运行状况。",
        "tags": ["guardrail", "llm"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_datasource(), _instance()]},
        "panels": _panels(),
    }


def _datasource() -> dict[str, Any]:
    return {
        "name": "datasource",
        "type": "datasource",
        "query": "prometheus",
        "label": "Prometheus",
    }


def _instance() -> dict[str, Any]:
    query = "label_values(guardrail_build_info, instance)"
    return {
        "name": "instance",
        "type": "query",
        "label": "Instance",
        "datasource": SOURCE,
        "query": {"query": query, "refId": "instance"},
        "definition": query,
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _panels() -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    top = 0
    for title, panels in ROWS:
        out.append(_row(len(out) + 1, title, top))
        top, left, tallest = top + 1, 0, 0
        for panel in panels:
            height = STAT_HEIGHT if panel.kind == "stat" else HEIGHT
            if left + panel.width > 24:
                top, left, tallest = top + tallest, 0, 0
            place = {"x": left, "y": top, "w": panel.width, "h": height}
            out.append(_panel(len(out) + 1, panel, place))
            left, tallest = left + panel.width, max(tallest, height)
        top += tallest
    return out


def _row(number: int, title: str, top: int) -> dict[str, Any]:
    place = {"x": 0, "y": top, "w": 24, "h": 1}
    return {
        "id": number,
        "type": "row",
        "title": title,
        "gridPos": place,
        "collapsed": False,
        "panels": [],
    }


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    custom = {"stacking": {"mode": "normal"}, "fillOpacity": 20} if panel.stack else {}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.meaning,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "custom": custom}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + position),
                "datasource": SOURCE,
                "expr": line.expr,
                "legendFormat": line.legend or panel.title,
            }
            for position, line in enumerate(panel.lines)
        ],
    }


def render() -> str:
    return json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    (Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET).write_text(render(), "utf-8")
