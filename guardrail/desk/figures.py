"""Numbers and doses in an answer: what a doctor checks again before he confirms it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST = 60  # beyond this the answer is checked as a whole
AROUND = 14  # characters of context on either side

_CHINESE = "[〇零一二两三四五六七八九十百千万半数几]+"
_DIGITS = r"[0-9\uff10-\uff19]+(?:[.,．][0-9\uff10-\uff19]+)*"
_RANGE = rf"{_DIGITS}(?:\s*(?:[-–~～/×]|至|到)\s*{_DIGITS})*"
_UNIT_ZH = (
    "毫克|微克|千克|公斤|毫升|国际单位|单位|毫米汞柱|毫摩尔|小时|分钟|个月|克|升|片|粒|袋|支|滴|喷|丸|贴|"
    "次|天|日|周|月|年|岁|秒|度|斤"
)
_UNIT_EN = (
    r"mg|mcg|[μµu]g|ng|kg|g|mL|ml|dL|L|IU|U|mEq|mmol|[μµu]mol|mmHg|kPa|cm|mm|bpm|%|℃|°C|"
    r"tablets?|capsules?|drops?|puffs?|doses?|times|seconds?|minutes?|hours?|days?|weeks?|months?|"
    r"years?"
)
_PER = rf"(?:\s*/\s*(?:{_UNIT_ZH}|{_UNIT_EN}|d|h|min|次|分))*"
_FIGURE = re.compile(
    rf"{_RANGE}(?:\s*(?:(?:{_UNIT_ZH})|(?:{_UNIT_EN})(?![A-Za-z])){_PER})?"
    rf"|{_CHINESE}(?:{_UNIT_ZH})(?![性般些]){_PER}"
)
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with its unit, and the words around it."""

    text: str
    before: str
    after: str


def figures(text: str) -> list[Figure]:
    """Every number with its unit in order, at most `MOST`."""
    found: list[Figure] = []
    for match in _FIGURE.finditer(text):
        if len(found) == MOST:
            break
        before = _SPACE.sub(" ", text[max(0, match.start() - AROUND) : match.start()])
        after = _SPACE.sub(" ", text[match.end() : match.end() + AROUND])
        found.append(Figure(match[0], before.lstrip(), after.rstrip()))
    return found
