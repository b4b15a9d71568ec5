"""Numbers that point at one person in English text: social security, North American and foreign phones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from guardrail.detectors.phi_hit import Hit, before, part_of_decimal

_SSN = re.compile(
    r"(?<![0-9\-])([0-9]{3})([\- ])([0-9]{2})\2([0-9]{4})(?![0-9\-])|(?<![0-9])[0-9]{9}(?![0-9])"
)
_SSN_WORDS = re.compile(r"\bssn|social security|社会安全")
_NANP = re.compile(
    r"(?<![0-9A-Za-z.\-])(?:\+?1[\-. ]?)?(?:\([2-9][0-9]{2}\)\s?|[2-9][0-9]{2}[\-. ])[2-9][0-9]{2}[\-. ][0-9]{4}"
    r"(?:\s?(?:x|ext\.?)\s?[0-9]{1,5})?(?![0-9])"
)
_FOREIGN = re.compile(
    r"(?<![0-9A-Za-z])\+(?!86)[1-9][0-9]{0,2}(?:[\-. ]?\(?[0-9]{1,4}\)?){2,6}(?![0-9])"
)
_LOOSE = re.compile(
    r"(?<![0-9A-Za-z.\-/])[(]?[0-9]{2,4}[)]?(?:[\-. ]?[0-9]{2,4}){1,5}(?:x[0-9]{1,5})?(?![0-9A-Za-z/]|\.[0-9])"
)
_PHONE_WORDS = re.compile(
    r"\b(?:phone|tel|mobile|desk|office|cell|call (?:me|him|her|us) (?:on|at)|fax|answering at|messages to|registered|reach me|contact)\b[^0-9]{0,18}$"
)
_PUBLIC = re.compile(
    r"hotline|helpline|lifeline|emergency|crisis|poison|toll.free|clinic|hospital|support"
)
_TOLL_FREE = re.compile(r"^\D*1?\D*8(?:00|33|44|55|66|77|88)\D")


def social_security(text: str) -> Iterator[Hit]:
    """US social security numbers; nine bare digits, or areas never issued, only beside the words."""
    for match in _SSN.finditer(text):
        named = _SSN_WORDS.search(before(text, match.start(), 40)) is not None
        area, group, serial = match[1], match[3], match[4]
        issued = (
            area
            and area not in {"000", "666"}
            and area < "900"
            and group != "00"
            and serial != "0000"
        )
        dashed = match[2] == "-"
        if named or (issued and dashed):
            yield Hit("phi.ssn", *match.span(), 0.95 if named else 0.8)


def phones(text: str) -> Iterator[Hit]:
    """North American and +country numbers; other groupings beside a phone word. Public lines stay."""
    for pattern, score in ((_NANP, 0.85), (_FOREIGN, 0.85), (_LOOSE, 0.7)):
        for match in pattern.finditer(text):
            lead = before(text, match.start(), 40)
            digits = sum(char.isdigit() for char in match.group())
            if not 7 <= digits <= 15 or _PUBLIC.search(lead) or _TOLL_FREE.match(match.group()):
                continue
            if (pattern is not _LOOSE or _PHONE_WORDS.search(lead)) and not part_of_decimal(
                text, *match.span()
            ):
                yield Hit("phi.landline", *match.span(), score)


RULES: tuple[tuple[str, Callable[[str], Iterator[Hit]]], ...] = (
    (r"[0-9]{3}[\- ][0-9]{2}[\- ][0-9]{4}|(?i:ssn|social security)", social_security),
    (
        r"[0-9][)]?[\-. ]\s?[0-9]{2,4}[\-. ][0-9]{2,4}|\+[1-9][0-9]|[0-9]{2,4}[)]?[\-. ][0-9]{2,4}",
        phones,
    ),
)
"""What must occur in a text for a rule to be worth running (RE2), and the rule."""
