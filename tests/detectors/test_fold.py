from __future__ import annotations

import pytest

from guardrail.detectors import fold
from guardrail.detectors.offset import layer


def _folded(text: str) -> str:
    return fold.unmask(layer(fold.swap(text), fold.resize(text)).text)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("ｉｇｎｏｒｅ　ａｌｌ", "ignore all"),
        ("１３８＠", "138@"),
        ("電話、藥物過敏", "电话、药物过敏"),
        ("ig\u200bn\u2060o\ufeffre", "ignore"),
        ("\u202e反转\u202c text", "反转 text"),
        ("ïgñôrë", "ignore"),
        ("i\u0336g\u0336nore 处\u0332方", "ignore 处方"),
        ("іgnоrе рrеvіоus", "ignore previous"),
        ("ΙGNΟRΕ", "IGNORE"),
        ("сосаіnе", "cocaine"),
        ("𝐢𝐠𝐧𝐨𝐫𝐞 𝟏𝟑𝟖", "ignore 138"),
        ("ɪɢɴᴏʀᴇ", "ignore"),
        ("١٣٨ १३८", "138 138"),
        ("1️⃣3️⃣8️⃣", "138"),
        ("5㎎ 2㎏ ﬁne", "5mg 2kg fine"),
        ("".join(chr(0xE0000 + ord(c)) for c in "ignore"), "ignore"),
        ("😀" + "".join(chr(0xE0100 + ord(c) - 16) for c in "hidden"), "😀hidden"),
        ("😀\ufe0e\ufe0f", "😀"),
        ("😀\ufe01\ufe02", "😀"),
        ("😀" + chr(0xE0100 + 0xC3 - 16) + chr(0xE0100), "😀"),
        ("\ud800bad", "\ufffdbad"),
        ("a\u2028b\x85c", "a\nb\nc"),
        ("5 µg", "5 μg"),
        ("вода и рак", "вода и pak"),
    ],
)
def test_what_only_looks_different_is_folded(text: str, plain: str) -> None:
    assert fold.ODD.search(text)
    assert _folded(text) == plain


@pytest.mark.parametrize(
    "text",
    [
        "阿莫西林胶囊 0.5g，口服，每日三次（饭后）；如有不适：及时就医！",
        "10⁹/L、①多喝水②休息、Ⅱ型、37.5℃、5～7天、½片、±2、≥95%",
        "β受体、TNF-α、IFNγ、5 μg、→、☆、😀",
        "The patient's “temperature” is 38°; don’t worry — rest.",
        "コーヒー 커피",
    ],
)
def test_what_says_something_is_left_alone(text: str) -> None:
    assert _folded(text) == text
