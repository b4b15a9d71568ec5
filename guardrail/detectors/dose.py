"""Doses taken apart: how much, how often, by which route, for how long, how many in all.

Patterns are bounded (no nested repetition), so time is linear in the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from guardrail.domain.exchange import Span

_WORD_NUMBER = (
    r"half an?|half|one and a half|one|two|three|four|five|six|seven|eight|nine|ten|twelve|an|a"
)
_HAN = r"[半一二两三四五六七八九十百千零〇点壹贰叁肆伍陆柒捌玖拾佰]{1,7}"
_NUMBER = rf"(?:\d{{1,6}}(?:,\d{{3}})?(?:\.\d{{1,4}})?(?:/\d{{1,4}}(?:\.\d{{1,2}})?)?|{_HAN}|(?<![a-z])(?:{_WORD_NUMBER})(?![a-z]))"
_RANGE = rf"{_NUMBER}(?:\s?(?:-|~|–|—|至|到|to|or|或|、)\s?{_NUMBER})?"
_LATIN = r"(?:q\.?d|b\.?i\.?d|t\.?i\.?d|q\.?i\.?d|qod|qn|qm|qhs|qam|qpm|q\d{1,2}\s?h(?:rs?)?|q\d?w|biw|tiw|prn|stat|hs|st)"
_NOT_RATE = r"(?!\s?/\s?(?:d?l|min|m²|24)\b)"
_MASS = (
    r"(?:mg|μg|µg|ug|mcg|ng|g|ml|iu|mu|万单位|万iu|万u|u|毫克|微克|毫升|克|国际单位|个单位|单位|units?|"
    r"milligrams?|mmol|meq|豪克|grams?|钱)"
)
_PER = r"(?:\s?/\s?(?:kg|公斤|m2|m²|次|d|天|日|day|dose)){0,2}"
_COUNT = (
    r"(?:片|粒|丸|袋|包|支|滴|喷|吸|揿|贴|枚|颗|勺|瓶盖|格|tablets?|tabs?|capsules?|caps?|puffs?|drops?|"
    r"sprays?|squirts?|sachets?|pills?|patch(?:es)?|teaspoons?)(?![a-z])"
)
_UNIT_TIME = r"(?:日|天|晚|早|晨|周|星期|礼拜|个?月)"
_TIMES = r"[次回遍顿趟]"
_EN_NUMBER = r"(?:\d{1,2}|one|two|three|four|five|six|eight|ten|twelve)"

_PARTS: tuple[tuple[str, str], ...] = (
    # A strength of 0.5 written without its unit before Latin: 0.5，tid; 90bid.
    ("bare", rf"\d{{1,4}}(?:\.\d{{1,3}})?(?=\s?[,，]?\s?{_LATIN}(?![a-z]))"),
    ("dose", rf"{_RANGE}\s?{_MASS}{_PER}(?:(?={_LATIN}(?![a-z]))|(?![a-z])){_NOT_RATE}"),
    ("frequency", rf"(?:(?<![a-z])|(?<=[gul])){_LATIN}(?![a-z])"),
    (
        "frequency",
        rf"(?:[每一1]\s?{_UNIT_TIME}|[每隔]{_NUMBER}?\s?(?:个)?(?:{_UNIT_TIME}|小时|h|分钟)|每次稀便后|日(?=[一二两三四1-4]\s?(?:{_TIMES}|[，。；,.]|$))|[早中晚午睡前后]{{2,3}}各|逢单日|周[一二三四五六日]{{1,4}}|{_NUMBER}\s?(?:个)?(?:小时|周|天))"
        rf"(?:[服吃用喷涂滴打给]|口服|分|共)?\s?(?:{_RANGE}\s?{_TIMES}|各?一?{_TIMES})",
    ),
    (
        "frequency",
        rf"{_RANGE}\s?{_TIMES}\s?/\s?[日天周]|分\s?{_RANGE}\s?次|(?:饭后|饭前|便后|餐后|餐前|随餐)\s?各?{_RANGE}\s?次",
    ),
    (
        "frequency",
        rf"(?:[每隔]|非透析)(?:{_NUMBER}\s?)?(?:个)?(?:{_UNIT_TIME}[一二三四五六日]?|小时|h|分钟)(?!各|一次)|早中晚|早晚餐?|早午|早上中午|"
        r"晨起|晨服|睡前|临睡|天天|隔晚|三餐[前后时]|随(?:三)?餐|一天[两三四]换|一?[日天][一二两三四1-4]次?(?=[，。；,.]|$)|"
        rf"{_NUMBER}小时(?:换)?一(?:次|回|换)|三顿",
    ),
    (
        "frequency",
        rf"(?:once|twice|thrice|{_EN_NUMBER}\s*(?:to\s*{_EN_NUMBER}\s*)?times)\s*(?:an?|per|each|every)?\s*(?:day|daily|week|weekly|night|hour)(?![a-z])"
        rf"|(?<![a-z])(?:daily|nightly|weekly|monthly)(?![a-z])|every\s*(?:other\s*)?(?:{_EN_NUMBER}\s*(?:to|-|–)?\s*)?(?:{_EN_NUMBER}\s*)?(?:hours?|days?|weeks?|morning|night|evening|day|h)(?![a-z])"
        r"|(?:each|in the|on) (?:morning|evening)|at (?:bedtime|night)|before (?:bed|breakfast|meals|each meal)|after (?:each|meals)|morning (?:and|to) (?:night|evening|bedtime)|"
        r"morning, noon and night|morning and bedtime|on waking|a day(?![a-z])|three ?times|times_per_day|at once|(?<![a-z])once(?![a-z])",
    ),
    (
        "occasion",
        r"必要时|[疼痛]时|发作时|喘的时候|长期|as needed|at onset|with (?:meals|dinner|food)|half an hour after",
    ),
    (
        "timing",
        r"空腹(?!血糖)|饭[前后]|餐[前后]|早餐[前后时]?|晚餐[前后]?|晚饭后|早饭[前后]|午餐前|晚上|早上|早晨|中午|白天|事前|整片|嚼服|顿服|单次|马上服|今晚|明早|明晚",
    ),
    (
        "route",
        r"口服|内服|外用|外涂|外敷|涂(?:抹|患处)?|抹|肌注|肌内注射|静滴|静脉滴注|静脉注射|静注|静推|静脉|皮下(?:注射)?|"
        r"雾化(?:吸入)?|吸入|含服|舌下|嚼服|冲服|吞服|滴眼|滴鼻|滴耳|阴道给药|塞肛|直肠|温服|水煎服?|含漱|贴敷|"
        r"(?<![a-z])(?:po|p\.o\.|im|iv|ivgtt|sc|sl|pv|orally|by mouth|topically|under the (?:tongue|skin)|inhaled)(?![a-z])",
    ),
    (
        "course",
        rf"(?:连?续?[吃服用打喝贴涂抹喷滴]满?|满|疗程|[x×]|共|(?<![a-z])for)\s?(?:了?个?)?{_RANGE}\s?(?:more\s)?(?:个)?(?:天|日|周|月|星期|礼拜|晚|days?|weeks?|months?|d(?![a-z])|w(?![a-z]))(?!前|后|龄)",
    ),
    (
        "duration",
        rf"(?<![第孕龄]){_RANGE}\s?(?:个)?(?:天|日|周|月|星期|礼拜|疗程|晚|年|付|剂(?!量)|副)(?!前|后|龄|大|来|血|宝|咳|内|以内|之内)|"
        rf"(?:{_NUMBER}|\d+)\s*(?:more\s)?(?:days?|weeks?|months?)(?![a-z])|\d{{1,2}}\s?[dw](?![a-z])",
    ),
    ("quantity", r"[x×*#]\s?\d{1,3}\s?(?:片|粒|袋|支|瓶|盒|包|tabs?|caps?)?|\d{1,3}\s?盒"),
    ("count", rf"{_RANGE}\s?(?:个)?{_COUNT}|黄豆大|绿豆大|花生大|指尖单位|pea-size"),
)
# What a piece may begin with: looked at first, because most characters begin none.
_FIRST = (
    r"(?=[\d.半一二两三四五六七八九十百千零〇点壹贰叁肆伍陆柒捌玖拾佰每隔早中晚午睡前逢周日临天非随空饭餐便分长必疼痛发喘马今明整嚼顿单白事"
    r"口内外涂抹肌静皮雾吸含舌冲吞滴阴塞直温水贴疗满共连续吃服用打喝喷黄绿花指晨×*#]|(?<![a-z])[a-z]|(?<=[gul])[qbts])"
)
_GRAMMAR = re.compile(
    _FIRST + "(?:" + "|".join(f"(?P<p{i}>{body})" for i, (_, body) in enumerate(_PARTS)) + ")"
)
_NAMES = {f"p{i}": name for i, (name, _) in enumerate(_PARTS)}

# Cheap look for a dose that stands without a known drug: digits and a unit that food seldom has.
HINT = re.compile(
    r"(?:\d|半|[一二两三四五六])\s?(?:个)?(?:mg|μg|µg|ug|mcg|iu|u(?![a-z/])|毫克|微克|单位|units?(?![a-z])|片|粒|丸|吸|喷|"
    r"tablets?|capsules?|puffs?|bid|tid|qd|qid|q\d{1,2}h)|(?<!\d)[012]?\.\d{1,2}\s?(?:g(?![a-z/])|克)|零点.{1,3}克"
)


@dataclass(frozen=True, slots=True)
class Part:
    """One piece: dose, count, frequency, occasion, timing, route, course, duration, quantity,
    bare (a number before Latin)."""

    name: str
    span: Span


def parts(lowered: str, within: Span) -> list[Part]:
    """Pieces inside a range of text that is lower case already, left to right."""
    return [
        Part(_NAMES[match.lastgroup or ""], Span(*match.span()))
        for match in _GRAMMAR.finditer(lowered, within.start, within.end)
    ]
