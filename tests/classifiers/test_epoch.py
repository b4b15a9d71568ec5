from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

from classifiers.epoch import Cutter, batches, draw, units
from classifiers.rows import Row, clean
from classifiers.settings import load
from guardrail.detectors.artifact import load as load_artifact
from guardrail.detectors.artifact import shipped
from guardrail.detectors.encoding import Encoder

CONFIG = replace(
    load(Path(__file__).parents[2] / "classifiers" / "config" / "clinical-small.yaml"),
    pools={"twins": 20, "benign": 15},
    batch_rows=8,
)
ARTIFACT = load_artifact(shipped())
ENCODER = Encoder(ARTIFACT.tokenizer, ARTIFACT.shape)
PREFIX = "您好，我想咨询一下。"


def corpus() -> list[Row]:
    pairs = [
        Row(f"{n}{side}", f"第{n}例。请照办。{side}", "seed/twins", "twins", "zh",
            clean() | ({"eth.tcm": 1} if side == "v" else {}), pair=f"p{n}")
        for n in range(30)
        for side in "vk"
    ]  # fmt: skip
    return pairs + [
        Row(f"b{n}", f"头疼第{n}天。吃什么药？" * 40, "a/b", "benign", known=clean())
        for n in range(10)
    ]


def test_pairs_are_drawn_whole_and_pools_give_what_they_have() -> None:
    chosen = draw(units(corpus()), CONFIG, random.Random(1))
    assert sum(len(unit) == 2 for unit in chosen) == 10
    assert sum(len(unit) == 1 for unit in chosen) == 10


def test_a_share_of_a_pool_comes_from_its_hard_rows() -> None:
    config = replace(CONFIG, pools={"benign": 6}, hard_share=0.5)
    hard = {"benign": ["b1", "b2", "b3", "b4"]}
    names = {unit[0].id for unit in draw(units(corpus()), config, random.Random(2), hard)}
    assert len(names) == 6
    assert len(names & set(hard["benign"])) == 3


def test_the_same_seed_draws_the_same_epoch() -> None:
    one, two = (draw(units(corpus()), CONFIG, random.Random("7/0")) for _ in range(2))
    assert one == two
    assert one != draw(units(corpus()), CONFIG, random.Random("7/1"))


def test_a_pair_stays_in_one_batch_and_windows_fit() -> None:
    chance = random.Random(3)
    cutter = Cutter(ENCODER, CONFIG, [PREFIX])
    found = batches(draw(units(corpus()), CONFIG, chance), cutter, CONFIG, chance)
    for batch in found:
        assert all(2 < len(example.ids) <= CONFIG.max_tokens for example in batch)
        pairs = [example.row.pair for example in batch if example.row.pair]
        assert all(pairs.count(pair) == 2 for pair in pairs)


def test_both_halves_get_the_same_opening() -> None:
    cutter = Cutter(ENCODER, replace(CONFIG, context_rate=1.0), [PREFIX])
    opening = ENCODER.windows(PREFIX)[0].ids[1:-1]
    violation = cutter.examples(corpus()[:2], random.Random(5))[0]
    assert violation.ids[1 : 1 + len(opening)] == opening


def test_a_pair_is_shown_where_its_halves_last_differ() -> None:
    before, after = "患者入院后完善检查。" * 12, "随后安排出院，一切顺利。" * 12
    pair = [
        Row("v", f"{before}未告知患者就换了药。{after}", "own/twins", "twins", "zh",
            clean() | {"eth.tcm": 1}, pair="p"),
        Row("k", f"{before}先告知患者才换了药。{after}", "own/twins", "twins", "zh",
            clean(), pair="p"),
    ]  # fmt: skip
    cutter = Cutter(ENCODER, replace(CONFIG, context_rate=0.0), [PREFIX])
    violation = cutter.examples(pair, random.Random(1))[0]
    (told,) = [
        w
        for w in ENCODER.windows(pair[0].text)
        if "未告知" in pair[0].text[w.span.start : w.span.end]
    ]
    assert violation.ids == told.ids


def test_pairs_that_differ_at_the_end_or_are_short_are_shown_to_the_end() -> None:
    pair = [
        Row("v", "体检结果正常。" * 30 + "瞒着她。", "own/twins", "twins", "zh",
            clean() | {"eth.tcm": 1}, pair="p"),
        Row("k", "体检结果正常。" * 30 + "告诉她。", "own/twins", "twins", "zh", clean(), pair="p"),
    ]  # fmt: skip
    cutter = Cutter(ENCODER, replace(CONFIG, context_rate=0.0), [PREFIX])
    for unit in (pair, corpus()[:2]):
        violation = cutter.examples(unit, random.Random(2))[0]
        assert violation.ids == ENCODER.windows(unit[0].text)[-1].ids
