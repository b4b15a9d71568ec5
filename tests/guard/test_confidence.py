import math

import pytest

from guardrail.guard import confidence


def test_the_geometric_mean_of_token_probabilities() -> None:
    got = confidence.from_logprobs([[math.log(0.9), math.log(0.4)]], proven=True)
    assert got.value == pytest.approx(0.6)
    assert (got.source, got.proven) == ("logprobs", True)


@pytest.mark.parametrize("choices", [[], [[]], [[-0.1], []], [[math.nan]], [[0.5]]])
def test_unknown_where_a_choice_tells_nothing_usable(choices: list[list[float]]) -> None:
    assert confidence.from_logprobs(choices, proven=True).value is None


def test_the_least_sure_choice_counts() -> None:
    got = confidence.from_logprobs([[math.log(0.9)], [math.log(0.5)]], proven=False)
    assert got.value == pytest.approx(0.5)


def test_an_impossible_token_is_zero_not_unknown() -> None:
    assert confidence.from_logprobs([[-math.inf]], proven=False).value == 0.0


@pytest.mark.parametrize(("value", "kept"), [(0.0, 0.0), (1.0, 1.0), (1.1, None), (math.nan, None)])
def test_a_value_the_upstream_supplies(value: float, kept: float | None) -> None:
    assert confidence.from_upstream(value, proven=False).value == kept
