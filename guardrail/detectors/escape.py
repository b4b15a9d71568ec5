"""Encodings that hide plain text inside a text, and what they spell.

HTML entities, JSON and JavaScript escapes, percent-encoding, base64 and hex. A run is only replaced
when it spells readable text; anything else (an image, a hash, a real number) stays as it is.
"""

from __future__ import annotations

import base64
import html
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

import re2

from guardrail.detectors.offset import Edit

# JSON in a string of JSON doubles every backslash: an escape may begin with several.
# One linear pass tells whether a text holds anything that looks encoded.
HINT = re2.compile(
    r"&(?:#[0-9xX]|[A-Za-z]{2,31}[0-9]{0,2};)|\\(?:u[0-9A-Fa-f{]|x[0-9A-Fa-f]{2})|%[0-9A-Fa-f]{2}"
    r"|[A-Za-z0-9+/_\-]{16}|(?:\\?0?x[0-9A-Fa-f]{2}[ ,]?){4}|(?:[0-9A-Fa-f]{2}[ :]){5}"
)

_ENCODED = re.compile(
    r"(?P<entity>&(?:\#[0-9]{1,7}|\#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,31}[0-9]{0,2}(?=;));?)"
    r"|(?P<escape>(?:\\{1,8}+u[0-9A-Fa-f]{4}|\\u\{[0-9A-Fa-f]{1,6}\}|\\x[0-9A-Fa-f]{2})+)"
    r"|(?P<percent>(?:%[0-9A-Fa-f]{2})+)"
    r"|(?P<pairs>(?:0x[0-9A-Fa-f]{2}[ ,]{0,2}){4,}|(?:[0-9A-Fa-f]{2}[ :]){5,}[0-9A-Fa-f]{2}\b)"
    r"|(?P<run>[A-Za-z0-9+/_\-]{16,}={0,2})"
)
_UNIT = re.compile(r"\\u\{([0-9A-Fa-f]+)\}|\\[ux]([0-9A-Fa-f]+)")
_UNFINISHED = re.compile(
    r"(?:&\#?[0-9A-Za-z]{0,31}|(?:\\{1,8}+u?[0-9A-Fa-f{]{0,6}){1,8}|(?:%[0-9A-Fa-f]{0,2}){1,8}"
    r"|[A-Za-z0-9+/_\-]{16,}={0,2})$"
)
_OPEN = re.compile(r"[0-9A-Za-z+/_\-=%&\#\\{]")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){8,}")
_NEVER = frozenset({"Cc", "Cn", "Co", "Cs"})
_DIGITS_OF_DIGITS = 22  # hex made of digits only that spells eleven of them; shorter is a number
_TAIL = 256  # an unfinished run is looked for in this many last characters


def decode(text: str) -> Iterator[Edit]:
    """Edits that put what is spelled in place of each run that spells readable text."""
    for match in _ENCODED.finditer(text):
        plain = _SPELLED[match.lastgroup or ""](match)
        if plain is not None and plain != match.group():
            yield match.start(), match.end(), plain


def unfinished(text: str) -> int:
    """Where a run that more text might lengthen begins at the end of `text`; its length if none."""
    if not text or not _OPEN.match(text[-1]):
        return len(text)
    start = max(0, len(text) - _TAIL)
    match = _UNFINISHED.search(text[start:])
    return start + match.start() if match else len(text)


def _readable(raw: bytes) -> str | None:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if text and _is_text(text) else None


def _is_text(text: str) -> bool:
    """Nothing in it is a control or unassigned; invisible signs may be, they are folded next."""
    return text.isprintable() or not any(
        unicodedata.category(char) in _NEVER and char not in "\t\r\n" for char in text
    )


def _entity(match: re.Match[str]) -> str | None:
    plain = html.unescape(match.group())
    return plain if _is_text(plain) else ""


def _escape(match: re.Match[str]) -> str | None:
    units = ((braced or plain) for braced, plain in _UNIT.findall(match.group()))
    codes = [int(unit, 16) for unit in units]
    if max(codes) > 0x10FFFF:
        return None
    paired = "".join(map(chr, codes)).encode("utf-16-le", "surrogatepass")
    return paired.decode("utf-16-le", "replace")


def _percent(match: re.Match[str]) -> str | None:
    run = match.group()
    before = match.string[match.start() - 1 : match.start()]
    if len(run) == 3 and before.isdigit():
        return None  # "5%50ml": a concentration and a volume
    return _readable(unquote_to_bytes(run))


def _pairs(match: re.Match[str]) -> str | None:
    run = match.group()
    if "x" not in run and not re.search("[A-Fa-f]", run) and len(run) < 3 * _DIGITS_OF_DIGITS / 2:
        return None  # pairs of digits are readings, unless they are many
    return _readable(bytes.fromhex(re.sub("0x|[ ,:]", "", run)))


def _run(match: re.Match[str]) -> str | None:
    run = match.group()
    if run.isdigit() and len(run) < _DIGITS_OF_DIGITS:
        return None
    if _HEX.fullmatch(run):
        return _readable(bytes.fromhex(run))
    return _base64(run)


def _base64(run: str) -> str | None:
    body = run.rstrip("=").replace("-", "+").replace("_", "/")
    if len(body) % 4 == 1 or body.isdigit():
        return None
    return _readable(base64.b64decode(body + "=" * (-len(body) % 4)))


_SPELLED = {
    "entity": _entity,
    "escape": _escape,
    "percent": _percent,
    "pairs": _pairs,
    "run": _run,
}
