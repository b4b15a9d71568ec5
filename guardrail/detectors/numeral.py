"""Digits in pieces or in words, put back together: 1 3 8 0 …, 一三八零…, ①③⑧…, one three eight …

Only runs long enough to be somebody's number are touched (seven digits and more); list numbers,
lab values and sizes stay as written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import re2

from guardrail.detectors.offset import Edit

_SHAPES = (
    "零一二三四五六七八九",
    "〇壹贰叁肆伍陆柒捌玖",
    "⓪①②③④⑤⑥⑦⑧⑨",
    "⓿❶❷❸❹❺❻❼❽❾",
    "⁰¹²³⁴⁵⁶⁷⁸⁹",
    "₀₁₂₃₄₅₆₇₈₉",
    "_⑴⑵⑶⑷⑸⑹⑺⑻⑼",
    "_⒈⒉⒊⒋⒌⒍⒎⒏⒐",
    "_➀➁➂➃➄➅➆➇➈",
    "_㈠㈡㈢㈣㈤㈥㈦㈧㈨",
)
_DIGIT = {c: str(i) for shape in _SHAPES for i, c in enumerate(shape) if c != "_"}
_DIGIT |= {"幺": "1", "妖": "1", "两": "2", "俩": "2", "拐": "7", "洞": "0", "勾": "9", "○": "0"}
_TO_ASCII = str.maketrans(_DIGIT)
_SHAPED = "".join(_DIGIT)

_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SPOKEN = {word: str(i) for i, word in enumerate(_WORDS)} | {"oh": "0"}
_SPOKEN |= dict(
    zip(
        ("ling", "yi", "er", "san", "si", "wu", "liu", "qi", "ba", "jiu"), "0123456789", strict=True
    )
)
_SPOKEN["yao"] = "1"
_WORD = "|".join(sorted(_SPOKEN, key=len, reverse=True))

HINT = re2.compile(
    rf"(?i)(?:[0-9{_SHAPED}][ \-]?){{3}}[{_SHAPED}]|[{_SHAPED}](?:[ \-]?[0-9{_SHAPED}]){{3}}"
    rf"|(?:[0-9][^0-9A-Za-z\p{{Han}}]{{1,3}}){{6}}[0-9]|(?:(?:{_WORD})[ ,\-]{{1,2}}){{6}}"
    r"|[0-9OoIl|]{11}|[0-9](?:\*\*|__|~~|`|</?[A-Za-z])"
)
"""Finds what may be digits in disguise; a text without one is left as it is."""

_MIXED = re.compile(rf"[0-9{_SHAPED}](?:[ \-]?[0-9{_SHAPED}]){{6,}}")
_POSING = re.compile(r"(?<![0-9A-Za-z])[0-9OoIl|]{11,19}(?![0-9A-Za-z])")
_POSERS = str.maketrans("OoIl|", "00111")
_PADDED = re.compile(r"(?<=[0-9])(?:\*\*|__|~~|`|</?[A-Za-z]{1,6}>|<!--\W{0,8}-->){1,4}(?=[0-9])")
_SINGLES = re.compile(r"(?<![0-9])[0-9](?:[\W_]{1,3}[0-9]){6,}(?![0-9])")
_SAID = re.compile(
    rf"(?<![A-Za-z])(?:{_WORD})(?:[ ,\-]{{1,2}}(?:{_WORD})){{6,}}(?![A-Za-z])", re.IGNORECASE
)
_EACH = re.compile(_WORD, re.IGNORECASE)
_UNFINISHED = re.compile(rf"[0-9{_SHAPED}](?:[\W_]{{0,3}}[0-9{_SHAPED}]){{0,40}}[\W_]{{0,3}}$")
_NUMBER = re.compile("1[3-9][0-9]{9}|[0-9]{15,19}")  # a mobile, card or ID number
_ENOUGH = 3  # real digits that a run with letters in their place must still hold


def swap(text: str) -> str:
    """Turn digits of other shapes, and letters in their place, into ASCII; the length stays."""
    text = _MIXED.sub(lambda match: match.group().translate(_TO_ASCII), text)
    return _POSING.sub(_posed, text)


def join(text: str) -> Iterator[Edit]:
    """Edits that drop what stands between the digits of one number, and spell out spoken ones."""
    edits = [(m.start(), m.end(), "") for m in _PADDED.finditer(text)]
    for match in _SINGLES.finditer(text):
        if _belong_together(match.group()):
            edits += _gaps(match)
    for match in _SAID.finditer(text):
        said = (_SPOKEN[word.lower()] for word in _EACH.findall(match.group()))
        edits.append((match.start(), match.end(), "".join(said)))
    return iter(_apart(sorted(edits)))


def unfinished(text: str) -> int:
    """Where digits that more text might lengthen begin at the end of `text`; its length if none."""
    start = max(0, len(text) - 160)
    match = _UNFINISHED.search(text[start:])
    return start + match.start() if match else len(text)


def _posed(match: re.Match[str]) -> str:
    run = match.group()
    real = sum(char.isdigit() for char in run)
    plain = run.translate(_POSERS)
    return plain if real >= _ENOUGH and _NUMBER.fullmatch(plain) else run


def _belong_together(run: str) -> bool:
    """One separator throughout, or as many digits as a phone, ID or card number has."""
    between = set(re.split("[0-9]", run)[1:-1])
    digits = re.sub("[^0-9]", "", run)
    if len(between) == 1:
        return True
    return _NUMBER.fullmatch(digits) is not None


def _gaps(match: re.Match[str]) -> Iterator[Edit]:
    for gap in re.finditer("[^0-9]+", match.group()):
        yield match.start() + gap.start(), match.start() + gap.end(), ""


def _apart(edits: list[Edit]) -> Iterator[Edit]:
    done = 0
    for edit in edits:
        if edit[0] >= done:
            yield edit
            done = edit[1]
