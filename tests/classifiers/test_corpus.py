from __future__ import annotations

import json

import pytest

from classifiers import twins
from classifiers.corpus import Faulty, divide, ordinary_files, own
from classifiers.division import Part, check
from classifiers.rows import Row, clean


def public(number: int, source: str, text: str) -> Row:
    return Row(f"{source}-{number}", text, source, "benign", known=clean(), group=source)


def test_what_divide_gives_passes_the_check() -> None:
    seed = [
        Row(
            f"{n}-{side}",
            f"第{n}个情境的{side}文本",
            "seed/twins",
            "twins",
            group=f"s{n}",
            pair=f"p{n}",
        )
        for n in range(60)
        for side in "vk"
    ]
    shared = "胃疼两天了，请问医生需要做胃镜检查吗，还是先吃药观察一段时间再说呢？"
    found = [
        *seed,
        public(1, "SupritYoung/Zhongjing", shared),
        public(2, "SupritYoung/Zhongjing", "咳嗽吃什么药好？"),
        public(3, "Toyhom/Chinese-medical-dialogue-data", shared),
        public(4, "yy-hh/LlmMedEval", "What is asthma?"),
    ]
    parts = divide(found)
    check(parts, {})
    train = {row.id for row in parts[Part.TRAIN]}
    assert "SupritYoung/Zhongjing-1" not in train
    assert "SupritYoung/Zhongjing-2" in train
    assert [row.id for row in parts[Part.DEV] if row.pool == "benign"] == [
        "Toyhom/Chinese-medical-dialogue-data-3"
    ]
    assert all(part in {row.group[0] for row in parts[part]} or parts[part] for part in Part)


def test_the_corpus_of_this_repository_is_read_whole_and_its_situations_are_not_parted() -> None:
    raws = twins.read(())
    found = own(raws)
    assert len(found) == len(raws)
    assert {row.source for row in found} == {"own/twins"}
    parts = divide(found)
    check(parts, {})
    groups = [{row.group for row in members} for members in parts.values()]
    assert all(groups)
    assert sum(map(len, groups)) == len(set().union(*groups))
    for members in parts.values():
        flags = [row.positive for row in members]
        assert flags.count(True) == flags.count(False)


def test_a_corpus_with_faults_teaches_nothing() -> None:
    half = twins.read(())[:1]
    with pytest.raises(Faulty, match="not one violation and one ok"):
        own(half)


def test_our_ordinary_texts_are_whole_and_told_once() -> None:
    rows = [
        json.loads(line)
        for path in ordinary_files()
        for line in path.read_text("utf-8").splitlines()
    ]
    assert len(rows) >= 300
    assert all(row.keys() == {"id", "lang", "text", "writer"} for row in rows)
    assert {row["lang"] for row in rows} == {"zh", "en"}
    assert len({row["id"] for row in rows}) == len({row["text"] for row in rows}) == len(rows)
