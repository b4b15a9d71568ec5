"""Numbers that point at one person in China: resident ID, phone, bank card, plate. Pure logic.

Boundaries are digits and decimal points, never `\\b`: a number stands right beside Chinese characters.
A number that is well formed but fails its checksum (a slip of the pen, a made-up example) still
counts where the words around it say what it is, with a lower score.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date

from guardrail.detectors.phi_hit import Hit, after, before, part_of_decimal

_PROVINCES = frozenset(
    map(
        str,
        (
            *range(11, 16),
            *range(21, 24),
            *range(31, 38),
            *range(41, 47),
            *range(50, 55),
            *range(61, 66),
        ),
    )
) | {"71", "81", "82", "83", "91"}
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"
_EARLIEST = 1880

_ID18 = re.compile(r"(?<![0-9])[1-9](?:[ \-]?[0-9]){16}[ \-]?[0-9Xx](?![0-9])")
_ID15 = re.compile(r"(?<![0-9])[1-9][0-9]{14}(?![0-9])")
_ID_WORDS = re.compile(r"身份|证件|证号|id\s?(?:card|no|number)?|identity|居住证")
_MOBILE = re.compile(r"(?<![0-9])(?:(?:\+|00)?86[ \-]?)?(1[3-9](?:[ \-]?[0-9]){9})(?![0-9])")
_GROUPS = frozenset({(11,), (3, 4, 4), (3, 8), (7, 4), (4, 3, 4), (4, 4, 3), (5, 6), (3, 3, 5)})
_TOLL_FREE = re.compile("18(?:00|33|44|55|66|77|88)")  # of North America, in text without Chinese
_HAN = re.compile("[\u4e00-\u9fff]")
_PHONE_WORDS = re.compile(
    r"电话|手机|联系|致电|拨打|座机|传真|短信|微信|号码|tel|phone|mobile|cell|call|fax|contact"
)
_MONEY = re.compile(r"\s?(?:元|万|亿|块|mg|ml|kb|次|个|人|条|件|美元)")
_LANDLINE = re.compile(
    r"(?<![0-9])(?:(?:\+|00)86[ \-]?)?[(（]?(0?(?:10|2[0-57-9]|[3-9][0-9]{2}))[)）]?([ \-]{0,2})"
    r"([2-8][0-9]{2,3}[ \-]?[0-9]{4})(?:[ \-转]{1,2}[0-9]{1,5})?(?![0-9])"
)
_PUBLIC_LINE = re.compile(
    r"热线|急救|咨询台|总机|医院|官方|客服|中心|门诊|诊所|挂号|导诊|hotline|helpline|hospital|clinic|support"
)
_CARD = re.compile(r"(?<![0-9])[1-9](?:[ \-]?[0-9]){11,18}(?![0-9])")
_CARD_WORDS = re.compile(
    r"银行|卡号|账号|帐号|账户|帐户|储蓄卡|信用卡|借记卡|card|\bcc\b|account|debit|credit"
)
_ORDER_WORDS = re.compile(r"订单|运单|快递|流水|单号|批号|条码|文号|order|tracking|batch|isbn|doi")
_ISSUERS = re.compile(
    r"62[0-9]{14,17}|4[0-9]{15}|5[1-5][0-9]{14}|2[2-7][0-9]{14}|3[47][0-9]{13}|35[0-9]{14}"
    r"|6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12}|3(?:0[0-5]|[68][0-9])[0-9]{11}|9558[0-9]{15}"
    r"|(?:60|69|90|94|95|98)[0-9]{14,17}"
)
_IBAN = re.compile(
    r"(?<![0-9A-Za-z])[A-Za-z]{2}[0-9]{2}(?: ?[0-9A-Za-z]{4}){3,7}(?: ?[0-9A-Za-z]{1,3})?(?![0-9A-Za-z])"
)
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·•.\- ]?"
    r"(?:[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳]|[DF][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[DF])(?![0-9A-Za-z])"
)


def is_resident_id(number: str) -> bool:
    """Whether 18 characters are a resident ID by GB 11643: province, date of birth, check digit."""
    return _is_id_shaped(number) and number[17] == check_digit(number)


def check_digit(number: str) -> str:
    """The eighteenth character that GB 11643 gives to the first seventeen digits."""
    total = sum(int(d) * w for d, w in zip(number, _ID_WEIGHTS, strict=False))
    return _ID_CHECKS[total % 11]


def is_luhn(number: str) -> bool:
    """Whether a number of digits passes the Luhn check of payment cards."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_date(year: str, month: str, day: str) -> bool:
    """Whether the digits name a day on which a living person may have been born."""
    try:
        return date(int(year), int(month), int(day)).year >= _EARLIEST
    except ValueError:
        return False


def resident_ids(text: str) -> Iterator[Hit]:
    """18 characters with a valid province and date; 15 digits of the old form beside an ID word."""
    for match in _ID18.finditer(text):
        number = re.sub("[ -]", "", match.group()).upper()
        if not _is_id_shaped(number) or part_of_decimal(text, *match.span()):
            continue
        sure = 0.99 if is_resident_id(number) else _by_words(text, match, _ID_WORDS, 0.85, 0.6)
        if sure > 0.6 or number == match.group().upper():
            yield Hit("phi.resident_id", *match.span(), sure)
    for match in _ID15.finditer(text):
        number = match.group()
        born = is_date("19" + number[6:8], number[8:10], number[10:12])
        if born and number[:2] in _PROVINCES and _ID_WORDS.search(before(text, match.start())):
            yield Hit("phi.resident_id", *match.span(), 0.85)


def mobiles(text: str) -> Iterator[Hit]:
    """Eleven digits from 13 to 19, as people group them; other groupings beside a phone word."""
    for match in _MOBILE.finditer(text):
        start, end = match.span()
        groups = tuple(len(group) for group in re.split("[ -]", match.group(1)))
        named = _by_words(text, match, _PHONE_WORDS, 0.98, 0.9)
        if _TOLL_FREE.match(match.group()) and not _HAN.search(text, max(0, start - 24), end + 24):
            continue
        usual = groups in _GROUPS or named > 0.9 or match.start(1) > start
        if usual and not part_of_decimal(text, start, end) and not _MONEY.match(text, end):
            yield Hit("phi.mobile", start, end, named)


def landlines(text: str) -> Iterator[Hit]:
    """Area code and seven or eight digits; a line that is named as a public one is nobody's."""
    for match in _LANDLINE.finditer(text):
        area, gap = match.group(1), match.group(2)
        bracketed = match.group()[0] in "(（+" or gap
        if not area.startswith("0") and not match.group().startswith(("+", "00")):
            continue
        named = _PHONE_WORDS.search(before(text, match.start())) is not None
        if _PUBLIC_LINE.search(before(text, match.start(), 24)) or not (bracketed or named):
            continue
        if not part_of_decimal(text, *match.span()):
            yield Hit("phi.landline", *match.span(), 0.95 if named else 0.8)


def bank_cards(text: str) -> Iterator[Hit]:
    """Card numbers of known issuers that pass Luhn; beside a card word also those that do not."""
    for match in _CARD.finditer(text):
        number = re.sub("[ -]", "", match.group())
        lead = before(text, match.start())
        named = _CARD_WORDS.search(lead) is not None
        issued = _ISSUERS.fullmatch(number) is not None and is_luhn(number)
        if not (named or issued) or _ORDER_WORDS.search(lead):
            continue
        if not part_of_decimal(text, *match.span()):
            yield Hit("phi.bank_card", *match.span(), 0.97 if issued and named else 0.85)
    for match in _IBAN.finditer(text):
        if _is_iban(match.group()):
            yield Hit("phi.bank_card", *match.span(), 0.95)


def plates(text: str) -> Iterator[Hit]:
    """Vehicle plates, new-energy and special ones included."""
    for match in _PLATE.finditer(text):
        if sum(char.isdigit() for char in match.group()) >= 2:
            yield Hit("phi.plate", *match.span(), 0.85)


def _is_id_shaped(number: str) -> bool:
    dated = is_date(number[6:10], number[10:12], number[12:14])
    return (
        len(number) == 18
        and number[:2] in _PROVINCES
        and dated
        and number[6:8] in {"18", "19", "20"}
    )


def _is_iban(run: str) -> bool:
    """ISO 13616: moved to the back and read as a number, the first four give remainder 1."""
    number = run.replace(" ", "").upper()
    return int("".join(str(int(c, 36)) for c in number[4:] + number[:4])) % 97 == 1


def _by_words(
    text: str, match: re.Match[str], words: re.Pattern[str], named: float, bare: float
) -> float:
    around = before(text, match.start()) + " " + after(text, match.end())
    return named if words.search(around) else bare


RULES: tuple[tuple[str, Callable[[str], Iterator[Hit]]], ...] = (
    (r"[1-9](?:[ \-]?[0-9]){14}", resident_ids),
    (r"1[3-9](?:[ \-]?[0-9]){9}", mobiles),
    (r"[0-9]{2,3}[)）]?[ \-]{0,2}[2-8][0-9]{2,3}[ \-]?[0-9]{4}", landlines),
    (r"[1-9](?:[ \-]?[0-9]){11}|[A-Za-z]{2}[0-9]{2} ?[0-9A-Za-z]{4}", bank_cards),
    (r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z]", plates),
)
"""What must occur in a text for a rule to be worth running (RE2), and the rule."""
