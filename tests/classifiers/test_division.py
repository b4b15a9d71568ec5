from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.division import (
    DEV_GROUPS,
    PART_OF_SOURCE,
    Part,
    PartsMixed,
    check,
    only_whole_pairs,
    part_of,
    without_copies,
)
from classifiers.rows import Row
from classifiers.sources import READERS

LONG = "患者因反复头晕三天就诊，血压一百六十，医生建议先监测再决定是否调整用药方案。"


def row(number: str, text: str = "", source: str = "seed/twins", **more: str) -> Row:
    return Row(
        number, text or f"text {number}", source, "twins", group=more.pop("group", number), **more
    )


@given(st.text(min_size=1, max_size=12))
def test_a_situation_is_never_parted(group: str) -> None:
    parts = {
        part_of(row(str(n), source=s, group=group)) for n in range(3) for s in ("seed/a", "own/b")
    }
    assert len(parts) == 1


def test_the_seed_is_divided_about_70_15_15() -> None:
    parts = [part_of(row("x", group=f"situation-{n}")) for n in range(4000)]
    assert abs(parts.count(Part.TRAIN) / 4000 - 0.70) < 0.03
    assert abs(parts.count(Part.DEV) / 4000 - 0.15) < 0.03


def test_every_source_that_is_read_has_its_part_and_nothing_else() -> None:
    read = {source for readers in READERS.values() for source in readers if source}
    assert read == PART_OF_SOURCE.keys()


def test_scenes_that_choose_a_model_are_not_those_that_judge_it() -> None:
    bench = "AI4LIFE-GROUP/med-safety-bench"
    parts = {who: part_of(row("1", source=bench, group=who)) for who in ("gpt4", "llama3")}
    assert parts == {"gpt4": Part.DEV, "llama3": Part.TEST}
    assert Part.TRAIN not in {PART_OF_SOURCE[source] for source in DEV_GROUPS}


def test_an_unplaced_source_is_refused() -> None:
    with pytest.raises(KeyError):
        part_of(row("1", source="somebody/new"))


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (row("1", group="g"), row("2", group="g")),
        (row("1", group="g"), row("2", source="own/twins", group="g")),
        (row("1", "今天要停药吗？"), row("2", " 今天 要停药吗 ")),
        (row("1", "Stop the DRUG."), row("2", "ｓｔｏｐ the drug")),
        (row("1", source="a/b", group="a/b"), row("2", source="a/b", group="a/b")),
    ],
)
def test_mixed_parts_are_named(train: Row, test: Row) -> None:
    with pytest.raises(PartsMixed, match=r"2: "):
        check({Part.TRAIN: [train], Part.DEV: [], Part.TEST: [test]}, {})


def test_training_takes_only_free_licences() -> None:
    parts = {
        Part.TRAIN: [row("1", source="a/b")],
        Part.DEV: [],
        Part.TEST: [row("2", source="c/d")],
    }
    check(parts, {"a/b": {"permissive"}, "c/d": {"research/NC"}})
    with pytest.raises(PartsMixed, match="a/b"):
        check(parts, {"a/b": {"permissive", "share-alike"}})


def test_copies_of_judged_text_do_not_train() -> None:
    rows = [
        row("same", LONG),
        row("spaced", LONG.replace("，", " , ")),
        row("mostly", LONG + "好"),
        row("other", "孩子发烧三十八度五，咳嗽两天，精神尚可，需要去医院还是先在家观察一下？"),
        row("again", "孩子发烧三十八度五，咳嗽两天，精神尚可，需要去医院还是先在家观察一下"),
        row("short", "谢谢医生"),
        row("empty", "。。。"),
    ]
    assert [each.id for each in without_copies(rows, [row("judged", LONG)])] == ["other", "short"]


def test_a_pair_that_lost_a_half_goes() -> None:
    rows = [row("1", pair="p"), row("2", pair="p"), row("3", pair="q"), row("4")]
    assert [each.id for each in only_whole_pairs(rows)] == ["1", "2", "4"]
