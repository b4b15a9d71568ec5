from __future__ import annotations

from guardrail.detectors.phi_hit import Hit, after, before, part_of_decimal, strongest


def test_context_stays_within_the_sentence() -> None:
    text = "电话是空的。Call ME 13800138000！别打"
    start = text.index("1")
    assert before(text, start) == "call me "
    assert after(text, start + 11) == ""
    assert before(text, start, 3) == "me "


def test_a_piece_of_a_decimal_is_told() -> None:
    assert part_of_decimal("0.13800138000", 2, 13)
    assert part_of_decimal("13800138000.5元", 0, 11)
    assert not part_of_decimal("电话.13800138000.", 3, 14)


def test_the_larger_hit_wins_and_the_surer_of_equals() -> None:
    whole = Hit("phi.resident_id", 0, 18, 0.99)
    inside = Hit("phi.mobile", 3, 14, 0.9)
    rival = Hit("phi.bank_card", 0, 18, 0.7)
    across = Hit("phi.address", 15, 25, 0.8)
    assert strongest([inside, rival, whole, across]) == [whole, across]
    assert strongest([]) == []
