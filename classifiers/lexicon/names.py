"""Drug names taken apart: dosage forms, salts, producers; what is left is the active substance."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from math import log

HAN = re.compile(r"^[\u3400-\u9fff]+$")
FORM = re.compile(
    r"(?:鼻用|口服|外用|吸入用?|阴道用?|直肠|眼用|滴|浓缩|水蜜|缓释|控释|肠溶|分散|咀嚼|泡腾|薄膜衣|双释放|干|混悬|透皮|"
    r"缓控释|速释|长效|微球|冻干|小儿|儿童|速溶|注射用|口腔崩解|口崩|含|鼻|粉|喷雾|气雾)*"
    r"(?:片|胶囊|软胶囊|颗粒|注射液|口服液|溶液|混悬液|混悬剂|乳膏|软膏|凝胶|滴眼液|滴耳液|滴鼻液|眼膏|眼药水|"
    r"喷雾剂|气雾剂|粉雾剂|吸入剂|贴剂|贴片|透皮贴剂|栓|栓剂|糖浆|丸|滴丸|散|散剂|洗剂|搽剂|酊|膏|乳剂|滴剂|针|"
    r"粉针剂?|冲剂|合剂|植入剂|混悬滴剂|干糖浆|膜|洗液|涂剂|漱口水|含片|泡腾片|锭|膏药|贴膏)$"
)
SALT_HEAD = re.compile(
    r"^(?:注射用|重组|盐酸|硫酸|磷酸|枸橼酸|马来酸|富马酸|酒石酸|重酒石酸|苯磺酸|甲磺酸|氢溴酸|琥珀酸|醋酸|乙酸|乳酸|"
    r"苹果酸|门冬氨酸|草酸|硝酸|糠酸|丙酸|戊酸|丁酸|苯甲酸|消旋|无水|对甲苯磺酸)+"
)
SALT_TAIL = re.compile(r"(?:酯钠|钠|钾|钙|镁|二钠|氨丁三醇|盐酸盐)$")
PRODUCT = re.compile(
    r"(?:丸|颗粒|口服液|胶囊|注射液|滴眼液|软膏|乳膏|糖浆|冲剂|合剂|栓|凝胶|喷雾剂|气雾剂|混悬液|.{3}膏|.{2}散|.{2}汤|"
    r".{2}[^位层平照切涂血造蛋晶芯]片)$"
)
NOTE = re.compile(r"[（(\[【].*?[)）\]】]|[ⅠⅡⅢⅣⅤⅥ]+$|[IVX]+$")


def full(name: str) -> str:
    """The name without notes in brackets and edition numerals."""
    return NOTE.sub("", name).strip()


def bare(name: str) -> str:
    """The name without form words: 盐酸二甲双胍缓释片 -> 盐酸二甲双胍."""
    return FORM.sub("", full(name).removeprefix("注射用").removeprefix("吸入用"))


def stem(name: str) -> str:
    """The name without form words and salt words: 盐酸二甲双胍缓释片 -> 二甲双胍."""
    salted = bare(name)
    headless = SALT_HEAD.sub("", salted)
    return headless if len(headless) >= 3 else salted


def desalted(name: str) -> str:
    """阿托伐他汀钙 -> 阿托伐他汀; too short a rest is left alone."""
    short = SALT_TAIL.sub("", name)
    return short if len(short) >= 3 else name


def has_form(name: str) -> bool:
    return FORM.search(full(name)) is not None


def is_product(name: str) -> bool:
    """Stricter than `has_form`: a form that ordinary words rarely end in."""
    return len(name) >= 3 and PRODUCT.search(name) is not None and FORM.sub("", name) != ""


class Origin:
    """Tells western substances from Chinese patent medicines by their characters: a naive Bayes
    over single characters, taught by monographs whose class is known."""

    def __init__(self, western: Iterable[str], chinese: Iterable[str]) -> None:
        left = Counter("".join(western))
        right = Counter("".join(chinese))
        chars = left.keys() | right.keys()
        total_left, total_right = sum(left.values()), sum(right.values())
        self._weight = {
            char: log((left[char] + 0.5) / total_left) - log((right[char] + 0.5) / total_right)
            for char in chars
        }

    def western(self, name: str) -> bool:
        return sum(self._weight.get(char, 0.3) for char in name) > 0


def producers(known: frozenset[str], names: Iterable[str]) -> frozenset[str]:
    """Prefixes (2-8 characters) that stand before at least three different known names."""
    seen: Counter[str] = Counter()
    for name in names:
        for cut in range(2, min(9, len(name) - 2)):
            if name[cut:] in known:
                seen[name[:cut]] += 1
                break
    return frozenset(prefix for prefix, count in seen.items() if count >= 3)


def without_producer(name: str, prefixes: frozenset[str]) -> str:
    for cut in range(min(8, len(name) - 3), 1, -1):
        if name[:cut] in prefixes:
            return name[cut:]
    return ""
