"""The documentation as the tests read it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LANGUAGES = ("en", "zh")


class Library:
    """Pages by language and name."""

    root = ROOT
    languages = LANGUAGES

    def page(self, language: str, name: str) -> str:
        return (ROOT / "docs" / language / f"{name}.md").read_text("utf-8")

    def names(self, language: str) -> set[str]:
        return {path.stem for path in (ROOT / "docs" / language).glob("*.md")}

    def undocumented(self, name: str, words: set[str]) -> list[str]:
        """Words that a page does not show in `code` (or in a code block), per language."""
        missing = []
        for language in LANGUAGES:
            said = codes(self.page(language, name))
            missing += [
                f"docs/{language}/{name}.md: {w}" for w in sorted(words) if not shown(w, said)
            ]
        return missing


def codes(text: str) -> str:
    """Everything a page sets in code, one piece per line."""
    blocks = re.findall(r"^```.*?\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", prose)])


def shown(word: str, said: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", said) is not None


@pytest.fixture(scope="session")
def library() -> Library:
    return Library()
