"""Tool-call arguments without `\\uXXXX`: the text that detectors see is the text that is meant.

Arguments are JSON inside a string. Many servers write Chinese in them as `\\u5904\\u65b9`, which no
detector would recognise and every client decodes. The escapes are undone where that does not
change the JSON: not for quotes, backslashes, control characters and half surrogate pairs.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(
    r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\[^u]"
)
_UNFINISHED = re.compile(
    r"\\(?:u[0-9a-fA-F]{0,3}|u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?)?\Z"
)


def unescaped(text: str) -> str:
    """`text` with its escapes undone, all at once."""
    return _ESCAPE.sub(_plain, text) if "\\" in text else text


def _plain(match: re.Match[str]) -> str:
    high, low, single = match.group(1, 2, 3)
    if high:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
    if single is None:
        return match.group()
    code = int(single, 16)
    keep = code < 0x20 or code in (0x22, 0x5C) or 0xD800 <= code <= 0xDFFF
    return match.group() if keep else chr(code)


class Unescaper:
    """The same, piece by piece: how the text is cut never changes what comes out."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """What is settled so far; at most twelve characters are held back."""
        text = self._held + text
        cut = _settled(text)
        self._held = text[cut:]
        return unescaped(text[:cut])

    def end(self) -> str:
        """What was held back: nothing more will come."""
        rest, self._held = self._held, ""
        return unescaped(rest)


def _settled(text: str) -> int:
    """Where an escape begins that later text may still complete; the length where none does."""
    at = 0
    while (at := text.find("\\", at)) >= 0:
        if _UNFINISHED.match(text, at):
            return at
        match = _ESCAPE.match(text, at)
        at = match.end() if match else at + 1
    return len(text)
