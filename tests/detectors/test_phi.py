from __future__ import annotations

from collections.abc import Awaitable, Callable

from guardrail.detectors.phi import PhiDetector
from guardrail.guard.ports import Detector


async def test_meets_the_contract(
    check_detector: Callable[[Detector], Awaitable[None]],
) -> None:
    await check_detector(PhiDetector())
