"""What the pages say, in Chinese and English; read once from `words.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import cast

from guardrail import document
from guardrail.domain.taxonomy import taxonomy

LANGUAGES = ("zh", "en")
_TEXT = files("guardrail.desk").joinpath("words.yaml").read_text("utf-8")
WORDS = cast(Mapping[str, Mapping[str, str]], document.read(_TEXT, "words.yaml").data)
_TERMS = taxonomy()  # read at import: the loop must not wait for a file
_LABELS = {
    lang: {
        term.key: term.zh if lang == "zh" else term.en
        for term in (*_TERMS.kinds, *_TERMS.scores, *_TERMS.dimensions)
    }
    for lang in LANGUAGES
}


class Words:
    """Every sentence of the pages in one language."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self.html_lang = "zh-CN" if lang == "zh" else "en"

    def __call__(self, key: str, **values: object) -> str:
        """The sentence `key` with its blanks filled. Raises `KeyError` for an unknown key."""
        return WORDS[key][self.lang].format(**values)

    def knows(self, key: str) -> bool:
        return key in WORDS

    def known(self, group: str, key: object) -> str:
        """`group.key` in words; the key itself where there are none (names from the ledger)."""
        found = WORDS.get(f"{group}.{key}")
        return found[self.lang] if found else str(key)

    def label(self, kind: str) -> str:
        """A kind of finding, or what a rule is named after, by its longest known beginning."""
        known = _LABELS[self.lang]
        steps = kind.split(".")
        for end in range(len(steps), 0, -1):
            if label := known.get(".".join(steps[:end])):
                return label
        return self.known("group", steps[0])

    def duration(self, seconds: float) -> str:
        """A length of time in its two largest units that matter, rounded down."""
        minutes = max(0, int(seconds)) // 60
        if minutes < 60:
            return self("time.minutes", minutes=minutes) if minutes else self("time.moment")
        hours, minutes = divmod(minutes, 60)
        if hours < 24:
            return self("time.hours", hours=hours, minutes=minutes)
        days, hours = divmod(hours, 24)
        return self("time.days", days=days, hours=hours)
