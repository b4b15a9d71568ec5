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
_JOINED = re.compile(r"[A-Za-z0-9\uff10-\uff19.,．~–/-]")
_HEAD = re.compile(rf"^{_JOINED.pattern}+")
_TAIL = re.compile(rf"{_JOINED.pattern}+$")


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
        found.append(Figure(match[0], _before(text, match.start()), _after(text, match.end())))
    return found


def _before(text: str, end: int) -> str:
    """The words before `end`. A number or word that does not fit is left out whole: half of
    "400 mg" would read as another dose."""
    start = max(0, end - AROUND)
    told = text[start:end]
    if start and _JOINED.match(text[start - 1]):
        told = _HEAD.sub("", told)
    return ("…" if start else "") + _SPACE.sub(" ", told).lstrip()


def _after(text: str, start: int) -> str:
    """The words after `start`, likewise."""
    end = min(len(text), start + AROUND)
    told = text[start:end]
    if end < len(text) and _JOINED.match(text[end]):
        told = _TAIL.sub("", told)
    return _SPACE.sub(" ", told).rstrip() + ("…" if end < len(text) else "")
