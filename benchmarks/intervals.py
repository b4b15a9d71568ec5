"""Rates with what they are worth: n and a 95 % interval."""

from __future__ import annotations

import math

Z = 1.959963984540054  # two-sided 95 %


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % score interval for `hits` in `n` (0, 1 where n is 0)."""
    if n == 0:
        return 0.0, 1.0
    share = hits / n
    middle = share + Z * Z / (2 * n)
    spread = Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    scale = 1 + Z * Z / n
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def rate(hits: int, n: int) -> str:
    """`12/200 = 6.0 % (3.5–10.2 %)`."""
    low, high = wilson(hits, n)
    share = hits / n if n else 0.0
    return f"{hits}/{n} = {share:.1%} ({low:.1%}–{high:.1%})"
