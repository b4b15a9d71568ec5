"""Which sources train, which tune, which judge; and the check that they do not mix.

Public sources are divided whole, never row by row: held-back rows of a training source measure
memory, not judgement. What we wrote, seed and own corpus, is divided by `situation`, because pairs
of one situation share near-copied text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum
from hashlib import sha256

from classifiers.rows import Row, folded

SHINGLE_CHARS = 20
SHARED_LIMIT = 0.5


class Part(StrEnum):
    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


class PartsMixed(Exception):
    """A group of rows stands in two parts, or a source without a free licence is in training."""


PART_OF_SOURCE: dict[str, Part] = {
    "FudanDISC/DISC-MedLLM": Part.TRAIN,
    "Jarviswang94/Multilingual_safety_benchmark": Part.TRAIN,
    "Kent0n-Li/ChatDoctor": Part.TRAIN,
    "LawRefBook/Laws": Part.TRAIN,
    "SCIR-HI/Huatuo-Llama-Med-Chinese": Part.TRAIN,
    "SupritYoung/Zhongjing": Part.TRAIN,
    "abachaa/MedQuAD": Part.TRAIN,
    "IAAR-Shanghai/UHGEval": Part.TRAIN,
    "RUCAIBox/HaluEval": Part.TRAIN,
    "kyre-99/CMExam-Dataset": Part.TRAIN,
    "leondz/garak": Part.TRAIN,
    "openai/moderation-api-release": Part.TRAIN,
    "qiuhuachuan/smile": Part.TRAIN,
    "SCIR-HI/Med-ChatGLM": Part.DEV,
    "Toyhom/Chinese-medical-dialogue-data": Part.DEV,
    "STAIR-BUPT/JailBench": Part.DEV,
    "askerlee/MedHallu": Part.DEV,
    "AI4LIFE-GROUP/med-safety-bench": Part.TEST,
    "HongzhiQ/SupervisedVsLLM-EfficacyEval": Part.TEST,
    "IS2Lab/S-Eval": Part.TEST,
    "X-LANCE/MedEthicAlign": Part.TEST,
    "cyang03/CHECKED": Part.TEST,
    "microsoft/BIPIA": Part.TEST,
    "pariskang/MedEthicsBench": Part.TEST,
    "shibing624/MedicalGPT": Part.TEST,
    "thu-coai/SafetyBench": Part.TEST,
    "yy-hh/LlmMedEval": Part.TEST,
}
# of sources that never train, the scenes and generators by which one model is chosen over another
DEV_GROUPS: dict[str, frozenset[str]] = {
    "AI4LIFE-GROUP/med-safety-bench": frozenset({"gpt4", "llama2"}),
    "X-LANCE/MedEthicAlign": frozenset(
        {"动物实验", "安宁疗护", "数字医疗", "急危重症处置", "护患关系", "基因干细胞诊疗"}
    ),
}
FREE = "permissive"
WRITTEN = ("seed/", "own/")


def written(row: Row) -> bool:
    """Is it text of ours, divided by its group and not by its source?"""
    return row.source.startswith(WRITTEN)


def part_of(row: Row) -> Part:
    """Where a row belongs. Raises KeyError for a source that nobody has placed."""
    if not written(row):
        chooses = row.group in DEV_GROUPS.get(row.source, ())
        return Part.DEV if chooses else PART_OF_SOURCE[row.source]
    share = int(sha256(row.group.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    if share < 0.70:
        return Part.TRAIN
    return Part.DEV if share < 0.85 else Part.TEST


def check(parts: dict[Part, Sequence[Row]], licences: dict[str, set[str]]) -> None:
    """Raises `PartsMixed` where a group or a folded text is in two parts, or where a training
    source has rows that are not freely licensed. `licences`: licence classes per source."""
    where: dict[str, Part] = {}
    for part, rows in parts.items():
        for row in rows:
            for key in (_group(row), f"text {folded(row.text)}"):
                if where.setdefault(key, part) is not part:
                    raise PartsMixed(f"{row.id}: {key[:40]} is in {where[key]} and {part}")
    for source in {row.source for row in parts[Part.TRAIN]}:
        if licences.get(source, {FREE}) != {FREE}:
            raise PartsMixed(f"{source} is not freely licensed and may not train")


def _group(row: Row) -> str:
    """A situation is one whichever of our corpora tells it; a public source is one group itself."""
    return f"group {row.group}" if written(row) else f"group {row.source} {row.group}"


def without_copies(rows: Iterable[Row], judged: Iterable[Row]) -> list[Row]:
    """`rows` less those that share half of their 20-character pieces, or all of their text, with
    a row of `judged`; and less repeats among themselves."""
    seen: set[str] = set()
    pieces: set[int] = set()
    for row in judged:
        text = folded(row.text)
        seen.add(text)
        pieces.update(_shingles(text))
    kept = []
    for row in rows:
        text = folded(row.text)
        shingles = _shingles(text)
        shared = sum(piece in pieces for piece in shingles)
        if text and text not in seen and shared <= SHARED_LIMIT * max(1, len(shingles)):
            seen.add(text)
            kept.append(row)
    return kept


def _shingles(text: str) -> list[int]:
    return [hash(text[i : i + SHINGLE_CHARS]) for i in range(len(text) - SHINGLE_CHARS + 1)]


def only_whole_pairs(rows: Iterable[Row]) -> list[Row]:
    """Rows less those of a pair whose other half was lost."""
    kept = list(rows)
    halves: dict[str, int] = defaultdict(int)
    for row in kept:
        halves[row.pair] += bool(row.pair)
    return [row for row in kept if not row.pair or halves[row.pair] == 2]
