"""Both languages hold the same pages with the same parts, and the menus list them all."""

from __future__ import annotations

import re
import tomllib


def outline(text: str) -> list[int]:
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return [len(marks) for marks in re.findall(r"^(#+) ", prose, re.MULTILINE)]


def test_same_pages(library) -> None:
    assert library.names("en") == library.names("zh")


def test_same_outline(library) -> None:
    for name in sorted(library.names("en")):
        english, chinese = library.page("en", name), library.page("zh", name)
        assert outline(english) == outline(chinese), name


def test_menu_lists_every_page(library) -> None:
    for language in library.languages:
        text = (library.root / f"docs/zensical.{language}.toml").read_text("utf-8")
        menu = tomllib.loads(text)["project"]["nav"]
        listed = {page.removesuffix(".md") for entry in menu for page in entry.values()}
        assert listed == library.names(language)


def test_chinese_pages_are_chinese(library) -> None:
    for name in sorted(library.names("zh")):
        assert len(re.findall(r"[\u4e00-\u9fff]", library.page("zh", name))) > 100, name


def test_outline_ignores_comments_in_code() -> None:
    assert outline("# a\n```sh\n# not a heading\n```\n## b\n") == [1, 2]
