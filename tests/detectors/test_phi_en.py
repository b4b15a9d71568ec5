from __future__ import annotations

import pytest

from guardrail.detectors import phi_en


def _found(text: str) -> list[tuple[str, str]]:
    return [
        (hit.kind[4:], text[hit.start : hit.end]) for _, rule in phi_en.RULES for hit in rule(text)
    ]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("her number 123-45-6789.", "ssn", "123-45-6789"),
        ("SSN 912345678", "ssn", "912345678"),
        ("社会安全号 900-12-3456", "ssn", "900-12-3456"),
        ("call 415-555-2671 now", "landline", "415-555-2671"),
        ("(415) 555-2671 x12", "landline", "(415) 555-2671 x12"),
        ("+44 20 7946 0958", "landline", "+44 20 7946 0958"),
        ("Phone: 0490 75 40 81", "landline", "0490 75 40 81"),
    ],
)
def test_numbers_of_people(text: str, kind: str, value: str) -> None:
    assert (kind, value) in _found(text)


@pytest.mark.parametrize(
    "text",
    [
        "000-12-3456 and 666-12-3456 and 123 45 6789 and 123456789",
        "Crisis hotline 415-555-2671, or 1-800-273-8255",
        "剂量 100-200-300 mg, 2024-03-07, 5.5 6.5 7.5",
        "Phone: 12 34",
        "mobile 3.415-555-2671",
    ],
)
def test_public_lines_and_figures_stay(text: str) -> None:
    assert _found(text) == []
