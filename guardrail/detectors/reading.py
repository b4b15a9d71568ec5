"""A reading: the text as a person would read it aloud, with offsets back to what stands there.

Undoes letters set apart (阿 莫 西 林, M-e-t, T a k e) and pinyin spelling of drugs and doses. Where
nothing is disguised the reading is the text itself.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from guardrail.detectors.lexicon import Lexicon
from guardrail.detectors.lower import lower
from guardrail.domain.exchange import Span

_GAP = r"[ \u00b7\u2022\u30fb\-_*~\u2000-\u206f\u20e3\ufe0f\U0001f000-\U0001faff]{1,3}"
_APART = re.compile(
    rf"(?<![^\W_])(?:[a-z0-9.](?:{_GAP})){{5,}}[a-z0-9.](?![^\W_])"
    rf"|(?<=[\u3400-\u9fff])(?:{_GAP})(?=[\u3400-\u9fff]|[a-z]{_GAP}[\u3400-\u9fff]|\d )"
    rf"|(?<=\d) ?\. ?(?=\d)|(?<=\d) (?=[克毫mgu])",
    re.IGNORECASE,
)
_GAPS = re.compile(_GAP)
_SYLLABLE = r"[bpmfdtnlgkhjqxrzcsyw]?h?[aeiouv]{1,3}(?:ng|n|r)?"
_PINYIN = re.compile(rf"(?<![a-z]){_SYLLABLE}(?: {_SYLLABLE}){{1,11}}(?![a-z])")
_SPELLED_DOSE = re.compile(
    r"(?<![a-z])(?:mei (?:tian|ri|ci)|yi (?:tian|ri|ci)|hao ke|ke|pian|li)(?![a-z])"
)
_SPOKEN = {
    "ling": "零", "dian": "点", "yi": "一", "er": "二", "liang": "两", "san": "三", "si": "四",
    "wu": "五", "liu": "六", "qi": "七", "ba": "八", "jiu": "九", "shi": "十", "bai": "百", "ban": "半",
    "ke": "克", "hao": "毫", "pian": "片", "li": "粒", "mei": "每", "tian": "天", "ri": "日",
    "ci": "次", "zhou": "周", "wan": "晚", "zao": "早", "fu": "服",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """`text[at:at + length]` of a reading stands for `[start, end)` of the original."""

    at: int
    start: int
    end: int
    same: bool  # character for character; otherwise only as a whole


@dataclass(frozen=True, slots=True)
class Reading:
    """`text` is lower case. No pieces: it stands for itself, offset for offset."""

    text: str
    pieces: tuple[Piece, ...] = ()

    def original(self, span: Span) -> Span:
        """The span in the text as given."""
        if not self.pieces:
            return span
        first, last = self._piece(span.start), self._piece(span.end - 1)
        start = first.start + (span.start - first.at if first.same else 0)
        end = last.start + span.end - last.at if last.same else last.end
        return Span(start, end)

    def _piece(self, at: int) -> Piece:
        return self.pieces[bisect_right(self.pieces, at, key=lambda piece: piece.at) - 1]


def read(text: str, names: Lexicon) -> Reading:
    """Lower-case reading of the text, same length unless something is disguised."""
    lowered = lower(text)
    edits = _edits(lowered, names)
    return _apply(lowered, edits) if edits else Reading(lowered)


def _edits(lowered: str, names: Lexicon) -> list[tuple[int, int, str]]:
    edits: list[tuple[int, int, str]] = []
    for match in _APART.finditer(lowered):
        for gap in _GAPS.finditer(lowered, *match.span()):
            edits.append((gap.start(), gap.end(), "")) if gap.group() != "." else None
    return edits + _spelled(lowered, names)


def _spelled(lowered: str, names: Lexicon) -> list[tuple[int, int, str]]:
    if _SPELLED_DOSE.search(lowered) is None:
        return []
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
    chunks: list[str] = []
    pieces: list[Piece] = []
    length = done = 0
    for start, end, new in [*sorted(edits), (len(lowered), len(lowered), "")]:
        if start < done:
            continue
        kept = Piece(length, done, start, same=True)
        put = Piece(length + start - done, start, end, same=False)
        for piece, chunk in ((kept, lowered[done:start]), (put, new)):
            if chunk:
                pieces.append(piece)
                chunks.append(chunk)
                length += len(chunk)
        done = end
    return Reading("".join(chunks), tuple(pieces))
