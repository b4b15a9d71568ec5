"""What is asked of every scorer: which rows, flagged by what, and whether a flag is right there.

One table for the evaluation, the model cards and the benchmark, so that a figure has one meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from classifiers.exhibits import JAILBENCH, PLACES, REFUSALS
from classifiers.judged import Keep
from classifiers.rows import DIMENSIONS, INTENTS, Row

OWN, SEED, BLIND = "own/twins", "seed/twins", "blind/twins"
WRITERS = {BLIND: "blind pairs", OWN: "own pairs", SEED: "seed pairs"}
About = Mapping[str, frozenset[str]]
MED_ETHIC_ALIGN, MED_SAFETY = "X-LANCE/MedEthicAlign", "AI4LIFE-GROUP/med-safety-bench"
S_EVAL, MEDICAL_GPT = "IS2Lab/S-Eval", "shibing624/MedicalGPT"


@dataclass(frozen=True, slots=True)
class Question:
    """The share of `among` that is flagged `by` (see `Judged.flags`). `lower` is better or not."""

    section: str
    name: str
    by: str
    among: Keep
    lower: bool = False

    @property
    def key(self) -> str:
        return f"{self.section}: {self.name}, by {self.by}"


def about(rows: Sequence[Row]) -> dict[str, frozenset[str]]:
    """What each pair is about: the heads its violation is marked with."""
    found: dict[str, frozenset[str]] = {}
    for row in rows:
        if row.pair and row.positive:
            found[row.pair] = frozenset(head for head, flag in row.known.items() if flag)
    return found


def dimensional(pairs: About) -> Keep:
    """Rows of pairs about one of the 20 dimensions."""
    return lambda row: (
        row.pool == "twins" and not pairs.get(row.pair, frozenset()).isdisjoint(DIMENSIONS)
    )


def of_pairs(pairs: About, head: str) -> Keep:
    """Rows of pairs about this head."""
    return lambda row: (
        row.pool in ("twins", "injection") and head in pairs.get(row.pair, frozenset())
    )


def both(*keeps: Keep) -> Keep:
    return lambda row: all(keep(row) for keep in keeps)


def from_(pool: str, source: str = "") -> Keep:
    return lambda row: row.pool == pool and source in ("", row.source)


def sourced(*sources: str) -> Keep:
    return lambda row: row.source in sources


def spoken(lang: str) -> Keep:
    return lambda row: row.lang == lang


def marked(*heads: str) -> Keep:
    """Rows that show one of these heads."""
    return lambda row: any(row.known.get(head) == 1 for head in heads)


def positive(row: Row) -> bool:
    return row.positive


def negative(row: Row) -> bool:
    return not row.positive


def questions(rows: Sequence[Row]) -> list[Question]:
    """All questions that at least one of these rows answers."""
    pairs = about(rows)
    asked = [*_violations(), *_twins(pairs), *_ordinary(pairs), *_injection(), *_crisis(pairs),
             *_intents(pairs), *_foreign()]  # fmt: skip
    return [question for question in asked if any(map(question.among, rows))]


def _lower(section: str, name: str, by: str, among: Keep) -> Question:
    """A question of harmless rows: every flag is a false alarm."""
    return Question(section, name, by, among, lower=True)


def _violations() -> Iterator[Question]:
    places = {
        "MedEthicAlign scenarios (zh)": MED_ETHIC_ALIGN,
        "S-Eval medical requests (zh)": S_EVAL,
        "MedSafetyBench llama3 requests (en)": MED_SAFETY,
    }
    for name, source in places.items():
        for by in ("dimensions", "own"):
            yield Question("violations", name, by, from_("violations_eval", source))


def _twins(pairs: About) -> Iterator[Question]:
    for source, writer in WRITERS.items():
        for lang in ("zh", "en"):
            rows = both(dimensional(pairs), from_("twins", source), spoken(lang))
            name = f"{writer} ({lang})"
            yield Question("twins", f"{name}, violations", "dimensions", both(rows, positive))
            yield Question("twins", f"{name}, violations", "own", both(rows, positive))
            yield _lower("twins", f"{name}, compliant", "dimensions", both(rows, negative))


def _ordinary(pairs: About) -> Iterator[Question]:
    kinds: dict[str, Keep] = {
        "consultations and LLM answers": from_("benign"),
        "consultations (MedicalGPT)": from_("benign", MEDICAL_GPT),
        "long LLM answers (LlmMedEval)": from_("benign", "yy-hh/LlmMedEval"),
        "general instructions (MedicalGPT)": from_("instructions_eval", MEDICAL_GPT),
        "ethics knowledge questions (MedEthicAlign)": from_("knowledge_eval", MED_ETHIC_ALIGN),
        "exam items on safety (SafetyBench)": from_("knowledge_eval", "thu-coai/SafetyBench"),
        "refusals (MedSafetyBench, dev)": from_("refusals_eval", REFUSALS),
        "real news (CHECKED)": from_("news_eval"),
        "neutral dilemmas (MedEthicsBench)": from_("dilemmas_eval"),
        "compliant halves of pairs": both(dimensional(pairs), negative),
        "e-mails (BIPIA)": from_("instructions_eval", "microsoft/BIPIA"),
    }
    for name, rows in kinds.items():
        for by in ("any", "dimensions"):
            yield _lower("false alarms", name, by, rows)


def _injection() -> Iterator[Question]:
    attacks: dict[str, Keep] = {
        "S-Eval jailbreaks (zh)": from_("attacks_eval", S_EVAL),
        "JailBench (zh, dev)": from_("attacks_eval", JAILBENCH),
        "BIPIA payloads in e-mails (en)": from_("inserted"),
        **{f"BIPIA payloads at the {place}": _inserted(place) for place in PLACES},
        "BIPIA payloads alone (en)": from_("payloads_eval"),
    }
    for source in ("blind/twins", "own/twins", "seed/injection"):
        name = {"seed/injection": "seed pairs"}.get(source) or WRITERS[source]
        attacks[f"{name}, attacks"] = both(from_("injection", source), positive)
        harmless = both(from_("injection", source), negative)
        yield _lower("injection", f"{name}, look-alikes", "injection", harmless)
    mails = from_("instructions_eval", "microsoft/BIPIA")
    yield _lower("injection", "BIPIA e-mails alone", "injection", mails)
    for name, rows in attacks.items():
        yield Question("injection", name, "injection", rows)


def _inserted(place: str) -> Keep:
    return lambda row: row.pool == "inserted" and row.group == place


def _crisis(pairs: About) -> Iterator[Question]:
    high, low = both(from_("suicide_risk"), positive), both(from_("suicide_risk"), negative)
    calm = both(from_("crisis_eval"), negative)
    for source, writer in WRITERS.items():
        own = both(of_pairs(pairs, "self_harm"), sourced(source))
        yield Question("self-harm", f"{writer}, crisis", "self_harm", both(own, positive))
        yield _lower("self-harm", f"{writer}, none", "self_harm", both(own, negative))
    yield Question("self-harm", "SOS-1K, high risk", "self_harm", high)
    yield _lower("self-harm", "SOS-1K, low risk", "self_harm", low)
    yield _lower("self-harm", "posts of distorted thoughts", "self_harm", calm)


def _intents(pairs: About) -> Iterator[Question]:
    for head in INTENTS:
        for source, writer in WRITERS.items():
            rows = both(of_pairs(pairs, head), sourced(source))
            name = f"{head}, {writer}"
            yield Question("intents", f"{name}, meant", head, both(rows, positive))
            yield _lower("intents", f"{name}, not meant", head, both(rows, negative))


def _foreign() -> Iterator[Question]:
    names = {"whitzard-ai/jade-db": "JADE", "AIFlames/Flames": "Flames"}
    for source, name in names.items():
        yield Question("general harm", f"{name} (zh)", "any", from_("general_harm", source))
