"""A reading: the text as a person would read it aloud, with offsets back to what stands there.

Undoes letters set apart (阿 莫 西 林, M-e-t, T a k e) and pinyin spelling of drugs and doses. Where
nothing is disguised the reading is the text itself.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from guardrail.detectors.lexicon import Lexicon
from guardrail.domain.exchange import Span

_GAP = r"[ \u00b7\u2022\u30fb\-_*~\u2000-\u206f\u20e3\ufe0f\U0001f000-\U0001faff]{1,3}"
_APART = re.compile(
    rf"(?<![^\W_])(?:[a-z0-9.](?:{_GAP})){{5,}}[a-z0-9.](?![^\W_])"
    rf"|(?<=[\u3400-\u9fff])(?:{_GAP})(?=[\u3400-\u9fff]|[a-z]{_GAP}[\u3400-\u9fff]|\d[ .]{{1,3}})"
    rf"|(?<=\d) ?\. ?(?=\d)|(?<=\d) (?=[克毫mgu])",
    re.IGNORECASE,
)
_GAPS = re.compile(_GAP)
_SYLLABLE = r"[bpmfdtnlgkhjqxrzcsyw]?h?[aeiouv]{1,3}(?:ng|n|r)?"
_PINYIN = re.compile(rf"(?<![a-z]){_SYLLABLE}(?: {_SYLLABLE}){{1,11}}(?![a-z])")
_SPOKEN = {
    "ling": "零", "dian": "点", "yi": "一", "er": "二", "liang": "两", "san": "三", "si": "四",
    "wu": "五", "liu": "六", "qi": "七", "ba": "八", "jiu": "九", "shi": "十", "bai": "百", "ban": "半",
    "ke": "克", "hao": "毫", "pian": "片", "li": "粒", "mei": "每", "tian": "天", "ri": "日",
    "ci": "次", "zhou": "周", "wan": "晚", "zao": "早", "fu": "服",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """`text` in lower case; `starts[i]` is where piece i of it begins in the original."""

    text: str
    _at: tuple[int, ...] = ()  # offsets in `text` where a piece begins
    _from: tuple[int, ...] = ()  # the same pieces in the original
    _length: int = 0

    def original(self, span: Span) -> Span:
        """The span in the text as given."""
        if not self._at:
            return span
        return Span(self._back(span.start), self._back(span.end - 1) + 1)

    def _back(self, at: int) -> int:
        piece = bisect_right(self._at, at) - 1
        return min(self._from[piece] + at - self._at[piece], self._length - 1)


def read(text: str, names: Lexicon) -> Reading:
    """Lower-case reading of the text, same length unless something is disguised."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    edits = _edits(lowered, names)
    return _apply(lowered, edits) if edits else Reading(lowered)


def _edits(lowered: str, names: Lexicon) -> list[tuple[int, int, str]]:
    edits = []
    for match in _APART.finditer(lowered):
        for gap in _GAPS.finditer(lowered, *match.span()):
            edits.append((gap.start(), gap.end(), "")) if gap.group() != "." else None
    return edits + _spelled(lowered, names)


def _spelled(lowered: str, names: Lexicon) -> list[tuple[int, int, str]]:
    runs = list(_PINYIN.finditer(lowered))
    drugs = []
    for run in runs:
        drug = names.spelled(run.group().replace(" ", ""))
        if drug is not None:
            drugs.append((run.start(), run.end(), drug.of))
    if not drugs:
        return []
    spoken = [
        (run.start(), run.end(), "".join(_SPOKEN[word] for word in run.group().split()))
        for run in runs
        if all(word in _SPOKEN for word in run.group().split())
    ]
    return sorted(drugs + spoken)


def _apply(lowered: str, edits: list[tuple[int, int, str]]) -> Reading:
    pieces: list[str] = []
    at, back = [], []
    length, done = 0, 0
    for start, end, new in sorted(edits):
        if start < done:
            continue
        for origin, piece in ((done, lowered[done:start]), (start, new)):
            if piece:
                at.append(length)
                back.append(origin)
                pieces.append(piece)
                length += len(piece)
        done = end
    at.append(length)
    back.append(done)
    pieces.append(lowered[done:])
    return Reading("".join(pieces), tuple(at), tuple(back), len(lowered))
