"""Where somebody lives: Chinese addresses by place names and structure, English ones by structure.

Reported is what leads to a door (a road and number, an estate and building), and, beside words
such as 住址 or 家住, anything from a district or county down. A city or province alone is not, nor
is the address of an institution (a hospital's own address in an answer is no one's home).
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from importlib.resources import files

from ahocorasick_rs import AhoCorasick, MatchKind

from guardrail.detectors.phi_hit import Hit, before

_HAN = "\u4e00-\u9fff"
_NUMBER = r"(?:[0-9A-Za-z]{1,5}|[一二三四五六七八九十百零〇]{1,5})(?:[\-—－][0-9A-Za-z]{1,4}){0,3}"
_DOOR = re.compile(
    r"(?P<way>大道|大街|路|街|胡同|弄|巷|里)\s?"
    rf"{_NUMBER}\s?(?:号楼|号院|号|弄|巷)(?!线|公交|车|文件|令)"
    r"|(?P<estate>小区|花园|公寓|家园|新村|苑|社区|大厦|花苑|公馆|名邸|新城|宿舍|家属院|大院|村|庄|屯|镇|乡|街道|区|府|庭|湾|庄园|广场)\s?"
    rf"{_NUMBER}\s?(?:号楼|号院|号|栋|幢|座|单元|室|组|队|社|户)(?!线|公交|车|文件|令)"
)
_SURE = frozenset(
    (
        *("大道", "大街", "路", "街", "胡同", "小区", "花园", "公寓", "家园", "新村", "苑", "社区"),
        *("大厦", "花苑", "公馆", "名邸", "宿舍", "家属院"),
    )
)
_REST = re.compile(
    rf"(?:\s?[，,]?\s?(?:{_NUMBER}\s?(?:号楼|号院|号|弄|支弄|栋|幢|座|单元|室|楼|层|组|户|门|房)"
    rf"|[{_HAN}]{{2,8}}?(?:小区|花园|公寓|家园|新村|苑|社区|大厦|公馆|宿舍)|[\-—－]?[0-9]{{3,4}}(?![0-9年月日元号毫])))"
)
_INSTITUTION = re.compile(
    r"医院|中心|门诊部|诊所|药房|药店|卫生院|卫生室|院区|公司|大学|学校|研究所|法院|警方|派出所|总部|编辑部|出版社"
)
_INSTITUTION_ADDRESS = re.compile(
    r"(?:医院|中心|门诊部?|诊所|药房|药店|卫生院|院区|公司|大学|研究所|总部|本院|我院)[^。！？\n]{0,8}(?:位于|地址|坐落|地处|在|[（(])[:：]?\s?$"
)
_PUBLIC = re.compile(rf"{_INSTITUTION.pattern}|就诊|咨询|本院|我院|院址|乘车|门店")
_VISITED = re.compile(rf"[{_HAN}0-9]{{0,8}}?(?:这家|医院|诊所|门诊)")
_HOME = re.compile(r"家住|住址|住在|家庭|户籍|现居")
_NUMBERED = re.compile(rf"{_NUMBER}\s?(?:号楼|号|栋|幢|座|单元|室|组|队|弄|巷)")
_PERSONAL = re.compile(
    r"家庭住址|现住址|住址|联系地址|通讯地址|收货地址|家庭地址|户籍地址?|籍贯|家住|家在|现居住?(?:于|在)?|居住(?:于|在|地)|常住|暂住|住在|住于|地址|寄到|寄往|老家(?:在|是)?|[住]址"
)
_GLUE = re.compile(r"[\s:：=是为在于|]{0,4}")
_VALUE = re.compile(rf"[{_HAN}0-9A-Za-z\-—－()（）·#]{{2,48}}")
_FINE = re.compile(
    rf"(?:大道|大街|路|街道|街|胡同|巷|弄|小区|花园|公寓|家园|新村|苑|社区|大厦|村|镇|乡|庄|屯|宿舍|家属院|{_NUMBER}(?:号楼|号|栋|幢|座|单元|室|组|队))"
)
_LEAD = re.compile(
    r"住址|地址|家住|住在|家在|位于|现居|住于|居住|户籍|籍贯|寄到|寄往|老家|我家|去了?|来到|到达?|从|在|是|于|为|址|往|的|，"
)
_LEVELS = re.compile(rf"[省市区州盟][{_HAN}]{{1,8}}[区县市旗]")
_BELOW = re.compile(
    rf"(?:[{_HAN}]{{1,8}}?(?:街道|大道|镇|乡|村|路|街|小区|苑|家属区|宿舍|庄|屯|社区|花园|公寓))+"
    rf"(?!{_INSTITUTION.pattern}|[{_HAN}]{{0,6}}(?:医院|门诊|学校|卫生))"
)
_STREET_CHARS = 4  # a road is rarely named with more
_ESTATE_CHARS = 6
_REACH = 40  # how far before the door an address may begin


def _places() -> tuple[list[str], list[str], list[str]]:
    packed = files("guardrail.detectors").joinpath("data/places.txt.gz").read_bytes()
    tops, shorts, districts = gzip.decompress(packed).decode("utf-8").split("\n")[:3]
    return tops.split(), shorts.split(), [name for name in districts.split() if len(name) > 2]


_TOPS, _SHORTS, _DISTRICTS = _places()
_FINE_PLACES = frozenset(_DISTRICTS)
_GAZETTEER = AhoCorasick([*_TOPS, *_SHORTS, *_DISTRICTS], matchkind=MatchKind.LeftmostLongest)


def chinese_addresses(text: str) -> Iterator[Hit]:
    """Doors, and after a word such as 住址 anything from a district down."""
    for match in _DOOR.finditer(text):
        hit = _door(text, match)
        if hit:
            yield hit
    if _LEVELS.search(text):
        yield from _chains(text)
    for match in _PERSONAL.finditer(text):
        hit = _stated(text, match)
        if hit:
            yield hit


def _chains(text: str) -> Iterator[Hit]:
    """City and district one after the other, and then a town, road, village or estate."""
    start = last = -1
    for _, begin, end in _GAZETTEER.find_matches_as_indexes(text):
        start = start if begin == last else begin
        last = end
        below = _BELOW.match(text, end)
        if start == begin or not below or text[begin:end] not in _FINE_PLACES:
            continue
        if not _belongs_to_institution(text, start, below.end()):
            yield Hit("phi.address", start, _door_end(text, below.end()), 0.8)


def _door(text: str, match: re.Match[str]) -> Hit | None:
    suffix = match["way"] or match["estate"]
    head = re.split(rf"[^{_HAN}0-9A-Za-z·]", text[max(0, match.start() - _REACH) : match.start()])[
        -1
    ]
    places = _GAZETTEER.find_matches_as_indexes(head)
    lead = before(text, match.start(), _REACH)
    if places:
        start = match.start() - len(head) + places[0][1]
    elif suffix in _SURE or _PERSONAL.search(lead):
        start = _name_start(text, match, head)
    else:
        return None
    if start >= match.start() or _belongs_to_institution(text, start, match.start()):
        return None
    return Hit("phi.address", start, _door_end(text, match.end()), 0.9 if places else 0.7)


def _name_start(text: str, match: re.Match[str], head: str) -> int:
    """Where the name of the road or estate starts when no place name tells."""
    longest = _STREET_CHARS if match["way"] else _ESTATE_CHARS
    start = match.start() - min(longest, len(head))
    leads = list(_LEAD.finditer(text, start, match.start()))
    return leads[-1].end() if leads else start


def _door_end(text: str, end: int) -> int:
    while rest := _REST.match(text, end):
        end = rest.end()
    return end


def _belongs_to_institution(text: str, start: int, door: int) -> bool:
    lead = before(text, start, 24)
    if _HOME.search(lead):
        return False
    inside = _INSTITUTION.search(text, start, door) or _VISITED.match(text, door)
    return inside is not None or _INSTITUTION_ADDRESS.search(lead) is not None


def _stated(text: str, label: re.Match[str]) -> Hit | None:
    """What a word such as 住址 introduces, if it is finer than a city."""
    glue = _GLUE.match(text, label.end())
    start = glue.end() if glue else label.end()
    value = _VALUE.match(text, start)
    if not value or _INSTITUTION.search(value.group()) or _is_public(text, label):
        return None
    places = _GAZETTEER.find_matches_as_indexes(value.group())
    end = _fine_end(value.group(), places)
    if not end or (places and places[0][1] > 2):
        return None
    begin = start + (places[0][1] if places else 0)
    return Hit("phi.address", begin, _door_end(text, start + end), 0.9 if places else 0.75)


def _is_public(text: str, label: re.Match[str]) -> bool:
    lead = before(text, label.start(), 20)
    return label.group() == "地址" and _PUBLIC.search(lead) is not None


def _fine_end(value: str, places: list[tuple[int, int, int]]) -> int:
    """Where the finest part of a stated address ends; 0 when it names no more than a city.

    Without a place name in it there must be a number: 住在农村, 同一个小区 point at nobody.
    """
    ends = [match.end() for match in _FINE.finditer(value)]
    if not places:
        return max(ends, default=0) if _NUMBERED.search(value) else 0
    ends += [end for _, begin, end in places if value[begin:end] in _FINE_PLACES]
    return max(ends, default=0)


_ENGLISH = re.compile(
    r"\b[0-9]{1,6}[A-Za-z]?\s(?:[NSEW]\.?\s)?(?:[A-Z][\w'’.\-]{1,20}\s){1,4}"
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq|Terrace|Way|Highway|Hwy|Parkway|Circle)\b\.?"
    r"(?:,?\s(?:[Aa]pt|[Aa]partment|[Ss]uite|[Ss]te|[Uu]nit|[Rr]oom|#)\.?\s?#?[0-9A-Za-z\-]{1,6})?"
    r"(?:,?\s[A-Z][A-Za-z.\-]{1,20}(?:\s[A-Z][A-Za-z]{1,20})?)?(?:,?\s[A-Z]{2}\b)?(?:,?\s[0-9]{5}(?:-[0-9]{4})?)?"
)
_ENGLISH_STATED = re.compile(
    r"(?i:\b(?:lives? at|living at|reside[sd]? at|home address(?: is)?|my address is|address(?: is|\s?:)|billing address\s?:))\s{0,3}"
    r"(?P<value>[0-9][^\n;?!]{6,80}?[0-9A-Za-z])(?=[.;?!\n]|$)"
)
_BOX = re.compile(r"\b(?:P\.?\s?O\.?\s?Box|PO\sBox|Box)\s[0-9]{2,6}\b")
_ZIP = re.compile(
    r"(?i:\b(?:zip(?: code)?|postcode|postal code|邮编|邮政编码)(?: is|\s?[:：])?)\s?(?P<value>[0-9][0-9A-Za-z\-]{2,9})\b"
)


def english_addresses(text: str) -> Iterator[Hit]:
    """A number and a street, a post box, a stated address or postcode."""
    for pattern, score in ((_ENGLISH, 0.85), (_BOX, 0.7)):
        for match in pattern.finditer(text):
            yield Hit("phi.address", *match.span(), score)
    for pattern in (_ENGLISH_STATED, _ZIP):
        for match in pattern.finditer(text):
            yield Hit("phi.address", *match.span("value"), 0.85)


ADDRESS_AT_END = re.compile(
    r"(?:住址|地址|家住|住在|家在|户籍|籍贯|现居|(?i:lives? at|address|zip))[^。！？!?；;\n]{0,60}$"
    rf"|[省市区县路街道巷弄村镇乡小苑园厦栋幢座元号][{_HAN}0-9A-Za-z\-]{{0,12}}$"
)
"""An address that may not be complete yet at the end of a text."""

RULES: tuple[tuple[str, Callable[[str], Iterator[Hit]]], ...] = (
    (
        r"[路街道弄巷里同区园寓村苑厦馆邸城舍院庄屯镇乡府庭湾场]\s?[0-9A-Za-z一二三四五六七八九十百零〇\-—－]{1,12}\s?[号弄巷栋幢座单室组队社户]"
        r"|[省市区州盟]\p{Han}{1,8}[区县市旗]|住址|地址|籍|家住|家在|现居|居住|常住|暂住|住在|住于|寄到|寄往|老家",
        chinese_addresses,
    ),
    (
        r"[0-9][A-Za-z]?\s(?:[NSEW]\.?\s)?[A-Z][^\n]{0,80}\b(?:St|Ave|R|Bl|L|D|C|Pl|Sq|T|W|H|Par)[a-z]*\b|(?i:box|zip|post|邮编|邮政|address|lives? at|living at|resid)",
        english_addresses,
    ),
)
"""What must occur in a text for a rule to be worth running (RE2), and the rule."""
