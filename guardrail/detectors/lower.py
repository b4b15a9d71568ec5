"""Lower case, offset for offset."""

from __future__ import annotations

import re

_BROKEN = re.compile("[\ud800-\udfff]")


def lower(text: str) -> str:
    """The text in lower case, as long as before. What is no text at all (a lone surrogate) becomes
    U+FFFD, because searches written in other languages refuse it."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    return _BROKEN.sub("\ufffd", lowered)
