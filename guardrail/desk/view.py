"""A case and its file as a template shows them: every label in words, every text in segments. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from guardrail.desk.figures import MOST, Figure, figures
from guardrail.desk.highlight import Mark, Segment, segments
from guardrail.desk.words import Words
from guardrail.domain.case import DECIDED, CaseState, HandoverCase
from guardrail.domain.verdict import Tier

DIGEST_CHARS = 12
UNDECIDED = frozenset({CaseState.OPEN, CaseState.CLAIMED})


@dataclass(frozen=True, slots=True)
class Found:
    """One finding in words. `place` is where it stands, `shown` whether that text is on the page."""

    number: int
    label: str
    score: str
    detector: str
    place: str
    style: str  # pattern or score: the two ways a text is marked
    shown: bool

    @property
    def told(self) -> str:
        return f"{self.label} · {self.score} · {self.detector}"


@dataclass(frozen=True, slots=True)
class Text:
    """One text of the conversation or of the answer."""

    title: str
    speaker: str
    segments: Sequence[Segment]


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule that fired."""

    label: str
    rule: str
    action: str
    severity: str
    shadow: bool
    kinds: Sequence[str]
    gaps: Sequence[str]
    references: Sequence[str]


@dataclass(frozen=True, slots=True)
class StepLine:
    """One line of the history."""

    at: str
    what: str
    who: str


@dataclass(frozen=True, slots=True)
class Row:
    """One case in the queue."""

    id: str
    state: CaseState
    tier: str
    scene: str
    confidence: str
    rules: Sequence[str]
    since: str
    waited: str
    by: str
    mine: bool


@dataclass(frozen=True, slots=True)
class CaseView:
    """All of a case's page but the form's own state."""

    id: str
    state: CaseState
    tier: str
    scene: str
    opened: str
    waited: str
    claimed_by: str
    mine: bool
    turns: Sequence[Text]
    answer: Sequence[Text]
    left: str  # what the caller was given where that is not the answer itself
    findings: Mapping[int, Found]
    rules: Sequence[RuleLine]
    facts: Sequence[tuple[str, str]]
    notes: Sequence[str]
    history: Sequence[StepLine]
    figures: Sequence[Figure]
    content: str  # the model's own answer, which an amendment starts from
    standing: str  # the text that stands once a doctor has decided
    reason: str
    erased: bool
    silent: bool  # the model was never asked, or said nothing
    kept: bool  # nothing has left
    seen: bool  # the answer left as it is

    @property
    def decided(self) -> bool:
        return self.state in DECIDED

    @property
    def many(self) -> bool:
        """There are more figures than are listed one by one."""
        return len(self.figures) == MOST


def row(case: Mapping[str, Any], doctor: str, now: float, words: Words) -> Row:
    """A line of the queue from the case as the casebook lists it."""
    state = CaseState(case["state"])
    until = now if case["decided_at"] is None else float(case["decided_at"])
    return Row(
        id=str(case["id"]),
        state=state,
        tier=str(case["tier"] or ""),
        scene=str(case["scene"]),
        confidence=_sureness(case["confidence"], words),
        rules=_named(case["rules"], words),
        since=clock(float(case["opened_at"]))[5:],  # the year goes without saying
        waited=words.duration(until - float(case["opened_at"])),
        by=str(case["decided_by"] or case["claimed_by"]),
        mine=bool(doctor) and case["claimed_by"] == doctor,
    )


def case_view(
    case: HandoverCase, file: Mapping[str, Any], doctor: str, now: float, words: Words
) -> CaseView:
    """The page of one case; `now` is Unix seconds."""
    texts = _texts(file, words)
    found = _findings(file, {at for at, *_ in texts}, words)
    shown = [(at, _marked(title, who, text, at, found)) for at, title, who, text in texts]
    content = content_of(file)
    until = now if case.decided_at is None else case.decided_at
    return CaseView(
        id=case.id,
        state=case.state,
        tier=case.tier.name.lower() if case.tier else "",
        scene=case.scene,
        opened=clock(case.opened_at),
        waited=words.duration(until - case.opened_at),
        claimed_by=case.claimed_by,
        mine=case.state is CaseState.CLAIMED and case.claimed_by == doctor,
        turns=[text for at, text in shown if at.startswith("turn:")],
        answer=[text for at, text in shown if "/" in at],
        left=_left(file),
        findings={finding.number: finding for _, _, finding in found},
        rules=[_rule(rule, words) for rule in file["decided"].get("rules", [])],
        facts=_facts(case, file, words),
        notes=[words.known("note", note) for note in file["decided"].get("notes", [])],
        history=_history(case, file, words),
        figures=figures(content) if case.tier is Tier.CONFIRM else (),
        content=content,
        standing=_standing(case, file, content),
        reason=str(file["review"].get("reason", "")),
        erased=bool(file["asked"].get("turns")) and not file["turns"],
        silent=not any(row["text"] for row in file["withheld"]),
        kept=not any(row["text"] for row in file["left"]),
        seen=_texts_of(file["left"]) == _texts_of(file["withheld"]),
    )


def content_of(file: Mapping[str, Any]) -> str:
    """The model's answer as one text: what stands when a doctor confirms it."""
    return "\n\n".join(
        str(row["text"]) for row in file["withheld"] if row["strand"] == "content" and row["text"]
    )


def clock(at: float) -> str:
    """Unix seconds as the server's local time."""
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def clock_s(at: float) -> str:
    """The time of day alone, to the second."""
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%H:%M:%S")


def percent(value: float) -> str:
    """A share in percent, never rounded up: 94.99 % must not read as 95 %."""
    return f"{math.floor(value * 1000 + 1e-9) / 10:.1f} %"


def _texts(file: Mapping[str, Any], words: Words) -> list[tuple[str, str, str, str]]:
    """Place, title, speaker and text of everything that can be shown, in order."""
    texts = [
        (f"turn:{n}", words.known("speaker", turn["speaker"]), str(turn["speaker"]), turn["text"])
        for n, turn in enumerate(file["turns"])
    ]
    several = len({said["choice"] for said in file["withheld"]}) > 1
    for said in file["withheld"]:
        if said["text"]:
            at = f"{said['choice']}/{said['strand']}/{said['index']}"
            texts.append((at, _strand(said, several, words), str(said["strand"]), said["text"]))
    return texts


def _left(file: Mapping[str, Any]) -> str:
    """What left for the caller, where it is not simply the answer (three alternatives, a part)."""
    left = _texts_of(file["left"])
    return "" if left == _texts_of(file["withheld"]) else "\n\n".join(left)


def _texts_of(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return [str(row["text"]) for row in rows if row["text"]]


def _strand(said: Mapping[str, Any], several: bool, words: Words) -> str:  # noqa: FBT001
    parts = [words.known("strand", said["strand"])]
    if said.get("name"):
        parts.append(str(said["name"]))
    if several:
        parts.append(words("case.choice", n=int(said["choice"]) + 1))
    return " · ".join(parts)


def _findings(
    file: Mapping[str, Any], places: set[str], words: Words
) -> list[tuple[str, Mark, Found]]:
    found = [row for inspected in file["inspected"] for row in inspected["findings"]]
    return [
        (str(row["at"]), Mark(n, int(row["start"]), int(row["end"])), _found(n, row, places, words))
        for n, row in enumerate(found, 1)
    ]


def _found(number: int, row: Mapping[str, Any], places: set[str], words: Words) -> Found:
    return Found(
        number=number,
        label=words.label(str(row["kind"])),
        score=f"{float(row['score']):.2f}",
        detector=words.known("detector", row["detector"]),
        place=_place(str(row["at"]), words),
        style="score" if row["dimension"] else "pattern",
        shown=row["at"] in places and int(row["start"]) < int(row["end"]),
    )


def _place(at: str, words: Words) -> str:
    kind, _, n = at.partition(":")
    if kind == "turn" and n.isdecimal():
        return words("place.turn", n=int(n) + 1)
    return words("place.alternatives" if at == "alternatives" else "place.answer")


def _marked(
    title: str, speaker: str, text: str, at: str, found: Iterable[tuple[str, Mark, Found]]
) -> Text:
    return Text(title, speaker, segments(text, [mark for where, mark, _ in found if where == at]))


def _rule(rule: Mapping[str, Any], words: Words) -> RuleLine:
    return RuleLine(
        label=words.label(str(rule["rule"])),
        rule=str(rule["rule"]),
        action=words.known("action", rule["action"]),
        severity=words.known("severity", rule["severity"]),
        shadow=bool(rule["shadow"]),
        kinds=[words.label(kind) for kind in rule["kinds"]],
        gaps=[words.known("detector", name) for name in rule.get("gaps", [])],
        references=list(rule["references"]),
    )


def _facts(case: HandoverCase, file: Mapping[str, Any], words: Words) -> list[tuple[str, str]]:
    """The verdict as pairs of heading and value."""
    decided, asked, released = file["decided"], file["asked"], file["released"]
    sent = int(released.get("chars", 0))
    return [
        (words("fact.action"), words.known("action", decided.get("action", ""))),
        (words("fact.confidence"), _confidence(decided, words)),
        (words("fact.scene"), words.known("scene", case.scene)),
        (words("fact.audience"), words.known("audience", asked.get("audience", ""))),
        (words("fact.model"), str(asked.get("model", ""))),
        (words("fact.sent"), words("sent.chars", n=sent) if sent else words("sent.nothing")),
        (words("fact.policy"), str(decided.get("policy", ""))[:DIGEST_CHARS]),
    ]


def _confidence(decided: Mapping[str, Any], words: Words) -> str:
    value = decided.get("confidence")
    told = _sureness(value, words)
    if value is None:
        return told
    source = words.known("source", decided.get("confidence_source", "none"))
    return words("confidence.known", value=told, source=source)


def _sureness(value: float | None, words: Words) -> str:
    return words("confidence.unknown") if value is None else percent(value)


def _history(case: HandoverCase, file: Mapping[str, Any], words: Words) -> list[StepLine]:
    asker = str(file["asked"].get("caller", ""))
    steps = [StepLine(clock(case.opened_at), words("step.opened"), asker)]
    for step in file["reviewed"]:
        what = words.known("step", step["step"])
        steps.append(StepLine(clock(float(step["at"])), what, str(step["by"])))
    return steps


def _standing(case: HandoverCase, file: Mapping[str, Any], content: str) -> str:
    if case.state is CaseState.AMENDED:
        return str(file["review"].get("text", ""))
    return content if case.state is CaseState.CONFIRMED else ""


def _named(rules: Iterable[str], words: Words) -> list[str]:
    return list(dict.fromkeys(words.label(rule) for rule in rules))
