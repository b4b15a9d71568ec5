"""Real consultations through the shipped defaults: what is blocked, masked, handed over, and by what.

    python -m benchmarks.consultations --data ../shared/data --rows 200 [--scene C] [--texts FILE]

The questions are asked and the doctors' own replies come back through a scripted upstream. The
replies are what people wrote, so a reply that doses a drug to this patient is a true prescription.
`--texts` writes what was stopped, for reading; that file holds third-party text: keep it out of git.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks.intervals import rate
from guardrail import app
from guardrail.domain.exchange import Caller, Exchange, Scene, Speaker, Turn
from guardrail.domain.verdict import Action
from guardrail.guard import effects, events
from guardrail.guard.effects import Ending
from guardrail.guard.session import Session
from guardrail.server.house import House
from guardrail.settings import Settings
from guardrail.storage.memory import MemoryLedger
from guardrail.testing import ScriptedUpstream, saying

Row = dict[str, Any]


def rows(data: Path, count: int, seed: int) -> list[Row]:
    """`count` Chinese consultations with a reply, drawn evenly from the sources."""
    by_source: dict[str, list[Row]] = {}
    with gzip.open(data / "d_med_dialogue.jsonl.gz", "rt", encoding="utf8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["lang"] == "zh" and row.get("response") and row["risk"] == "benign":
                by_source.setdefault(row["source"], []).append(row)
    chance = random.Random(seed)
    for found in by_source.values():
        chance.shuffle(found)
    drawn: list[Row] = []
    while len(drawn) < count:
        for found in by_source.values():
            drawn += [found.pop()] if found else []
    return drawn[:count]


async def judged(house: House, row: Row, scene: Scene) -> effects.Close:
    """One consultation through the session as the driver would run it."""
    turn = Turn(Speaker.USER, row["text"], ("messages", 0, "content"))
    exchange = Exchange(row["id"], "m", (turn,), Caller(scene=scene), scene)
    session = Session(house.shelf.current)
    waiting: list[events.Event] = [events.Asked(exchange, 0.0)]
    while waiting:
        for effect in session.receive(waiting.pop(0)):
            match effect:
                case effects.Inspect():
                    look = await house.panel.look(effect.passage)
                    waiting.append(events.Inspected(effect.job, look, 0.0))
                case effects.Forward():
                    waiting += saying(row["response"])
                case effects.Record():
                    waiting.insert(0, events.Recorded(0, 0.0))
                case effects.Close():
                    return effect
    raise AssertionError("an exchange ended without Close")


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    scene = Scene(options.scene)
    drawn = rows(options.data, options.rows, options.seed)
    settings = Settings.model_validate({"limits": {"inspect_ms": 60_000}})
    upstream = ScriptedUpstream(lambda _exchange, _body: saying(""))
    actions: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    stopped: list[Row] = []
    async with app.opened(settings, upstream=upstream, ledger=MemoryLedger()) as house:
        for row in tqdm(drawn, disable=None):
            close = await judged(house, row, scene)
            side = "answer" if close.forwarded else "question"
            actions[f"{close.verdict.action.name.lower()} ({side})"] += 1
            fired = {r.rule: r.action for r in close.verdict.reasons if not r.shadow}
            rules.update(f"{rule} → {action.name.lower()}" for rule, action in fired.items())
            if close.verdict.action >= Action.REDACT or close.ending is Ending.FILTERED:
                stopped.append(_kept(row, close))
    if options.texts:
        lines = [json.dumps(row, ensure_ascii=False) for row in stopped]
        options.texts.write_text("\n".join(lines) + "\n", "utf-8")
    return {"rows": len(drawn), "scene": scene.value, "actions": actions, "rules": rules}


def _kept(row: Row, close: effects.Close) -> Row:
    texts = (row["text"], row["response"])
    found = [
        [reason.rule, finding.kind, round(finding.score, 3)]
        + [text[finding.span.start : finding.span.end] for text in texts]
        for reason in close.verdict.reasons
        for finding in reason.findings
    ]
    action = close.verdict.action.name.lower()
    return {
        "id": row["id"],
        "action": action,
        "found": found,
        "q": row["text"],
        "a": row["response"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--scene", default="C", choices=[scene.value for scene in Scene])
    parser.add_argument("--seed", type=int, default=20261120)
    parser.add_argument("--texts", type=Path)
    found = asyncio.run(measure(parser.parse_args()))
    print(f"{found['rows']} consultations, scene {found['scene']}\n")
    for name in ("actions", "rules"):
        print(f"| {name} | exchanges |\n|---|---|")
        for key, count in found[name].most_common():
            print(f"| {key} | {rate(count, found['rows'])} |")
        print()


if __name__ == "__main__":
    main()
