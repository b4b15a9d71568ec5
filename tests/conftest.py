"""What holds for every test: no silent skips where the environment forbids them, Hypothesis
profiles, and a guard against blocking the event loop."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from blockbuster import blockbuster_ctx
from hypothesis import HealthCheck, Verbosity, settings

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)
ENVIRONMENT = os.environ  # noqa: TID251 - the two words below are about the test run itself
NO_SKIP = ENVIRONMENT.get("GUARDRAIL_NO_SKIP") == "1"

settings.register_profile("default", max_examples=60, deadline=None)
settings.register_profile(
    "ci",
    max_examples=150,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("nightly", max_examples=20_000, deadline=None, verbosity=Verbosity.normal)
settings.load_profile(ENVIRONMENT.get("HYPOTHESIS_PROFILE", "default"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "may_block(why): this async test may block its own event loop, and why"
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    return _unskipped(report) if NO_SKIP else report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    return _unskipped(report) if NO_SKIP else report


def _unskipped(report: Report) -> Report:
    """Where everything should be installed, a skip or an expected failure hides a fault."""
    if report.outcome == "skipped":
        reason = getattr(report, "wasxfail", None) or _reason(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"GUARDRAIL_NO_SKIP=1 and this was not run: {reason}"
        if hasattr(report, "wasxfail"):
            del report.wasxfail
    return report


def _reason(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)


@pytest.fixture(autouse=True, scope="module")
def _nothing_remembered(request: pytest.FixtureRequest) -> None:
    """A test file starts without what others made its own source's `functools.cache` remember, so
    that whether it covers that source does not depend on which tests ran before."""
    folders = request.path.relative_to(Path(__file__).parent).parent.parts
    name = ".".join(("guardrail", *folders, request.path.stem.removeprefix("test_")))
    own = sys.modules.get(name)
    for thing in list(vars(own).values()) if own else ():
        if callable(clear := getattr(thing, "cache_clear", None)):
            clear()


@pytest.fixture(autouse=True)
def _loop_stays_free(request: pytest.FixtureRequest) -> Iterator[None]:
    """An async test fails when code of guardrail sleeps, reads a file or asks SQLite on the loop."""
    if request.node.get_closest_marker("may_block") or not _is_async(request.node):
        yield
        return
    with blockbuster_ctx("guardrail"):
        yield


def _is_async(item: pytest.Item) -> bool:
    function: Callable[..., object] | None = getattr(item, "function", None)
    if (handle := getattr(function, "hypothesis", None)) is not None:
        function = handle.inner_test
    return inspect.iscoroutinefunction(function)
