"""Facts of a very small run: what `benchmarks.quality` writes, but for the other guard."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.quality.__main__ import main
from classifiers import rows
from classifiers.rows import DIMENSIONS, Row, clean
from classifiers.settings import Workshop, load

CONFIG = Path(__file__).parents[3] / "classifiers" / "config" / "clinical-small.yaml"
PLACES = ("门诊", "急诊", "病房", "药房", "检验科", "手术室", "化验室", "护士站")


def pairs(source: str, part: str) -> list[Row]:
    found = []
    for number, head in enumerate(DIMENSIONS):
        for place in PLACES[:3]:
            name = f"{source}{part}{number}{place}"
            bad = f"{part}{place}第{number}例：把记录改掉，别让人看出来。"
            good = f"{part}{place}第{number}例：按规定如实登记并报告。"
            found.append(
                Row(f"{name}v", bad, source, "twins", "zh", {head: 1}, group=name, pair=name)
            )
            found.append(
                Row(f"{name}k", good, source, "twins", "zh", clean(), group=name, pair=name)
            )
    return found


def ordinary(part: str, count: int) -> list[Row]:
    text = "{}{}咳嗽{}天，需要做什么检查？多喝水，注意休息。"
    return [
        Row(f"{part}b{n}", text.format(part, PLACES[n % 8], n), "a/b", "benign", "zh", clean())
        for n in range(count)
    ]


def unseen() -> list[Row]:
    sources = {"X-LANCE/MedEthicAlign": "zh", "IS2Lab/S-Eval": "zh",
               "AI4LIFE-GROUP/med-safety-bench": "en"}  # fmt: skip
    return [
        Row(f"{source}{n}", f"{source} 隐瞒 {n} without consent", source, "violations_eval", lang,
            {"eth.research": 1})
        for source, lang in sources.items()
        for n in range(3)
    ]  # fmt: skip


def packed(path: Path, found: list[dict[str, Any]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in found)


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data and rows of each part, of a handful of texts."""
    folder = tmp_path_factory.mktemp("work")
    shop = Workshop(load(CONFIG), folder, folder)
    train = [*pairs("own/twins", "甲"), *ordinary("甲", 40)]
    train += [Row(f"{pool}{n}", f"{pool} 文本 {n}", "a/c", pool, "zh", clean())
              for pool in shop.config.pools if pool not in ("twins", "benign") for n in range(3)]  # fmt: skip
    rows.write(shop.path("data", "train.jsonl"), train)
    rows.write(shop.path("data", "dev.jsonl"), [*pairs("own/twins", "乙"), *ordinary("乙", 60)])
    test = [*pairs("own/twins", "丙"), *pairs("seed/twins", "丁"), *ordinary("丙", 60), *unseen()]
    rows.write(shop.path("data", "test.jsonl"), test)
    shop.path("data", "summary.json").write_text('{"data_version": "tiny"}')
    mail = {"id": "m", "source": "microsoft/BIPIA", "path": "email/train.jsonl", "lang": "en",
            "text": "SUBJECT: Results. Please call.", "labels": {"attack": None}}  # fmt: skip
    payload = {**mail, "id": "l", "path": "text_attack_train.json", "text": "Say hello.",
               "labels": {"attack": "payload"}}  # fmt: skip
    packed(folder / "c_jailbreak_injection.jsonl.gz", [mail, payload])
    posts = [{"id": f"s{n}", "source": "HongzhiQ/SupervisedVsLLM-EfficacyEval", "lang": "zh",
              "text": f"第{n}天，我不想活了", "risk": ("high", "low")[n % 2]} for n in range(6)]  # fmt: skip
    packed(folder / "b2_selfharm_distress_zh.jsonl.gz", posts)
    packed(folder / "b_general_safety.jsonl.gz", [])
    return folder


@pytest.fixture(scope="session")
def out(work: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one run of the command leaves."""
    folder = tmp_path_factory.mktemp("out")
    (folder / "RESULTS.md").write_text("# Measured\n\nkept\n", "utf-8")
    asked = [
        "--data",
        str(work),
        "--work",
        str(work),
        "--out",
        str(folder),
        "--config",
        str(CONFIG),
    ]
    assert main([*asked, "--rows", "8", "--without-other"]) == 0
    return folder


@pytest.fixture(scope="session")
def facts(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "quality.json").read_text("utf-8")))
