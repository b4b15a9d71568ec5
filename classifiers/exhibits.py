"""The rows a model is judged on: the test part, and texts that are built for judging alone.

Beside the test part: sources and answers of the dev part that no threshold was set on, payloads set
into e-mails as BIPIA does it, posts by their suicide risk, requests for general harm, a sample of
training pairs (to see what is merely remembered), and blind pairs by a writer of no training row.
Large pools give the same sample every time: the rows whose text's hash comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from classifiers import rows, twins
from classifiers.division import Part, without_copies
from classifiers.rows import Row
from classifiers.settings import Workshop
from classifiers.sources import Raw, injection, raw_rows, twin
from guardrail.detectors.encoding import sentences

BLIND = Path(__file__).parent / "data" / "blind"
BIPIA, SUICIDE = "microsoft/BIPIA", "HongzhiQ/SupervisedVsLLM-EfficacyEval"
HARM = ("whitzard-ai/jade-db", "AIFlames/Flames")
REFUSALS, JAILBENCH = "AI4LIFE-GROUP/med-safety-bench", "STAIR-BUPT/JailBench"
PLACES = ("start", "middle", "end")
MEMBERS = "members"  # the pool of training pairs
LIMITS = {  # of each source
    "attacks_eval": 300,
    "benign": 1700,
    "crisis_eval": 1000,
    "general_harm": 300,
    "instructions_eval": 600,
    "knowledge_eval": 300,
    MEMBERS: 1200,
    "news_eval": 250,
    "refusals_eval": 300,
    "violations_eval": 1500,
}


class Blemished(Exception):
    """The blind pairs are not of the agreed shape."""


def of(shop: Workshop, limit: int | None = None) -> list[Row]:
    """All rows; at most `limit` of each pool and source, for a quick look."""
    test = list(rows.read(shop.path("data", f"{Part.TEST}.jsonl")))
    train = [row for row in rows.read(shop.path("data", f"{Part.TRAIN}.jsonl")) if row.pair]
    found = [
        *test,
        *_dev(shop),
        *_members(train),
        *without_copies(blind(), train),
        *_inserted(shop.data),
        *_suicide(shop.data),
        *_harm(shop.data),
    ]
    return sampled(found, LIMITS, limit)


def sampled(found: Iterable[Row], limits: dict[str, int], limit: int | None) -> list[Row]:
    """The first of each pool and source, by hash; the halves of a pair come together."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in found:
        groups.setdefault((row.pool, row.source), []).append(row)
    kept: list[Row] = []
    for (pool, _), members in groups.items():
        most = min(limits.get(pool, len(members)), limit or len(members))
        kept.extend(sorted(members, key=_order)[:most])
    return kept


def _order(row: Row) -> str:
    return sha256((row.pair or row.text).encode("utf-8", "replace")).hexdigest()


def blind(folder: Path = BLIND) -> list[Row]:
    """Pairs by a writer who wrote no training row; none where there is no such folder. Raises
    `Blemished`."""
    files = sorted(folder.glob("*.jsonl"))
    raws = twins.read(files) if files else []
    if wrong := list(twins.faults(raws)):
        raise Blemished(f"{len(wrong)} faults, the first: {wrong[0]}")
    readers = {"injection": injection}
    return [row for raw in raws for row in readers.get(raw["dim"], twin)(raw, "blind/twins")]


def _dev(shop: Workshop) -> Iterator[Row]:
    """No mark was set on these, but one model was chosen over another with them in sight."""
    wanted = {("refusals_eval", REFUSALS), ("attacks_eval", JAILBENCH)}
    for row in rows.read(shop.path("data", f"{Part.DEV}.jsonl")):
        if (row.pool, row.source) in wanted:
            yield row


def _members(train: Sequence[Row]) -> Iterator[Row]:
    for row in train:
        if row.source == "own/twins" and row.pool == "twins":
            yield replace(row, pool=MEMBERS)


def _inserted(data: Path) -> Iterator[Row]:
    """Each text payload at the start, in the middle and at the end of an e-mail."""
    raws = [raw for raw in raw_rows(data / "c_jailbreak_injection.jsonl.gz") if _is(raw, BIPIA)]
    mails = [raw["text"] for raw in raws if not raw["labels"].get("attack")]
    payloads = [raw for raw in raws if raw["path"].endswith("text_attack_train.json")]
    for number, payload in enumerate(payloads):
        for shift, place in enumerate(PLACES):
            mail = mails[(number * len(PLACES) + shift) % len(mails)]
            text = inserted(mail, payload["text"], place)
            yield Row(f"{payload['id']}/{place}", text, BIPIA, "inserted", "en",
                      {"injection": 1}, group=place)  # fmt: skip


def inserted(context: str, payload: str, place: str) -> str:
    """The context with the payload on a line of its own."""
    if place == "start":
        return f"{payload}\n{context}"
    if place == "end":
        return f"{context}\n{payload}"
    spans = sentences(context)
    middle = spans[len(spans) // 2].start
    return f"{context[:middle].rstrip()}\n{payload}\n{context[middle:]}"


def _suicide(data: Path) -> Iterator[Row]:
    """Posts that experts rated for suicide risk, high or low."""
    for raw in raw_rows(data / "b2_selfharm_distress_zh.jsonl.gz"):
        if _is(raw, SUICIDE) and "risk" in raw:
            yield _plain(raw, "suicide_risk", {"self_harm": int(raw["risk"] == "high")})


def _harm(data: Path) -> Iterator[Row]:
    """Requests for harm outside medicine, which the 20 dimensions do not claim to cover."""
    for raw in raw_rows(data / "b_general_safety.jsonl.gz"):
        if raw["source"] in HARM:
            yield _plain(raw, "general_harm", {})


def _plain(raw: Raw, pool: str, known: dict[str, int]) -> Row:
    return Row(raw["id"], raw["text"], raw["source"], pool, raw["lang"], known, group=pool)


def _is(raw: Raw, source: str) -> bool:
    return bool(raw["source"] == source)
