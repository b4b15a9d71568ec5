"""Characters that only look different, folded to the plain one: what each stands for.

Most of a text is left alone, Chinese punctuation and the usual clinical signs (℃, ², ①, Ⅱ, β)
included: folding those would change what a text says. What is folded: invisible and
text-direction characters (dropped), tag characters and runs of variation selectors (decoded: they
can carry a hidden message), full-width and styled letters and digits, accents, traditional
characters (one for one), and Cyrillic or Greek letters that pose as Latin ones.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from opencc import OpenCC

from guardrail.detectors.offset import Edit

# 1. Ranges that may hold something to fold; everything else is never looked at.
_SUSPECTS = (
    (0x00, 0x2E80),  # controls, Latin, combining, foreign digits, spaces, letterlike
    (0x3000, 0x3001),
    (0x3164, 0x3165),
    (0x3200, 0x3400),  # squared units and enclosed letters
    (0xA620, 0xABFA),  # foreign digits
    (0xD800, 0xE000),  # lone surrogates
    (0xF900, 0x10000),  # compatibility ideographs, presentation forms, full-width
    (0x1D400, 0x1D800),
    (0x1F100, 0x1F1AD),
    (0x1FBF0, 0x1FBFA),
    (0x2F800, 0x2FA20),
    (0xE0000, 0xE0200),
)
_KEPT = frozenset("，：；！？（）～｜“”‘’…—–·°±×÷²³¹½¼¾´¨¯¸ªº℃℉™®©‰′″、。《》「」【】￥￦")
_MARKS = ((0x300, 0x370), (0x1AB0, 0x1B00), (0x1DC0, 0x1E00), (0x20D0, 0x2100), (0xFE20, 0xFE30))
_BLANK = frozenset(map(chr, (0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, 0x20E3)))
_MOVED = {"µ": "μ", "\u2028": "\n", "\u2029": "\n", "\x85": "\n", "⠀": " "}
_LONGEST = 4  # a single character that NFKC blows up further (Arabic ligatures) is left alone

# 2. Letters of other scripts that are drawn like Latin ones.
_LOOKALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеіјѕорсухһԁԛԝӏвкмнтΑΒΕΖΗΙΚΜΝΟΡΤΥΧονικρυ",
    "ABESIJKMHOPCTYXaeijsopcyxhdqwlbkmhtABEZHIKMNOPTYXovikpu",
)
_POSING = frozenset(map(chr, _LOOKALIKES))
_STYLED = dict(
    zip(
        "ɑɡɩıȷøłđħŧƅƖǃᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ",
        "agiijoldhtbl!abcdefghijklmnoprstuvwyz",
        strict=True,
    )
)
_WORD = re.compile(r"[A-Za-z0-9\u0370-\u03ff\u0400-\u052f]+")
_FOREIGN = re.compile(r"[\u0370-\u03ff\u0400-\u052f]")
_LATIN = re.compile(r"[A-Za-z]")

_SELECTOR = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_SELECTORS = re.compile(f"[{_SELECTOR}]{{2,}}")


def _is_mark(code: int) -> bool:
    return any(start <= code < end for start, end in _MARKS)


def _is_kept(char: str, code: int) -> bool:
    if char in _KEPT or 0x20 <= code < 0x7F or char in "\t\n\r":
        return True
    # Superscripts, circled numbers and Roman numerals say something: 10⁹/L, ①…②…, Ⅱ型.
    return 0x2070 <= code < 0x20A0 or 0x2150 <= code < 0x2190 or 0x2460 <= code < 0x24B6


def _stands_for(char: str) -> str:
    """What one character is folded to; itself where nothing is to be done."""
    code = ord(char)
    if _is_kept(char, code):
        return char
    if 0xE0020 <= code < 0xE007F:
        return chr(code - 0xE0000)
    if char in _MOVED or char in _STYLED:
        return _MOVED.get(char) or _STYLED[char]
    category = unicodedata.category(char)
    if char in _BLANK or category in {"Cc", "Cf"} or _is_mark(code) or _is_selector(code):
        return ""
    return "\ufffd" if category == "Cs" else _compatible(char, category)


def _is_selector(code: int) -> bool:
    return 0xFE00 <= code < 0xFE10 or 0xE0100 <= code < 0xE01F0 or 0x180B <= code < 0x180F


def _compatible(char: str, category: str) -> str:
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category == "Zs":
        return " "
    plain = unicodedata.normalize("NFKC", char)
    bare = "".join(c for c in unicodedata.normalize("NFD", plain) if not _is_mark(ord(c)))
    if bare.isascii():
        plain = bare
    return plain if 0 < len(plain) <= _LONGEST else char


def _suspects() -> Iterator[tuple[str, str]]:
    for start, end in _SUSPECTS:
        for code in range(start, end):
            char = chr(code)
            plain = _stands_for(char)
            if plain != char:
                yield char, plain


def _simplified() -> Iterator[tuple[str, str]]:
    """Traditional characters with their simplified form, one for one so that offsets hold."""
    chars = [chr(code) for code in range(0x3400, 0xA000)]
    plain = OpenCC("t2s").convert("\n".join(chars)).split("\n")
    for char, simple in zip(chars, plain, strict=True):
        if simple != char and len(simple) == 1:
            yield char, simple


_FOLDS = dict(_simplified()) | dict(_suspects())
_ONE_FOR_ONE = str.maketrans({c: p for c, p in _FOLDS.items() if len(p) == 1})
_RESIZED = {c: p for c, p in _FOLDS.items() if len(p) != 1}


def _ranges(chars: Iterable[str]) -> str:
    """A regex class body; ranges keep it short enough to be compiled quickly."""
    codes = sorted(map(ord, chars))
    out: list[str] = []
    start = end = codes[0]
    for code in [*codes[1:], -1]:
        if code == end + 1:
            end = code
            continue
        out.append(f"{re.escape(chr(start))}-{re.escape(chr(end))}")
        start = end = code
    return "".join(out)


# Beyond the first plane whole blocks stand in for their characters: many small ranges are slow there.
_BLOCKS = "\U0001d400-\U0001d7ff\U0001f100-\U0001f1ac\U0001fbf0-\U0001fbf9\U0002f800-\U000e01ff"
_BMP = [char for char in _FOLDS if char <= "\uffff"]
ODD = re.compile(f"[{_ranges([*_BMP, *_POSING])}{_BLOCKS}]")
"""Finds a character that folding may change; a text without one is left as it is."""

_RESIZING = re.compile(f"[{_SELECTOR}]{{2,}}|[{_ranges(_RESIZED)}]")


def swap(text: str) -> str:
    """Fold what is one for one: the length stays."""
    return text.translate(_ONE_FOR_ONE)


def unmask(text: str) -> str:
    """Turn letters that pose as Latin ones into those; the length stays."""
    if not _FOREIGN.search(text):
        return text
    return _WORD.sub(lambda word: _unmasked(word.group()), text)


def resize(text: str) -> Iterator[Edit]:
    """Edits for what is dropped, decoded or spelled out."""
    for match in _RESIZING.finditer(text):
        char = match.group()
        plain = _RESIZED[char] if len(char) == 1 else _selected(char)
        yield match.start(), match.end(), plain


def _unmasked(word: str) -> str:
    """A word that mixes scripts, or whose every letter is drawn like a Latin one, is Latin."""
    foreign = set(_FOREIGN.findall(word))
    if not foreign:
        return word
    if foreign <= _POSING and (len(word) > 1 or word.isupper()):
        return word.translate(_LOOKALIKES)
    return word.translate(_LOOKALIKES) if _LATIN.search(word) else word


def _selected(selectors: str) -> str:
    """Variation selectors can spell bytes (VS1 = 0); what they spell, if it is text."""
    spelled = bytes(_byte(ord(char)) for char in selectors)
    try:
        text = spelled.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return text if text.isprintable() else ""


def _byte(code: int) -> int:
    return code - 0xFE00 if code < 0x10000 else code - 0xE0100 + 16
