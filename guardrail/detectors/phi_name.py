"""Names of people: Chinese ones by surname and context, English ones by context. Pure logic.

A name is reported where the words around it say that it is one: a label (姓名：), an introduction
(我叫…), a relation (患者…, 家属…), a record header (王建国，男，45岁), a title (…先生). Staff are not
patients: 王医生, 李主任 and the like are left alone. So are names already anonymised (张某, 王**)
and a bare surname with a title (张先生): that points at nobody, and case descriptions are full of it. A name with no such words around it is work for a model, not for rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib.resources import files

from guardrail.detectors.phi_hit import Hit

_HAN = "\u4e00-\u9fff"
_FREQUENT = 190  # surnames common enough to count where the context is weak


def _read() -> dict[str, str]:
    text = files("guardrail.detectors").joinpath("data/names.txt").read_text("utf-8")
    lines = (line.partition(": ") for line in text.splitlines() if not line.startswith("#"))
    return {key: values for key, _, values in lines}


_FACTS = _read()
_SINGLE = _FACTS["single"]
_DOUBLE, _NOT_NAMES, _BLANK, _NOT_ENGLISH = (
    frozenset(_FACTS[key].split()) for key in ("double", "words", "blank", "english")
)
_RISKY, _GIVEN, _STOP = (frozenset(_FACTS[key]) for key in ("risky", "given", "stop"))
_ANY = frozenset(_SINGLE)
_USUAL = frozenset(_SINGLE[:_FREQUENT]) - _RISKY

_AFTER_NAME = re.compile(
    rf"[^{_HAN}]|$|男|女|今年|现年|因|于|的|来|患|有|说|在|从|被|是|和|与|先生|小姐|现|自|无|既|主诉|入院|反复|感|突|住|昨|今|前|近|"
    r"家|电话|身|诊|需|已|，|您|你|我|他|她|性别|年龄|出生|手机|确诊|目前|曾|到|去|做|服|吃|最近|这|发|给|对|将|需要|应|请|想|问|同志|老师"
)
_COLON = r"\s{0,2}[:：=＝]\s{0,4}"
_LABEL = re.compile(
    r"(?P<form>姓名|名字)(?:\s?[（(][^）)\n]{0,8}[）)])?\s{0,4}(?:是|为|叫|就是|[:：=＝|]|\s){1,3}\s{0,4}"
    rf"|(?P<signed>签名|签字|签署人|联系人|监护人|收件人|收货人|申请人|代办人|户主|代理人|持卡人|保人|保险人|就诊人){_COLON}"
    rf"|(?:患者|病人|患儿|家属|受试者|病患){_COLON}"
)
_CALLED = re.compile(
    r"(?<!大)(?<!小)(?:名叫|名字叫|叫做|叫作|我叫|他叫|她叫|本名|原名|全名|大名叫?|化名|曾用名|(?<=[我他她孩子儿妈爸妹弟哥姐友者人名生女])叫)(?=[\u4e00-\u9fff])"
)
_RELATED = re.compile(
    r"(?:患者|病人|患儿|产妇|孕妇|伤者|死者|逝者|家属|家长|监护人|配偶|丈夫|妻子|老公|老婆|爱人|儿子|女儿|父亲|母亲|爸爸|妈妈|爷爷|奶奶|"
    r"外公|外婆|姥姥|姥爷|哥哥|姐姐|弟弟|妹妹|孩子|宝宝|同事|朋友|邻居|代理人|委托人|受试者|志愿者|客户|会员|本人|我是|这是|同学|病友|学生|员工)\s?[，,：:]?\s?"
)
_HEADER = re.compile(
    rf"(?:^|(?<=[^{_HAN}A-Za-z0-9]))(?P<name>[{_HAN}]{{2,4}}?)(?:"
    rf"[，,、|/：:\s（(]{{1,3}}(?:男|女|[0-9]{{1,3}}\s?(?:岁|周岁|Y|y)|性别)(?![{_HAN}]{{3}})|[男女][0-9]{{1,3}}岁)"
)
_TITLE = re.compile(r"先生|女士|小姐|太太|夫人|同志|大爷|大妈|大叔|阿姨|老师傅")
_BEFORE_NAME = frozenset(
    '的是叫了和与跟及找请问患者人于为对给向由说到儿属父母妻夫亲位名帮替让约见，, 、：:（(\n。；“"'
)
_WHOLE = re.compile(rf"[{_HAN}]{{2,4}}(?![{_HAN}:：])")
_GIVEN_PART = re.compile(f"(?:(?![{_FACTS['stop']}])[{_HAN}]){{1,2}}")
_ETHNIC = re.compile(rf"[{_HAN}]{{1,8}}(?:·[{_HAN}]{{1,8}}){{1,3}}")


def chinese_names(text: str) -> Iterator[Hit]:
    """Names that a label, an introduction, a relation, a header or a title gives away."""
    yield from _labelled(text)
    for lead, known, score in ((_CALLED, _ANY, 0.85), (_RELATED, _USUAL, 0.8)):
        for match in lead.finditer(text):
            end = _weak_end(text, match.end(), known)
            if end:
                yield Hit("phi.person", match.end(), end, score)
    for match in _HEADER.finditer(text):
        if _is_whole_name(match["name"]):
            yield Hit("phi.person", *match.span("name"), 0.9)
    yield from _titled(text)


def _labelled(text: str) -> Iterator[Hit]:
    for match in _LABEL.finditer(text):
        start = match.end()
        ethnic = _ETHNIC.match(text, start)
        end = ethnic.end() if ethnic else _labelled_end(text, match)
        if end and text[start:end] not in _BLANK:
            yield Hit("phi.person", start, end, 0.95)


def _labelled_end(text: str, label: re.Match[str]) -> int:
    """The surer the label, the less the name must look like one."""
    if label["form"]:
        return _strong_end(text, label.end()) or _whole_end(text, label.end())
    if label["signed"]:
        end = _strong_end(text, label.end())
        return end if _AFTER_NAME.match(text, end) else 0
    return _weak_end(text, label.end(), _ANY)


def _surname_end(text: str, start: int, known: frozenset[str]) -> int:
    """Where the surname that begins at `start` ends; 0 when none does."""
    if text[start : start + 2] in _DOUBLE:
        return start + 2
    return start + 1 if text[start : start + 1] in known else 0


def _strong_end(text: str, start: int) -> int:
    """A surname and what follows it, up to two characters that may stand in a name."""
    end = _surname_end(text, start, _ANY)
    given = _GIVEN_PART.match(text, end) if end else None
    return given.end() if given else 0


def _whole_end(text: str, start: int) -> int:
    """Two to four characters with nothing before or after them: a name whatever it is."""
    whole = _WHOLE.match(text, start)
    return whole.end() if whole and not _STOP.intersection(whole.group()) else 0


def _weak_end(text: str, start: int, known: frozenset[str]) -> int:
    """Where every character must look like a name, and the sentence go on as after one."""
    end = _surname_end(text, start, known)
    if not end or text[start : start + 2] in _NOT_NAMES:
        return 0
    for length in (2, 1):
        given = text[end : end + length]
        named = len(given) == length and _GIVEN.issuperset(given)
        if named and _AFTER_NAME.match(text, end + length):
            return end + length
    return 0


def _is_whole_name(name: str) -> bool:
    end = _surname_end(name, 0, _USUAL | _RISKY & _ANY)
    given = name[end:]
    odd = name[:1] in _RISKY and not _GIVEN.issuperset(given)
    if not end or not 1 <= len(given) <= 2 or name[:2] in _NOT_NAMES:
        return False
    return not (odd or _STOP.intersection(given) or _TITLE.fullmatch(given))


def _titled(text: str) -> Iterator[Hit]:
    """The full name before a title, without the title."""
    for match in _TITLE.finditer(text):
        for length in (4, 3, 2):
            start = match.start() - length
            name = text[max(start, 0) : match.start()]
            free = start == 0 or (
                start > 0 and (text[start - 1] in _BEFORE_NAME or not _is_han(text[start - 1]))
            )
            if start >= 0 and free and _is_titled_name(name):
                yield Hit("phi.person", start, match.start(), 0.85)
                break


def _is_titled_name(name: str) -> bool:
    end = _surname_end(name, 0, _USUAL)
    return (
        bool(end)
        and len(name) - end <= 2
        and name not in _NOT_NAMES
        and _GIVEN.issuperset(name[end:])
    )


def _is_han(char: str) -> bool:
    return "\u4e00" <= char <= "\u9fff"


_WORD = r"[A-Z][a-zA-Z'’\-]{1,24}"
_FULL = rf"{_WORD}(?:\s(?:{_WORD}|[A-Z]\b\.?|(?:de|van|von|der|al|bin|da|la|del)(?=\s))){{0,3}}"
_ENGLISH = re.compile(
    r"(?:\b(?:[Mm]y (?:full )?name(?: is|'s)|(?<!rand )(?<!neric )(?<!rug )(?<!rade )(?:[Nn]ame|NAME)(?: is|'s|\s?[:=]| on (?:file|the account)[^.\n]{0,20}[:?])|"
    r"[Pp]atient(?:'s)? [Nn]ame(?: is|\s?[:=])|[Ii] am called|(?:[Pp]atient|man|woman|boy|girl|child|son|daughter|wife|husband) (?:named|called)|"
    r"[Ss]igned(?: by)?\s?[:,]?|[Nn]ext of [Kk]in(?: is|\s?[:=])|[Ee]mergency [Cc]ontact(?: is|\s?[:=])|[Gg]uardian(?: is|\s?[:=])|"
    r"[Mm]y (?:son|daughter|wife|husband|mother|father|sister|brother|child|friend),?|[Bb]illing address:|[Bb]elongs to|"
    r"[Hh]i,? (?:this is|I'm)|[Ss]incerely,|[Rr]egards,|(?:Mr|Mrs|Ms|Miss|Mx)\.?)\s{1,4})"
    rf"(?P<name>{_FULL})"
)
# Where the lead is weaker, as in a dialogue's "Patient: Okay", only a first and a last name count.
_INTRODUCED = re.compile(
    rf"\b(?:I'm|I am|[Tt]his is|[Pp]atient:?|PATIENT:?|[Pp]atient is)\s(?P<name>{_WORD}\s(?:[A-Z]\.\s)?{_WORD})"
)


def english_names(text: str) -> Iterator[Hit]:
    """Capitalised names after a label, an introduction, a relation or Mr/Mrs/Ms."""
    for pattern in (_ENGLISH, _INTRODUCED):
        for match in pattern.finditer(text):
            start = match.start("name")
            words = match["name"].split()
            while words and _is_no_name(words[-1]):
                words.pop()
            if words and not _is_no_name(words[0]):
                yield Hit("phi.person", start, start + len(" ".join(words)), 0.8)


def _is_no_name(word: str) -> bool:
    return word.capitalize() in _NOT_ENGLISH or (word.isupper() and len(word) > 3)


NAME_AT_END = re.compile(
    r"(?:姓名|名字|签名|签字|联系人|监护人|收件人|我叫|名叫|叫做|患者|病人|家属|患儿)[^。！？!?；;\n]{0,8}$"
    r"|(?i:name|patient|mr|mrs|ms|miss|signed|i'm|i am|this is|called|named)[^.。！？!?\n]{0,40}$"
)
"""A name that may not be complete yet at the end of a text."""

RULES: tuple[tuple[str, Callable[[str], Iterator[Hit]]], ...] = (
    (
        r"姓名|名字|签名|签字|签署|联系人|监护|收件|收货|申请人|代办|户主|代理人|持卡人|保人|就诊人|患者|病人|患儿|家属|受试|病患|叫|"
        r"本名|原名|全名|大名|化名|名[:：]|产妇|孕妇|伤者|死者|逝者|家长|配偶|丈夫|妻子|老公|老婆|爱人|儿子|女儿|父亲|母亲|爸爸|妈妈|爷爷|奶奶|外公|外婆|姥|"
        r"哥哥|姐姐|弟弟|妹妹|孩子|宝宝|同事|朋友|邻居|委托人|志愿者|客户|会员|本人|我是|这是|同学|病友|学生|员工|"
        r"[男女]|岁|性别|先生|小姐|太太|夫人|同志|大爷|大妈|大叔|阿姨|老师傅|[0-9]\s?[Yy]",
        chinese_names,
    ),
    (
        r"\b(?i:name|patient|called|named|signed|kin|contact|guardian|son|daughter|wife|husband|mother|father|sister|brother|child|friend|"
        r"billing|belongs|hi|sincerely|regards|mr|mrs|ms|miss|mx)\b[^\n]{0,24}[A-Z]|I'm [A-Z]|I am [A-Z]|(?i:this is) [A-Z]",
        english_names,
    ),
)
"""What must occur in a text for a rule to be worth running (RE2), and the rule."""
