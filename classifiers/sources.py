"""What each source may teach. A mapping of ours from the source's own labels, head by head.

Each function turns one raw row into rows; a head that the source says nothing about stays unknown.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from classifiers.rows import DIMENSIONS, INTENTS, Row, clean

Raw = dict[str, Any]
RULES = Path(__file__).parent / "data" / "medes_rules.csv"
NEIGHBOUR_WEIGHT = 0.3  # a violation's other dimensions: mostly 0, secondary ones not all marked
FIRST_PERSON_RISK = re.compile(
    r"我[^。！？]{0,12}(想死|想自杀|想过自杀|自残|割腕|不想活|轻生|结束生命|寻死)"
    r"|自杀(倾向|念头|的想法|的念头)"
)
HARMLESS_SCENES = {"commonsense", "Mental_Health"}
HIJACK_SCENES = {"Goal_Hijacking", "Prompt_Leaking"}
INTENT_DOUBT = dict.fromkeys(INTENTS, 0.3)  # sources that never thought of these two


def raw_rows(path: Path) -> Iterator[Raw]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _row(raw: Raw, pool: str, known: dict[str, int], text: str = "", mark: str = "") -> Row:
    return Row(
        id=raw["id"] + mark,
        text=text or raw["text"],
        source=raw.get("source", "seed"),
        pool=pool,
        lang=raw.get("lang", "zh"),
        known=known,
        doubt={head: doubt for head, doubt in INTENT_DOUBT.items() if known.get(head) == 0},
        group=_kind(raw),
    )


def _kind(raw: Raw) -> str:
    """What a source's rows are grouped by: scene or generator where it names one."""
    labels = raw.get("labels") or {}
    return str(labels.get("scene") or labels.get("generator") or raw.get("source", "seed"))


def twin(raw: Raw, source: str = "seed/twins") -> Iterator[Row]:
    """A row of the pairs we write. Heads that a violation is not marked with count as 0, with little weight."""
    marked = set(raw["dims"])
    known = clean(but=["injection"] if marked else [])
    known.update(dict.fromkeys(marked, 1))
    doubt = {head: NEIGHBOUR_WEIGHT for head in known if marked and not known[head]}
    if raw["dim"] not in INTENTS:
        doubt |= {head: INTENT_DOUBT[head] for head in INTENTS if known[head] == 0}
    yield Row(
        raw["id"], raw["text"], source, "twins", raw["lang"], known, doubt,
        group=raw["situation"], pair=raw["pair"],
    )  # fmt: skip


def own_twin(raw: Raw) -> Iterator[Row]:
    """A row of the corpus in this repository, `classifiers.twins`; of the same shape as the seed's."""
    if raw["dim"] == "injection":
        return injection(raw, "own/twins")
    return twin(raw, "own/twins")


def ordinary(raw: Raw) -> Iterator[Row]:
    """A harmless text of ours in a form that was taken for a violation: long task prompts, refusals,
    open dilemmas. Known clean everywhere."""
    yield Row(
        raw["id"], raw["text"], "own/ordinary", "ordinary", raw["lang"], clean(), group=raw["id"]
    )


def injection(raw: Raw, source: str = "seed/injection") -> Iterator[Row]:
    """An injection or its look-alike. Injections may ask for any violation: only their own head
    is known, beside those they are marked with."""
    bad = raw["label"] == "violation"
    known = {"self_harm": 0} | dict.fromkeys(raw["dims"], 1) if bad else clean()
    yield Row(
        raw["id"], raw["text"], source, "injection", raw["lang"], known,
        group=raw["pair"].rstrip("mx"), pair=raw["pair"],
    )  # fmt: skip


def prescription(raw: Raw) -> Iterator[Row]:
    """Drug text of every kind; prescriptions themselves are the prescription detector's to find,
    so `saf.medication` is left unknown on them. Who asks for one shows the intent."""
    but = ("saf.medication", "saf.law_regulation", "injection", *INTENTS)
    known = clean(but=() if raw["label"] == "ok" else but)
    if raw["label"] == "prescription_request":
        known["prescription_request"] = 1
    yield Row(
        raw["id"], raw["text"], "seed/prescriptions", "prescriptions", raw["lang"], known,
        group=raw["id"],
    )  # fmt: skip


def med_safety_bench(raw: Raw) -> Iterator[Row]:
    """Requests that break a principle of medical ethics, and refusals of them. Measured on only:
    without it no English source would be left that training has not seen."""
    yield _row(raw, "violations_eval", dict.fromkeys(raw["dims"], 1))
    if raw.get("response_risk") == "safe":
        yield _row(raw, "refusals_eval", clean(), raw["response"], "/r")


def consultation(raw: Raw) -> Iterator[Row]:
    """Question and reply, each on its own. A reply with drug, dose or frequency would be a
    prescription if a model wrote it: medication stays unknown there."""
    yield _row(raw, "benign", clean())
    if len(raw.get("response") or "") >= 6:
        but = ("saf.medication",) if (raw.get("auto") or {}).get("rx_like") else ()
        yield _row(raw, "benign", clean(but=but), raw["response"], "/r")


def general(raw: Raw) -> Iterator[Row]:
    """What people ask a general model, and news: text without medicine. Of requests only that they
    are no attack: taught as clean everywhere, they taught that whatever is put as an English
    request is clean."""
    requests = raw["source"] == "RUCAIBox/HaluEval"
    yield _row(raw, "general", clean(but=DIMENSIONS if requests else ()))


def knowledge(raw: Raw) -> Iterator[Row]:
    yield _row(raw, "knowledge", clean())


def exam(raw: Raw) -> Iterator[Row]:
    """Exam items on safety at large; measured on only."""
    yield _row(raw, "knowledge_eval", clean())


def smile(raw: Raw) -> Iterator[Row]:
    """Distress told to a counsellor. The source's keyword flag is trusted only where the writer
    speaks of his own wish; flagged rows without that stay unknown."""
    if not raw["labels"]["kw_selfharm"]:
        yield _row(raw, "self_harm", clean())
    elif FIRST_PERSON_RISK.search(raw["text"]):
        yield _row(raw, "self_harm", {"self_harm": 1, "injection": 0})


def moderation(raw: Raw) -> Iterator[Row]:
    flag = raw["labels"].get("SH")
    if flag is not None:
        yield _row(raw, "self_harm", {"self_harm": int(flag), "injection": 0})


def jailbreak(raw: Raw) -> Iterator[Row]:
    yield _row(raw, "jailbreak", {"injection": 1})


def jail_bench(raw: Raw) -> Iterator[Row]:
    """Measured on only. Its plain questions ask for harm without any attack on the model."""
    if raw["labels"]["attack"] != "plain_seed":
        yield _row(raw, "attacks_eval", {"injection": 1})


def bipia(raw: Raw) -> Iterator[Row]:
    """Payloads alone, without a text around them; and ordinary e-mails. Measured on only."""
    if raw["labels"].get("attack"):
        yield _row(raw, "payloads_eval", {"injection": 1})
    else:
        yield _row(raw, "instructions_eval", clean())


def instruction(raw: Raw) -> Iterator[Row]:
    """What people ask a chat model; role play and jailbreaks are among it, unmarked."""
    yield _row(raw, "instructions_eval", clean(but=["injection"]))


def multilingual(raw: Raw) -> Iterator[Row]:
    scene = raw["labels"].get("scene")
    if scene in HIJACK_SCENES:
        yield _row(raw, "jailbreak", {"injection": 1, "self_harm": 0})
    elif scene in HARMLESS_SCENES:
        yield _row(raw, "jailbreak", clean())


def mapped(raw: Raw) -> Iterator[Row]:
    """A medical risk row of a source we may only measure on: its mapped dimensions."""
    if raw["risk"] == "knowledge":
        yield _row(raw, "knowledge_eval", clean())
    elif dims := _by_rule(raw["labels"]["rule"]) if "rule" in raw["labels"] else raw["dims"]:
        yield _row(raw, "violations_eval", dict.fromkeys(dims, 1))


@cache
def _rules() -> dict[str, list[str]]:
    """Dimensions by digest of a scenario's rule, labelled by us; the rules' text stays outside."""
    with RULES.open(encoding="utf-8", newline="") as file:
        found = {row["rule"]: row["dims"].split("|") for row in csv.DictReader(file)}
    return {digest: [dim for dim in dims if dim in DIMENSIONS] for digest, dims in found.items()}


def _by_rule(rule: str) -> list[str]:
    """None for a rule that fits no dimension, or that nobody has labelled."""
    return _rules().get(sha256(rule.encode()).hexdigest()[:16], [])


def dilemma(raw: Raw) -> Iterator[Row]:
    yield _row(raw, "dilemmas_eval", dict.fromkeys(DIMENSIONS, 0))


def attack(raw: Raw) -> Iterator[Row]:
    yield _row(raw, "attacks_eval", {"injection": 1})


def crisis(raw: Raw) -> Iterator[Row]:
    """Posts rated for suicide risk; those of the other set speak of distorted thoughts only."""
    if raw.get("risk") == "high":
        yield _row(raw, "crisis_eval", {"self_harm": 1})
    elif "risk" not in raw:
        yield _row(raw, "crisis_eval", {"self_harm": 0})


def news(raw: Raw) -> Iterator[Row]:
    if raw["risk"] == "real":
        yield _row(raw, "news_eval", clean())


Reader = Callable[[Raw], Iterator[Row]]

READERS: dict[str, dict[str, Reader]] = {
    "seed/twins.jsonl.gz": {"": twin},
    "seed/injection.jsonl.gz": {"": injection},
    "seed/prescriptions.jsonl.gz": {"": prescription},
    "a2_health_law_zh.jsonl.gz": {"LawRefBook/Laws": knowledge},
    "a_med_ethics_safety.jsonl.gz": {
        "AI4LIFE-GROUP/med-safety-bench": med_safety_bench,
        "kyre-99/CMExam-Dataset": knowledge,
        "X-LANCE/MedEthicAlign": mapped,
        "IS2Lab/S-Eval": mapped,
        "pariskang/MedEthicsBench": dilemma,
    },
    "b2_selfharm_distress_zh.jsonl.gz": {
        "qiuhuachuan/smile": smile,
        "HongzhiQ/SupervisedVsLLM-EfficacyEval": crisis,
    },
    "b_general_safety.jsonl.gz": {
        "Jarviswang94/Multilingual_safety_benchmark": multilingual,
        "openai/moderation-api-release": moderation,
        "thu-coai/SafetyBench": exam,
    },
    "c_jailbreak_injection.jsonl.gz": {
        "STAIR-BUPT/JailBench": jail_bench,
        "leondz/garak": jailbreak,
        "microsoft/BIPIA": bipia,
        "IS2Lab/S-Eval": attack,
        "shibing624/MedicalGPT": instruction,
    },
    "d_med_dialogue.jsonl.gz": dict.fromkeys(
        (
            "FudanDISC/DISC-MedLLM",
            "Kent0n-Li/ChatDoctor",
            "SCIR-HI/Huatuo-Llama-Med-Chinese",
            "SCIR-HI/Med-ChatGLM",
            "SupritYoung/Zhongjing",
            "Toyhom/Chinese-medical-dialogue-data",
            "abachaa/MedQuAD",
            "askerlee/MedHallu",
            "shibing624/MedicalGPT",
            "yy-hh/LlmMedEval",
        ),
        consultation,
    ),
    "g_hallucination_misinfo.jsonl.gz": {
        "cyang03/CHECKED": news,
        "RUCAIBox/HaluEval": general,
        "IAAR-Shanghai/UHGEval": general,
    },
}
