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
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import httpx
from tqdm import tqdm

from benchmarks.intervals import rate
from guardrail import app
from guardrail.domain.exchange import Exchange, Scene
from guardrail.guard import events
from guardrail.ledger.entry import Entry, Kind
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


async def asked(client: httpx.AsyncClient, number: int, row: Row) -> Row:
    """One consultation over HTTP; `seed` tells the scripted upstream which reply is due."""
    body = {
        "model": "scripted",
        "seed": number,
        "messages": [{"role": "user", "content": row["text"]}],
    }
    answer = (await client.post("/v1/chat/completions", json=body, timeout=600)).json()
    choice, said = answer["choices"][0], answer["guardrail"]
    return {**said, "blocked": choice["finish_reason"] == "content_filter"}


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    drawn = rows(options.data, options.rows, options.seed)

    def reply(_: Exchange, body: bytes) -> list[events.Event | Exception]:
        return list(saying(drawn[json.loads(body)["seed"]]["response"]))

    settings = Settings.model_validate({"limits": {"inspect_ms": 60_000}})
    actions: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    stopped: list[Row] = []
    upstream = ScriptedUpstream(reply)
    async with app.opened(settings, upstream=upstream, ledger=MemoryLedger()) as house:
        transport = httpx.ASGITransport(app.application(house))
        headers = {"X-Guardrail-Scene": options.scene}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", headers=headers
        ) as client:
            for number, row in enumerate(tqdm(drawn, disable=None)):
                before = len(upstream.bodies)
                told = await asked(client, number, row)
                side = "answer" if len(upstream.bodies) > before else "question"
                actions[f"{told['action']} ({side})"] += 1
                rules.update(f"{rule['id']} → {rule['action']}" for rule in told["rules"])
                if told["blocked"] or told["action"] == "redact":
                    trail = await house.ledger.trail(told["exchange"])
                    stopped.append(_kept(row, told, trail))
    if options.texts:
        lines = [json.dumps(row, ensure_ascii=False) for row in stopped]
        options.texts.write_text("\n".join(lines) + "\n", "utf-8")
    return {"rows": len(drawn), "scene": options.scene, "actions": actions, "rules": rules}


def _kept(row: Row, told: Row, trail: Sequence[Entry]) -> Row:
    seen = [entry.facts for entry in trail if entry.kind is Kind.INSPECTED]
    found = [
        [finding["kind"], finding["score"], text[finding["start"] : finding["end"]]]
        for facts, text in zip(seen, (row["text"], row["response"]), strict=False)
        for finding in cast(list[Row], facts["findings"])
    ]
    return {**told, "id": row["id"], "found": found, "q": row["text"], "a": row["response"]}


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
