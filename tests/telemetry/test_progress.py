from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrail.domain.exchange import Channel, Strand
from guardrail.telemetry.progress import Hold, Progress

TEXT, REASONING = Channel(), Channel(0, Strand.REASONING)


def test_a_hold_runs_from_its_oldest_character() -> None:
    progress = Progress(0.0)
    progress.arrived(TEXT, 3, 1.0)
    progress.arrived(TEXT, 4, 2.0)
    assert progress.released(TEXT, 5.0) == Hold(4.0, 7)
    progress.arrived(TEXT, 1, 6.0)
    assert progress.released(TEXT, 6.5) == Hold(0.5, 1)


def test_a_release_without_arrivals_is_no_hold() -> None:
    progress = Progress(0.0)
    assert progress.released(TEXT, 1.0) is None
    progress.arrived(TEXT, 3, 1.0)
    assert progress.released(TEXT, 1.0) == Hold(0.0, 3)
    assert progress.released(TEXT, 2.0) is None


def test_channels_wait_apart() -> None:
    progress = Progress(0.0)
    progress.arrived(TEXT, 3, 1.0)
    progress.arrived(REASONING, 5, 2.0)
    assert progress.released(REASONING, 3.0) == Hold(1.0, 5)
    assert progress.released(TEXT, 3.0) == Hold(2.0, 3)


def test_channels_without_end_are_not_remembered() -> None:
    progress = Progress(0.0)
    for index in range(200):
        progress.arrived(Channel(0, Strand.TOOL_CALL, index), 1, 1.0)
    measured = [progress.released(Channel(0, Strand.TOOL_CALL, n), 2.0) for n in range(200)]
    assert measured == [Hold(1.0, 1)] * 64 + [None] * 136


def test_the_first_word_counts_once() -> None:
    progress = Progress(10.0)
    assert progress.spoke(12.0) == 2.0
    assert progress.spoke(13.0) is None
    assert progress.lasted(14.0) == 4.0


def test_a_record_is_acknowledged_once() -> None:
    progress = Progress(0.0)
    assert progress.recorded(1.0) is None
    progress.recording(opens=1, at=2.0)
    assert progress.recorded(2.5) == (0.5, 1)
    assert progress.recorded(3.0) is None


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 50), st.floats(-10, 10))))
def test_holds_are_never_negative_and_lose_no_character(
    steps: list[tuple[bool, int, float]],
) -> None:
    """Even where the clock goes back."""
    progress, arrived, held = Progress(0.0), 0, 0
    for is_release, chars, at in steps:
        if is_release:
            hold = progress.released(TEXT, at)
            held += hold.chars if hold else 0
            assert hold is None or (hold.seconds >= 0 and hold.chars > 0)
        else:
            arrived += chars
            progress.arrived(TEXT, chars, at)
    last = progress.released(TEXT, 0.0)
    assert held + (last.chars if last else 0) == arrived
