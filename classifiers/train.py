"""Step `train`: fine-tune encoder and heads; resumable after every epoch; CPU or GPU alike."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim.lr_scheduler import LambdaLR, LRScheduler
from tqdm import tqdm

from classifiers import rows
from classifiers.division import Part
from classifiers.epoch import Cutter, Example, batches, draw, units
from classifiers.network import Network, padded
from classifiers.rows import DIMENSIONS, HEADS, Row
from classifiers.settings import Workshop
from guardrail.detectors.encoding import Encoder, sentences

WARMUP = 0.08
MARGIN = 1.0
LONGEST_PREFIX = 120  # characters


def run(shop: Workshop) -> None:
    """Writes train/model.pt and train/log.jsonl."""
    Training(shop).run()


class Training:
    def __init__(self, shop: Workshop) -> None:
        self.shop, self.config = shop, shop.config
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(self.config.seed)
        self.encoder = Encoder(shop.path("base", "tokenizer.json"), self.config.shape)
        self.network = Network(shop.path("base", "x").parent).to(self.device)
        self.pools = units(list(rows.read(shop.path("data", f"{Part.TRAIN}.jsonl"))))
        self.cutter = Cutter(self.encoder, self.config, _prefixes(self.pools["benign"]))
        self.hard: dict[str, list[str]] = json.loads(shop.path("data", "hard.json").read_text())
        self.optimiser = self._optimiser()
        self.state = shop.path("train", "state.pt")

    def _optimiser(self) -> torch.optim.Optimizer:
        heads = [*self.network.heads.parameters(), *self.network.judgement.parameters()]
        body = [part for part in self.network.encoder.parameters() if part.requires_grad]
        return torch.optim.AdamW(
            [
                {"params": body, "lr": self.config.learning_rate, "weight_decay": 0.01},
                {"params": heads, "lr": self.config.head_learning_rate, "weight_decay": 0.01},
            ],
            fused=True,
        )

    def run(self) -> None:
        """Train, or go on where the last save stands, and write the weights."""
        self.fit(self._resume())
        torch.save(self.network.state_dict(), self.shop.path("train", "model.pt"))

    def fit(self, start: int = -1) -> None:
        """All epochs from `start` on; negative: from the first, and none is saved."""
        saved, start = start >= 0, max(start, 0)
        plan = [self._batches(epoch) for epoch in range(self.config.epochs)]
        total = sum(map(len, plan))
        done = sum(map(len, plan[:start]))
        schedule = LambdaLR(self.optimiser, lambda at: _rate(at + done, total))
        for epoch in range(start, self.config.epochs):
            began = time.monotonic()
            losses = self._epoch(plan[epoch], epoch, schedule)
            if saved:
                self._save(epoch + 1)
                self._log(epoch, len(plan[epoch]), losses, time.monotonic() - began)

    def _batches(self, epoch: int) -> list[list[Example]]:
        chance = random.Random(f"{self.config.seed}/{epoch}")
        chosen = draw(self.pools, self.config, chance, self.hard)
        return batches(chosen, self.cutter, self.config, chance)

    def _epoch(
        self, plan: Sequence[list[Example]], epoch: int, schedule: LRScheduler
    ) -> list[float]:
        self.network.train()
        losses: list[float] = []
        bar = tqdm(plan, desc=f"epoch {epoch + 1}/{self.config.epochs}", mininterval=10)
        for batch in bar:
            with torch.autocast(self.device.type, dtype=torch.bfloat16):
                logits, judgement = self.network(
                    *padded([example.ids for example in batch], self.encoder.pad_id, self.device)
                )
            members = [example.row for example in batch]
            loss = self._loss(members, logits.float(), judgement.float())
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            self.optimiser.step()
            schedule.step()
            losses.append(loss.item())
            bar.set_postfix(loss=f"{sum(losses[-50:]) / len(losses[-50:]):.3f}", refresh=False)
        return losses

    def _loss(self, members: Sequence[Row], logits: Tensor, judgement: Tensor) -> Tensor:
        target, weight = (part.to(self.device) for part in targets(members))
        scale = torch.where(target > 0, self.config.positive_weight, 1.0) * weight
        bce = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        heads = (bce * scale).sum() / len(members)
        verdict, known = (part.to(self.device) for part in judgements(members))
        overall = functional.binary_cross_entropy_with_logits(judgement, verdict, reduction="none")
        loss = heads + (overall * known).sum() / known.sum().clamp(min=1)
        if pairs := twins(members):
            worse = torch.stack([logits[bad, head] for bad, _, head in pairs])
            better = torch.stack([logits[good, head] for _, good, head in pairs])
            loss = loss + self.config.ranking_weight * functional.softplus(
                MARGIN - (worse - better)
            ).sum() / len(members)
        return loss

    def _save(self, done: int) -> None:
        part = {"done": done, "network": self.network.state_dict()}
        torch.save(part | {"optimiser": self.optimiser.state_dict()}, self.state)

    def _resume(self) -> int:
        if not self.state.exists():
            if self.config.start:
                self.network.load_state_dict(
                    torch.load(self.config.start, map_location=self.device)
                )
            return 0
        kept = torch.load(self.state, map_location=self.device)
        self.network.load_state_dict(kept["network"])
        self.optimiser.load_state_dict(kept["optimiser"])
        return int(kept["done"])

    def _log(self, epoch: int, steps: int, losses: list[float], seconds: float) -> None:
        mean = sum(losses) / max(1, len(losses))
        line = {"epoch": epoch + 1, "steps": steps, "loss": mean, "seconds": round(seconds, 1)}
        with self.shop.path("train", "log.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")


def _rate(step: int, total: int) -> float:
    warm = max(1, int(WARMUP * total))
    return step / warm if step < warm else max(0.0, (total - step) / max(1, total - warm))


def _prefixes(benign: Sequence[Sequence[Row]]) -> list[str]:
    """Openings of ordinary texts, of one to four sentences."""
    found = []
    for number, row in enumerate(unit[0] for unit in benign):
        spans = sentences(row.text[: 2 * LONGEST_PREFIX])
        end = spans[min(number % 4, len(spans) - 1)].end
        if 6 <= end <= LONGEST_PREFIX and end < len(row.text):
            found.append(row.text[:end])
    return found


def targets(members: Sequence[Row]) -> tuple[Tensor, Tensor]:
    """Target and weight per row and head; unknown heads weigh nothing."""
    target = [[float(row.known.get(head, 0)) for head in HEADS] for row in members]
    weight = [
        [row.doubt.get(head, 1.0) if head in row.known else 0.0 for head in HEADS]
        for row in members
    ]
    return torch.tensor(target), torch.tensor(weight)


def judgements(members: Sequence[Row]) -> tuple[Tensor, Tensor]:
    """Is any of the 20 dimensions violated, and do we know?"""
    flags = [[row.known[head] for head in DIMENSIONS if head in row.known] for row in members]
    verdict = [float(any(found)) for found in flags]
    known = [float(any(found) or len(found) == len(DIMENSIONS)) for found in flags]
    return torch.tensor(verdict), torch.tensor(known)


def twins(members: Sequence[Row]) -> list[tuple[int, int, int]]:
    """(violation, compliant twin, head) for every pair in the batch and marked head."""
    halves: dict[str, list[int]] = {}
    for number, row in enumerate(members):
        if row.pair:
            halves.setdefault(row.pair, []).append(number)
    found = []
    for numbers in halves.values():
        bad = [number for number in numbers if members[number].positive]
        good = [number for number in numbers if not members[number].positive]
        for head, flag in members[bad[0]].known.items() if bad and good else ():
            if flag:
                found.append((bad[0], good[0], HEADS.index(head)))
    return found
