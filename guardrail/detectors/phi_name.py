"""Names of people: Chinese ones by surname and context, English ones by context. Pure logic.

A name is reported where the words around it say that it is one: a label (姓名：), an introduction
(我叫…), a relation (患者…, 家属…), a record header (王建国，男，45岁), a title (…先生). Staff are not
patients: a surname with 医生, 主任, 护士 and the like is left alone, and so are names already
anonymised (张某, 王**). A name with no such words around it is work for a model, not for rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib.resources import files

from guardrail.detectors.phi_hit import Hit

_HAN = "\u4e00-\u9fff"
_FREQUENT = 190  # surnames common enough to count where the context is weak
_RISKY = frozenset("高常安于方时应向成全单经明平温万史石白黄金水和文年乐牛毛游计")

# Characters people are named with. Where the context is weak every character must be one of these.
_GIVEN = frozenset(
    "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂兰红玉梅建国华文志海林鹏飞辉俊峰浩宇轩子涵梓萱雨欣怡佳琪思雅"
    "诗婷雪莹倩颖璐瑶瑞祥福德贵荣富昌盛春秋冬夏云月星晨阳光亮东西南北中正义仁信智勤俭良善美珍珠琴瑟淑贞洁惠慧"
    "兰菊莲莉芬芝蓉薇蕾萍菲苗茹茜荷妍娇媛婉婧姗姝妮娅娥娣凤凰龙虎彪豹鹤鸿雁燕莺鹃利民生产兴旺发达永久长远康宁泰"
    "安乐顺吉庆喜旭昊晓晖晗晟晴景智暄曦朋朗楠森彬松柏桐梁栋柱根树杨柳桃杏榕槐毅坚钢铁铭铮锋锐锦鑫钰银金铜"
    "江河湖波涌洪淼清源泉溪润泽浩瀚沛沐汉深淇渊渝滨澜炎炜煜炳烨焕燃灿煌烈坤培基城墨均垚堂增培山岩岳峻崇岚嵩"
    "小大少老幼新立有为成功才能学书礼诚忠孝廉耻恒远博达通理道仲伯叔季孟元亨贞乾天地人和可心悦欢笑君卿士"
    "宏宗守安定宝宾家宜宸宽寒尚尧展川州巍帆帅希常康庭廷弘彤彦彩得徐征思怀恩情惟意愉愿懿战承振捷授政敬文斌斐"
    "方施昭昱晋普景曼望本权杉桦梦楚欧毓洲济淳湘滔漫潇澄然熙爱牧献玄玲珂珊珏珺琦琨琳琼瑜瑾璇璞甜田男畅登皓盈真"
    "睿知石砚硕碧祖祺禄禹秉程稳穆笛筠篷纯纳素紫红维绍绮继绪缘罗美群翔翠耀聪育舒舟航艺若茂荃莎菁萌葆蒙蓓蓝"
    "虹蝶行衍裕西言訓誉诺谦谨豪赞超越跃路轩辰迎迪逸遥道邦郁鄂野钧镇镜长闯阔阿附陆陶隆霄露青靖韬韵顺颂颜香骁骏高魁鲁麒麟黎齐"
    "建军国庆秀珍桂花春梅秋菊冬梅玉兰金凤银凤翠花素芬淑芳志刚志强佩亚丹丁冰凯剑力加勋勃劲升卓友双叶史司合启周咏品善嘉"
    "四妹姐弟娃娟孙宣宪富尔岗巧巨幸庚影徽忆怡恺愚才扬拓昂昕景朵杭枝枫柯栩桓梅棋棠椿楷歌毛沁沂泓泱洛浦涓淋清湛源炫焱照熠"
)
_NOT_NAMES = frozenset(
    "高兴 安全 平安 健康 方便 严重 金华 黄金 白天 成功 文明 常规 经常 江南 江西 江苏 河北 云南 马上 周围 周末 周岁 周一 周二"
    " 周三 周四 周五 周六 周日 周年 周期 严格 高中 高龄 黄色 白色 金属 毛病 温度 温和 常见 任何 何时 何况 万一 曾经 许多 余下"
    " 应该 钟头 向来 白领 麦冬 石膏 时间 全身 全家 全天 成年 成人 方法 方式 方面 于是 单纯 单侧 和平 文化 高度 高明 易怒 房间"
    " 华山 华东 华北 华南 贺州 陆续 施行 关节 关心 关爱 关于 关系 林林 梁山 谢谢 谢天 程度 程序 孔子 孟子 段落 路上 路程 雷同 龙骨"
    " 龙胆 黎明 常德 武汉 武力 夏天 夏季 秋天 冬天 春天 花生 左右 宁波 宁夏 石家 郑州 徐州 苏州 杭州 温州 胡子 胡乱 贾第 严谨"
    " 甘油 甘露 柴胡 黄连 黄芪 黄山 金银 田间 姜黄 叶酸 苏打 苏醒 古方 童年 牛奶 牛黄 毛发 毛囊 谷丙 谷草 汤药 米汤 白芍 白术 白带"
    " 万分 方才 方可 向上 尚可 尚未 易于 能力 钱财 马路 鲁莽 解放 连续 连同 管道 强度 盛夏 季节 伍德 樊笼".split()
)
_COMMON = frozenset("吴钩 高兴")


def _surnames() -> tuple[str, frozenset[str]]:
    text = files("guardrail.detectors").joinpath("data/surnames.txt").read_text("utf-8")
    single, double = text.splitlines()[1:3]
    return single, frozenset(double.split())


_SINGLE, _DOUBLE = _surnames()
_ANY = frozenset(_SINGLE)
_USUAL = frozenset(_SINGLE[:_FREQUENT]) - _RISKY

# Characters that end a name: no one is named with them, and a sentence goes on with them.
_STOP = frozenset(
    "今年是的了在我你您他她它们于因岁先女士和与来说患病也就想吃要不从住电身手出号被有没这那个什么吗呢吧啊把给对向及或为"
    "所以但而且能会可到过去上下里外很太都还又再只已正将请问叫让使用药医院科诊治疗痛疼热咳喘泻吐血糖压癌症肿炎某性别龄"
)
_AFTER_NAME = re.compile(
    rf"[^{_HAN}]|$|男|女|今年|现年|因|于|的|来|患|有|说|在|从|被|是|和|与|先生|小姐|现|自|无|既|主诉|入院|反复|感|突|住|昨|今|前|近|"
    r"家|电话|身|诊|需|已|，|您|你|我|他|她|性别|年龄|出生|手机|确诊|目前|曾|到|去|做|服|吃|最近|这|发|给|对|将|需要|应|请|想|问|同志|老师"
)
_LABEL = re.compile(
    r"(?:患者|病人|患儿|产妇|受试者|联系人|监护人|家属|申请人|收件人|真实)?(?:姓名|名字)(?:\s?[（(][^）)\n]{0,8}[）)])?\s{0,4}(?:是|为|叫|就是|[:：=＝|/\-]|\s){1,3}\s{0,4}"
    r"|(?:签名|签字|签署人|联系人|监护人|收件人|收货人|申请人|代办人|户主|法定代理人|紧急联系人|持卡人|参保人|投保人|被保险人|就诊人|患者|病人|患儿|家属|受试者|病患)\s{0,2}[:：=＝]\s{0,4}"
)
_CALLED = re.compile(
    r"(?<!大)(?<!小)(?:名叫|名字叫|叫做|叫作|我叫|他叫|她叫|本名|原名|全名|大名叫?|化名|曾用名|叫)(?=[\u4e00-\u9fff])"
)
_RELATED = re.compile(
    r"(?:患者|病人|患儿|产妇|孕妇|伤者|死者|逝者|家属|家长|监护人|配偶|丈夫|妻子|老公|老婆|爱人|儿子|女儿|父亲|母亲|爸爸|妈妈|爷爷|奶奶|"
    r"外公|外婆|姥姥|姥爷|哥哥|姐姐|弟弟|妹妹|孩子|宝宝|同事|朋友|邻居|代理人|委托人|受试者|志愿者|客户|会员|本人|我是|这是|同学|病友|学生|员工)\s?[，,：:]?\s?"
)
_HEADER = re.compile(
    rf"(?:^|(?<=[^{_HAN}A-Za-z0-9]))(?P<name>[{_HAN}]{{2,4}})(?:[，,、|/：:\s（(]{{1,3}})(?:男|女|[0-9]{{1,3}}\s?(?:岁|周岁|Y|y)|性别)(?![{_HAN}]{{3}})"
)
_TITLE = re.compile(r"先生|女士|小姐|太太|夫人|同志|大爷|大妈|大叔|阿姨|老师傅")
_BEFORE_NAME = frozenset(
    '的是叫了和与跟及找请问患者人于为对给向由说到儿属父母妻夫亲位名帮替让约见，, 、：:（(\n。；“"'
)
_WHOLE = re.compile(rf"[{_HAN}]{{2,4}}(?![{_HAN}:：])")
_ETHNIC = re.compile(rf"[{_HAN}]{{1,8}}(?:·[{_HAN}]{{1,8}}){{1,3}}")
_BLANK = frozenset(
    "性别 年龄 电话 未知 不详 保密 匿名 患者 无名 无名氏 未填 本人 同上 如下 先生 女士 隐私 待查 暂无 科室 床号 时间 日期".split()
)


def chinese_names(text: str) -> Iterator[Hit]:
    """Names that a label, an introduction, a relation, a header or a title gives away."""
    yield from _labelled(text)
    for lead, score in ((_CALLED, 0.85), (_RELATED, 0.8)):
        for match in lead.finditer(text):
            end = _weak_end(text, match.end(), lead is _CALLED)
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
        end = ethnic.end() if ethnic else _strong_end(text, start)
        if end and text[start:end] not in _BLANK:
            yield Hit("phi.person", start, end, 0.95)


def _surname_end(text: str, start: int, known: frozenset[str]) -> int:
    """Where the surname that begins at `start` ends; 0 when none does."""
    if text[start : start + 2] in _DOUBLE:
        return start + 2
    return start + 1 if text[start : start + 1] in known else 0


def _strong_end(text: str, start: int) -> int:
    """After a label anything of two or three characters that starts like a name is one."""
    end = _surname_end(text, start, _ANY)
    if not end:
        whole = _WHOLE.match(text, start)
        return whole.end() if whole and not _STOP.intersection(whole.group()) else 0
    given = end
    while (
        given < len(text) and given - end < 2 and _is_han(text[given]) and text[given] not in _STOP
    ):
        given += 1
    return given if given > end else 0


def _weak_end(text: str, start: int, called: bool) -> int:  # noqa: FBT001
    """Beside a relation every character must look like a name and the sentence must go on."""
    end = _surname_end(text, start, _ANY if called else _USUAL)
    if not end or text[start : start + 2] in _NOT_NAMES:
        return 0
    for length in (2, 1):
        given = text[end : end + length]
        if (
            len(given) == length
            and _GIVEN.issuperset(given)
            and _AFTER_NAME.match(text, end + length)
        ):
            return end + length
    return 0


def _is_whole_name(name: str) -> bool:
    end = _surname_end(name, 0, _USUAL | _RISKY & _ANY)
    given = name[end:]
    weak = name[:1] in _RISKY and not _GIVEN.issuperset(given)
    return (
        bool(end)
        and 1 <= len(given) <= 2
        and not (weak or _STOP.intersection(given))
        and name[:2] not in _NOT_NAMES
    )


def _titled(text: str) -> Iterator[Hit]:
    """The name before a title, without the title; a surname alone counts less."""
    for match in _TITLE.finditer(text):
        for length in (4, 3, 2, 1):
            start = match.start() - length
            name = text[max(start, 0) : match.start()]
            free = start == 0 or (
                start > 0 and (text[start - 1] in _BEFORE_NAME or not _is_han(text[start - 1]))
            )
            if start >= 0 and free and _is_titled_name(name):
                yield Hit("phi.person", start, match.start(), 0.85 if length > 1 else 0.6)
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
    r"(?:\b(?:[Mm]y (?:full )?name(?: is|'s)|[Nn]ame(?: is|'s| on (?:file|the account)[^.\n]{0,20}[:?]|\s?[:=])|NAME\s?[:=]|"
    r"(?:[Pp]atient|PATIENT)(?:'s)?(?: [Nn]ame)?(?: is|\s?[:=])|[Ii] am called|(?:is|was|are) (?:called|named)|[Ss]igned(?: by)?\s?[:,]?|"
    r"[Nn]ext of [Kk]in(?: is|\s?[:=])|[Ee]mergency [Cc]ontact(?: is|\s?[:=])|[Gg]uardian(?: is|\s?[:=])|"
    r"[Mm]y (?:son|daughter|wife|husband|mother|father|sister|brother|child|friend),?|[Bb]illing address:|[Bb]elongs to|"
    r"[Hh]i,? (?:this is|I'm)|[Ss]incerely,|[Rr]egards,|(?:Mr|Mrs|Ms|Miss|Mx)\.?|[Pp]atient)\s{1,4})"
    rf"(?P<name>{_FULL})"
)
_INTRODUCED = re.compile(
    rf"\b(?:I'm|I am|This is|this is)\s(?P<name>{_WORD}\s(?:[A-Z]\.\s)?{_WORD})"
)
_NOT_ENGLISH = frozenset(
    "The This That He She It I We You They Has Is Was Not With No Yes Please Unknown Name Age Date Has Had Have Who Will Can May Should"
    " Denies Reports Presents Complains Information History Education Safety Care Portal Instructions Summary Id ID Number Address Male"
    " Female Dr Doctor Anonymous Redacted None Sex Gender Dob DOB Phone Mr Mrs Ms And Or If In On At For From After Before When What"
    " Sorry Afraid Glad Happy Very So To Also A An As Unable Type Stage Take Do Does Did Be Being Monday Tuesday Wednesday Thursday"
    " Friday Saturday Sunday January February March April June July August September October November December Diagnosis".split()
)


def english_names(text: str) -> Iterator[Hit]:
    """Capitalised names after a label, an introduction, a relation or Mr/Mrs/Ms."""
    for pattern in (_ENGLISH, _INTRODUCED):
        for match in pattern.finditer(text):
            start, end = match.span("name")
            words = match["name"].split()
            while words and (
                words[-1] in _NOT_ENGLISH or words[-1].isupper() and len(words[-1]) > 3
            ):
                words.pop()
            if words and words[0] not in _NOT_ENGLISH:
                yield Hit("phi.person", start, start + len(" ".join(words)), 0.8)


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
