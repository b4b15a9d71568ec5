"""Who prescribes to whom: whether a dose is an order to this patient or talk about medicine.

A candidate's features (what its dose says, which cues stand near it) are weighed by a logistic
model whose few weights are a reviewed data file. The decision looks `BACK` sentences back and
`AHEAD` sentences on, never further, so that it does not depend on where a text was cut.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp
from typing import cast

from guardrail import document
from guardrail.detectors.candidate import REACH, Candidate
from guardrail.detectors.cue import Cue
from guardrail.domain.exchange import Span

BACK = 4
AHEAD = REACH
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d|\s?(?:iu|mg|u|ml|μg|单位|ms|版))")
_NAMED_DOCTOR = re.compile(
    r"[赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛范彭郎鲁韦昌马苗方俞任袁柳唐罗薛雷贺倪汤滕殷毕郝邬安常乐于时傅齐康伍余元卜顾孟平黄和穆萧尹姚邵湛汪祁毛禹狄米贝明臧计戴谈宋茅庞熊纪舒屈项祝董梁杜阮蓝闵席季麻强贾路江童颜郭梅盛林刁钟徐邱骆高夏蔡田樊胡凌霍虞万支柯昝管卢莫洪邓程邢裴陆荣翁荀惠曲封储靳汲段富巫乌焦巴弓牧谷车侯宓全班仰秋仲伊宫宁仇栾甘厉戎祖武符刘景詹束龙叶幸司韶]"
    r"(?:大夫|医生|医师|主任|药师|老师|护士)|(?<![a-z])dr\.? [a-z]{2,}"
)
_PER_AREA = re.compile(r"/\s?m(?:2|²)")
_PER_KG = re.compile(r"/\s?(?:kg|公斤)")
_FORBIDDEN = re.compile(
    r"(?:别|不要|勿|不能|不可|不得|禁止?|don't|do not|never|stop|avoid)[^，。,;；:：、\n]{0,8}$"
)
_SAME_BREATH = 14  # characters before a drug's name in which a "do not" governs it
_TAKEN = re.compile(
    r"(?:喂|吃|喷|打|服|用|喝|抹|加|当)(?:了|成|过)|已经[吃用喷]|(?<![a-z])(?:took|you've had|you had)(?![a-z])"
)
_PAST_SPAN = re.compile(
    r"[，,；;。]\s?(?:共|有|已)?(?:\d{1,2}|[一二两三四五六七八九十半]{1,3})个?(?:年|多年|月了|周了)(?:了|多)?\s?(?:[。；;，,]|$)|(?:吃|用|服|打)了?(?:半|\d|[一二两三四五六七八九十]{1,2})个?(?:年|多月|多年)"
)
_MARKS = {
    "near.year": _YEAR,
    "near.named_doctor": _NAMED_DOCTOR,
    "taken": _TAKEN,
    "past_span": _PAST_SPAN,
}
# Families that tell whose words a dose is in, when not the speaker's own; and families by which the
# speaker makes it an order all the same.
FRAMES = frozenset(
    [
        "leaflet",
        "guideline",
        "exam",
        "research",
        "vet",
        "history",
        "echo",
        "transcribe",
        "read_only",
        "outcome",
    ]
)
OVERRIDES = frozenset(["obey", "machine", "unless_doctor", "hypothetical", "owner", "onset"])
SIDED = frozenset(
    [
        "you",
        "advise",
        "act",
        "change",
        "start",
        "order",
        "danger",
        "forbid",
        "limit",
        "refuse",
        "history",
        "transcribe",
        "echo",
        "leaflet",
        "exam",
        "vet",
        "obey",
        "written",
        "explain",
        "onset",
        "doctor_word",
        "research",
        "guideline",
    ]
)
CLOSE = 6  # characters between a word and the drug it governs
_KINDS = {"g": "western", "e": "western", "b": "western", "t": "tcm", "h": "herb", "m": "formula",
          "s": "supplement", "c": "class", "w": "word", "?": "nameless", "f": "food_herb"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scene:
    """The text around candidates: sentences and the cues in each."""

    text: str
    sentences: tuple[Span, ...]
    cues: tuple[tuple[Cue, ...], ...]


def features(candidate: Candidate, scene: Scene) -> dict[str, float]:
    """Names of features that hold, each with its value (1, or a count that is capped)."""
    found = {"drug." + _KINDS[candidate.drug.kind]: 1.0, "bias": 1.0}
    names = {part.name for part in candidate.parts}
    found.update({"part." + name: 1.0 for name in names})
    amount, often = names & {"dose", "count", "bare"}, names & {"frequency", "timing", "occasion"}
    if amount and often:
        found["amount_and_often"] = 1.0
    if not (amount or often or names & {"duration", "course", "route"}):
        found["no_part"] = 1.0
    if amount and not often and not names & {"duration", "course"}:
        found["amount_only"] = 1.0
    if often and not amount:
        found["often_only"] = 1.0
    if candidate.drug.controlled:
        found["controlled"] = 1.0
    dosed = scene.text[candidate.span.start : candidate.span.end]
    if _PER_AREA.search(dosed):
        found["per_area"] = 1.0
    if _PER_KG.search(dosed):
        found["per_kg"] = 1.0
    found.update(_cue_features(candidate, scene))
    return found


def _cue_features(candidate: Candidate, scene: Scene) -> dict[str, float]:
    home = candidate.home
    near = {family for cue in scene.cues[home] for family in cue.families}
    wide = {
        family
        for index in range(max(0, home - BACK), min(len(scene.cues), home + AHEAD + 1))
        if index != home
        for cue in scene.cues[index]
        for family in cue.families
    }
    found = {"near." + family: 1.0 for family in near}
    found.update({"wide." + family: 1.0 for family in wide - near})
    found.update(_sided(candidate, scene.cues[home]))
    found.update(_shape(candidate, scene))
    frame, override = (near | wide) & FRAMES, (near | wide) & OVERRIDES
    if "danger" in near | wide:
        for mark in ("asked", "taken", "forbidden"):
            if mark in found:
                found["danger_" + mark] = 1.0
        found["danger_only" if not (near | wide) & OVERRIDES else "danger_overridden"] = 1.0
    if near & FRAMES and not near & OVERRIDES:
        found["frame_near"] = 1.0
    if frame:
        found["frame_overridden" if override else "frame_alone"] = 1.0
    return found


def _sided(candidate: Candidate, cues: tuple[Cue, ...]) -> dict[str, float]:
    """Cues before, inside and after the candidate in its own sentence."""
    span = candidate.name or candidate.span
    found = {}
    for cue in cues:
        side = "before." if cue.span.end <= span.start else "after."
        for family in cue.families & SIDED:
            found[side + family] = 1.0
            if side == "before." and span.start - cue.span.end <= CLOSE:
                found["close." + family] = 1.0
    return found


def _shape(candidate: Candidate, scene: Scene) -> dict[str, float]:
    sentence = scene.sentences[candidate.home]
    place = scene.text, sentence.start, sentence.end
    found = {name: 1.0 for name, mark in _MARKS.items() if mark.search(*place)}
    start = scene.sentences[max(0, candidate.home - BACK)].start
    end = scene.sentences[min(len(scene.sentences) - 1, candidate.home + AHEAD)].end
    if "near.named_doctor" not in found and _NAMED_DOCTOR.search(scene.text, start, end):
        found["wide.named_doctor"] = 1.0
    name = (candidate.name or candidate.span).start
    if _FORBIDDEN.search(scene.text[max(sentence.start, name - _SAME_BREATH) : name]):
        found["forbidden"] = 1.0
    if scene.text[sentence.end - 1] in "?？":
        found["asked"] = 1.0
    if scene.text.startswith(("{", "[", "|"), sentence.start):
        found["structured"] = 1.0
    return found


@cache
def weights() -> dict[str, float]:
    """The shipped weights, read once."""
    text = (
        files("guardrail.detectors").joinpath("data/prescription_weights.yaml").read_text("utf-8")
    )
    return cast(dict[str, float], document.read(text, "prescription_weights.yaml").data)


def score(candidate: Candidate, scene: Scene, table: Mapping[str, float]) -> float:
    """Probability that the candidate is an order to this patient."""
    total = sum(table.get(name, 0.0) * value for name, value in features(candidate, scene).items())
    return 1.0 / (1.0 + exp(-total))
