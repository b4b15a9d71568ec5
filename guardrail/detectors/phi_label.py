"""Values that only their label gives away: record, insurance and travel numbers, accounts, birth dates.

A label, at most a few characters of glue (号码, 是, ：), then the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from guardrail.detectors.phi_hit import Hit, before

_GLUE = r"(?:\s{0,2}(?:号码|编号|卡号|号|[Nn]umber|[Nn]o\.?|#|[Ii][Dd])){0,2}\s{0,2}(?:是|为|就是|叫|[:：=＝#(（\-]|is|was){0,2}\s{0,3}[\"'“]?"
_CODE = r"(?P<value>[A-Za-z]{0,6}[\-]?[0-9][0-9A-Za-z\-]{2,23})(?![0-9A-Za-z])"

_RECORD = (
    r"病历号|病历编号|病历(?:号码)?|病案号|病案首页号|住院号|住院编号|门诊号|门诊编号|急诊号|就诊卡号|就诊卡|就诊号|就诊编号|诊疗卡号?|"
    r"检查号|影像号|放射号|超声号|病理号|标本号|登记号|挂号单号|患者编号|患者ID|病人ID|病员号|体检号|报告编号|条码号|CT号|MRI?号|X线号|B超号|片号|"
    r"(?i:\bMRN|medical record|patient id|patient number|hospital number|admission|accession|chart|visit|encounter|record)"
)
_INSURANCE = (
    r"医保卡?|医保证|社保卡?|社会保障卡?|社会保障|新农合|合作医疗证?|医疗证|医疗保险|保单|参保|"
    r"(?i:\bhealth insurance|insurance|policy|member|medicare|medicaid|beneficiary|nhs|subscriber|health plan)"
)
_TRAVEL = r"护照|通行证|回乡证|台胞证|旅行证|港澳证|居留证|永居证|(?i:\bpassport|travel permit|travel document)"
_MILITARY = r"军官证|士兵证|警官证|文职证|军人证|军人保障卡"
_LICENCE = r"驾驶证|驾照|(?i:driver'?s? licen[cs]e|driving licen[cs]e)"


def _labelled(label: str, value: str = _CODE) -> re.Pattern[str]:
    return re.compile(f"(?:{label}){_GLUE}{value}")


_NUMBERED = (
    ("phi.record_number", _labelled(_RECORD), 4),
    ("phi.insurance_number", _labelled(_INSURANCE), 6),
    ("phi.passport", _labelled(_TRAVEL), 7),
    ("phi.passport", _labelled(_LICENCE), 7),
    (
        "phi.passport",
        _labelled(_MILITARY, r"(?P<value>[\u4e00-\u9fff]{1,2}字?第?[0-9]{4,10}号?)"),
        4,
    ),
)
_AFTERWARDS = re.compile(
    r"(?<![0-9A-Za-z])(?P<value>[A-Za-z]{0,4}[0-9][0-9A-Za-z\-]{3,19})[ ，,]{0,2}"
    r"(?:[（(]|就?(?:是|为)(?:我|他|她|患者|病人|本人|孩子)?们?的?)(?:病历|病案|住院|门诊|就诊|检查)(?:卡)?号"
)
_BARE_PASSPORT = re.compile(r"(?<![0-9A-Za-z])(?:[EG][0-9]{8}|E[A-HJ-NP-Z][0-9]{7})(?![0-9A-Za-z])")
_ACCOUNT = re.compile(
    r"(?:(?P<wechat>微信|薇信|威信|[Vv]信|(?<![A-Za-z])(?:[Ww]e[Cc]hat|[Ww][Xx]|[Vv][Xx]))|(?P<qq>(?<![A-Za-z])[Qq]{2}|扣扣|企鹅))"
    r"(?!公众号|小程序|支付|群聊|里|上)(?:账号|号码|号|群)?\s{0,2}(?:是|为|同号|就是|加我|[:：=＝(（]|is|id|ID){0,2}\s{0,3}"
    r"(?P<value>[A-Za-z0-9][A-Za-z0-9_\-]{4,19})(?![A-Za-z0-9_])"
)
_DAY = (
    r"(?:(?:18|19|20)?[0-9]{2}\s?年\s?[01]?[0-9]\s?月(?:\s?[0-3]?[0-9]\s?[日号]?)?"
    r"|(?:18|19|20)[0-9]{2}[\-/.][01]?[0-9][\-/.][0-3]?[0-9]|(?:18|19|20)[0-9]{2}[01][0-9][0-3][0-9](?![0-9])"
    r"|[0-3]?[0-9][\-/.][0-3]?[0-9][\-/.](?:18|19|20)?[0-9]{2}|[01]?[0-9]\s?月\s?[0-3]?[0-9]\s?[日号]"
    r"|(?i:(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?\s[0-3]?[0-9](?:st|nd|rd|th)?,?\s(?:18|19|20)[0-9]{2})"
    r"|(?i:[0-3]?[0-9](?:st|nd|rd|th)?\s(?:of\s)?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?,?\s(?:18|19|20)[0-9]{2}))"
)
_BORN = re.compile(
    r"(?:出生(?:日期|年月日?|时间)?|生日|生于|诞辰|(?i:\bD\.?O\.?B\.?|date of birth|birth\s?date|birthday|born))"
    rf"(?:[:：=＝|\s]|是|为|在|于|农历|阳历|公历|\bon\b|\bis\b|It's|it's|\.|\?){{0,6}}(?P<value>{_DAY})"
)
_BORN_AFTER = re.compile(rf"(?P<value>{_DAY})\s?(?:出生|生人|诞生|生(?=[，,。；;、）)]|$))")


def labelled_numbers(text: str) -> Iterator[Hit]:
    """Record, insurance, passport, permit, military and licence numbers beside their label."""
    for kind, pattern, shortest in _NUMBERED:
        for match in pattern.finditer(text):
            start, end = match.span("value")
            if (
                sum(char.isdigit() for char in match["value"]) >= shortest - 1
                and end - start >= shortest
            ):
                yield Hit(kind, start, end, 0.9)
    for match in _AFTERWARDS.finditer(text):
        yield Hit("phi.record_number", *match.span("value"), 0.85)
    for match in _BARE_PASSPORT.finditer(text):
        yield Hit("phi.passport", *match.span(), 0.6)


def accounts(text: str) -> Iterator[Hit]:
    """WeChat and QQ accounts beside their label."""
    for match in _ACCOUNT.finditer(text):
        value = match["value"]
        if match["qq"] and not (value.isdigit() and 5 <= len(value) <= 11):
            continue
        if "公众" in before(text, match.start(), 4):
            continue
        yield Hit("phi.social_account", *match.span("value"), 0.9)


def birth_dates(text: str) -> Iterator[Hit]:
    """Dates that are said to be of a birth; other dates are not touched."""
    for pattern in (_BORN, _BORN_AFTER):
        for match in pattern.finditer(text):
            yield Hit("phi.birth_date", *match.span("value"), 0.9)


LABEL_AT_END = re.compile(
    rf"(?:{_RECORD}|{_INSURANCE}|{_TRAVEL}|{_LICENCE}|{_MILITARY}|微信|[Qq]{{2}}|出生|生日|生于|born|birth)"
    r"[^。！？!?；;\n]{0,28}$"
)
"""A label at the end of a text, whose value may not be complete yet."""

_TRIGGER = r"[号证卡保险案历单照][^0-9]{0,12}[0-9]|(?i:mrn|record|patient|hospital|admission|accession|chart|visit|encounter|insurance|policy|member|medicare|medicaid|beneficiary|nhs|subscriber|health plan|passport|travel|licen)[^0-9]{0,16}[0-9]|[0-9][^0-9]{0,10}[历案院诊查]|[EG][A-Z0-9][0-9]{7}"

RULES: tuple[tuple[str, Callable[[str], Iterator[Hit]]], ...] = (
    (_TRIGGER, labelled_numbers),
    (r"信|(?i:qq|wx|vx|wechat)|扣扣|企鹅", accounts),
    (r"(?i:出生|生日|生于|诞辰|生人|诞生|born|birth|d\.?o\.?b)|[0-9日月]\s?生", birth_dates),
)
"""What must occur in a text for a rule to be worth running (RE2), and the rule."""
