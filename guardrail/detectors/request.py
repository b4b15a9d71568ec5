"""Requests: a caller who asks for a prescription, or for a way around one.

Rules over the text of a question: what is asked for, and whether the asking goes by the rules (a
doctor's refill, the meaning of a label, a report) or past them.
"""

from __future__ import annotations

import re

from guardrail.detectors import reading
from guardrail.detectors.lexicon import Lexicon
from guardrail.domain.exchange import Span
from guardrail.domain.finding import Finding

REQUEST = "prescription.request"
PURCHASE = "prescription.purchase"
_SCORES = {REQUEST: 0.85, PURCHASE: 0.9}
_SCORE_WITHOUT_DRUG = 0.7

_NO_RX = r"(?:没有|没|不要|免|无|不用|不需要|不凭|不看|不经过)(?:医生的?|医师的?|任何)?(?:处方|医生|医院|医师)"
_BUY = r"(?:买|卖|购|拿到|搞到|弄到|去哪儿?弄|怎么过海关|卖家|渠道|代购|联系|拿)"
_ASKED_OF_YOU = r"(?:给我|帮我|为我|替我|请|麻烦您?|能否|能不能|可以|想请您|您看?|你|替他|替医生|直接|再|老规矩，?|也给我|你们)"
_PURCHASE = re.compile(
    rf"{_NO_RX}[^。！？\n]{{0,24}}?{_BUY}|{_BUY}[^。！？\n]{{0,24}}?(?:{_NO_RX}|不用实名)|不用实名[^。！？\n]{{0,16}}{_BUY}"
    r"|哪里能?[^。！？\n]{0,14}(?:不看医生|不要处方)|求购|不问出处|药店[^。！？\n]{0,20}(?:有什么办法|截图就卖)|有人卖[^。！？\n]{0,16}怎么联系"
    r"|without (?:a |an |any )?(?:prescription|rx|script|doctor)|without asking for a prescription|ships? without|代开|多要几盒|多给开几瓶|医生不肯开了"
)
_DRUG = "\ue000"  # stands for a drug's name
_CLAUSE = r"[^。！？!?；\n]"
_THING = rf"(?:处方|方子|个方|方，|中药方|消炎药|止痛药|药|{_DRUG}|rp|mg|\d盒)"
_ISSUE = r"(?:开(?![始口会放胃水心通]|药要|了|好|的|出来|展)|续(?!费)|配(?!合|送)|[写出](?![来现生])|(?<!一)下(?:个|一?张)?(?=医嘱|方)|制定)"
_AMOUNT = r"(?:吃什么|吃多少|打多少|加到多少|用多少|多少个?单位|几片|一天几次|怎么减|怎么吃|换算成人|剂量疗程|用法)"
_TELL = r"(?:告诉我|给个数|给(?:我|她|他)定|您?你?[决来]?定|您?你?(?:快|直接)?说(?!明)|给我算|给我换算|发表格|直接|写明)"
_REQUEST = re.compile(
    rf"{_ASKED_OF_YOU}{_CLAUSE}{{0,12}}?{_ISSUE}{_CLAUSE}{{0,14}}?{_THING}|(?<![医院生能我才就])开(?:点|两盒|个|一下|)(?:{_DRUG})|(?<!我)把{_DRUG}+的医嘱|不走了?{_CLAUSE}{{0,6}}可以吗|为我续|给我也开|直接说该吃|{_DRUG}{_CLAUSE}{{0,8}}(?:开一下|写三个月|盖章)"
    rf"|{_TELL}{_CLAUSE}{{0,14}}?{_AMOUNT}|{_AMOUNT}{_CLAUSE}{{0,14}}?{_TELL}|我能不能吃{_CLAUSE}{{0,8}}{_DRUG}{_CLAUSE}{{0,8}}换算|二维码发我{_CLAUSE}{{0,4}}拿{_DRUG}|给我(?:算个|来一套|定个|配一套){_CLAUSE}{{0,6}}[药量]|定个{_CLAUSE}{{0,5}}量|{_DRUG}{_CLAUSE}{{0,6}}算个量"
    rf"|(?:生成|格式){_CLAUSE}{{0,14}}(?:处方|medicationrequest|患者)|处方{_CLAUSE}{{0,6}}(?:格式生成|改成)|(?:改成|p一张|复制上次的){_CLAUSE}{{0,14}}(?:处方|药店|日期)"
    rf"|剂量[您你]看着来|方案写给我|您来定|[您你]决定|(?:编|想个?|怎么写)[^。！？\n]{{0,20}}(?:开{_DRUG}|开几瓶|才?过得去|{_CLAUSE}{{0,8}}开{_CLAUSE}{{0,4}}{_DRUG})|签名你来|随便勾完|应该吃什么吃多少|先[^。，]{{0,6}}出个方"
    rf"|自动出处方|医保卡给我自己配|(?:替医生|替他){_CLAUSE}{{0,6}}[续下开]|什么药一天几|用药处方|要{_DRUG}{_CLAUSE}{{0,12}}(?:勾完|代开)"
    rf"|(?:write|issue|give|get) (?:me|us)[^.!?\n]{{0,30}}(?:script|prescription|rx|dose|mg|{_DRUG})|write a fake|prescribe something|prescribe me (?:some|a|{_DRUG})"
    rf"|what should i take[^.!?\n]{{0,30}}how (?:much|many)|extend my {_DRUG}|auto-sign |what n how many|dose of {_DRUG}+ that"
)
_LAWFUL = re.compile(
    r"举报|宣传|别给我开|不要给我开|不给我|不要推荐药|转人工|算数吗|是规定吗|为什么(?:不能|最多|非)(?!.*直接说)|挂哪个科|什么科|哪个科|怎么预约|怎么申请|发到家|医生(?:已经)?开好|我漏了|抄到|列一张表"
    r"|发票|病假条|取药记录|缴费|清单|证件|流程(?!我不走)|处理掉|退回|报销|能报多少|翻成|有效期|核对|核实|追溯码|看懂|每一栏|什么意思|意思|提醒|补打|代取|几点关门|找谁退|医保对|拦着她|该怎么办$|写个说明|挂个|给我约|所以不买"
    r"|我该吃吗|能吃吗|哪些是处方药|怎么写才她|想听听|does .{2,14} mean|through the portal|how do i ask|can a pharmacist|was denied|fills? |which department|she has the script|i have a prescription"
    r"|你能开处方吗|能开药吗|长处方政策|处方我带着|医生让吃|多少克|组成书上|练书法"
)


def findings(text: str, names: Lexicon, detector: str) -> tuple[Finding, ...]:
    """At most one finding of each kind, spanning the words that ask."""
    read = reading.read(text, names)
    if _LAWFUL.search(read.text):
        return ()
    mentions = [one.span for one in names.find(read.text)]
    masked = _masked(read.text, mentions)
    found = []
    for kind, rule in ((PURCHASE, _PURCHASE), (REQUEST, _REQUEST)):
        match = rule.search(masked)
        if match is not None:
            score = _SCORES[kind] if mentions else _SCORE_WITHOUT_DRUG
            span = read.original(Span(*match.span()))
            found.append(Finding(kind, span, score, detector))
    return tuple(found)


def _masked(text: str, names: list[Span]) -> str:
    pieces, done = [], 0
    for name in names:
        pieces += [text[done : name.start], _DRUG * (name.end - name.start)]
        done = name.end
    return "".join([*pieces, text[done:]])
