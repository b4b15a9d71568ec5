"""How sure the clinical answer is, from the upstream's own token probabilities.

The value is the geometric mean of the probabilities of the answer's tokens, exp(mean log p): the
length-normalised sequence likelihood (Malinin & Gales 2021, "Uncertainty estimation in
autoregressive structured prediction"). It is raw, not a probability of being right; that is why
CONFIRM also asks for measured proof.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from guardrail.domain.verdict import Confidence

UNKNOWN = Confidence()


def from_logprobs(choices: Iterable[Sequence[float]], *, proven: bool) -> Confidence:
    """The least sure choice counts. Unknown where a choice has no usable log-probability."""
    values = [_mean_probability(logprobs) for logprobs in choices]
    if not values or any(value is None for value in values):
        return UNKNOWN
    return Confidence(min(value for value in values if value is not None), "logprobs", proven)


def from_upstream(value: float, *, proven: bool) -> Confidence:
    """A value the upstream supplies; unknown where it is not a number in 0..1."""
    if not math.isfinite(value) or not 0.0 <= value <= 1.0:
        return UNKNOWN
    return Confidence(value, "upstream", proven)


def _mean_probability(logprobs: Sequence[float]) -> float | None:
    if not logprobs or any(math.isnan(value) or value > 0.0 for value in logprobs):
        return None
    return (
        math.exp(math.fsum(logprobs) / len(logprobs)) if all(map(math.isfinite, logprobs)) else 0.0
    )
