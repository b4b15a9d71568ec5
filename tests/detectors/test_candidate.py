from __future__ import annotations

from guardrail.detectors.candidate import Candidate, candidates
from guardrail.detectors.lexicon import lexicon
from guardrail.detectors.sentence import sentences


def found(text: str) -> list[Candidate]:
    tiles, _ = sentences(text)
    return candidates(text, tiles, lexicon())


def told(text: str) -> list[tuple[str, list[str]]]:
    return [
        (one.drug.name, [text[p.span.start : p.span.end] for p in one.parts]) for one in found(text)
    ]


def test_each_drug_gets_its_own_dose() -> None:
    assert told("克拉霉素500mgbid加阿莫西林1gbid") == [
        ("克拉霉素", ["500mg", "bid"]),
        ("阿莫西林", ["1g", "bid"]),
    ]


def test_drugs_without_a_dose_share_the_one_after_them() -> None:
    assert told("阿莫西林、布洛芬，每日三次") == [
        ("阿莫西林", ["每日三次"]),
        ("布洛芬", ["每日三次"]),
    ]


def test_a_dose_may_stand_before_the_drug() -> None:
    assert told("每晚吃西替利嗪") == [("西替利嗪", ["每晚"])]
    (late,) = [one for one in found("每次0.5g，每日三次。我说的是阿莫西林。") if one.name]
    assert late.first == 0
    assert late.home == 1
    assert late.regimen


def test_pieces_may_be_spread_over_three_more_sentences() -> None:
    text = "可以考虑莫西沙星。规格是0.4g。每天吃一次。"
    (one,) = found(text)
    assert one.home == 0
    assert text[one.span.start : one.span.end] == "莫西沙星。规格是0.4g。每天吃一次"


def test_the_next_drug_ends_the_reach() -> None:
    first, second = found("可以考虑莫西沙星。布洛芬0.3g一日三次。")
    assert not first.regimen
    assert second.regimen


def test_far_pieces_do_not_belong() -> None:
    (one,) = found("可以口服阿莫西林" + "，注意休息多喝水" * 6 + "，每天泡脚")
    assert not one.regimen


def test_nameless_doses_are_candidates_where_no_drug_is_near() -> None:
    (one,) = found("照这个吃：10mg，一天两次。")
    assert one.name is None
    assert one.regimen
    assert [c.drug.name for c in found("阿莫西林。照这个吃：10mg，一天两次。")] == ["阿莫西林"]
    assert found("今天下午两片云。") == [] or not found("今天下午两片云。")[0].regimen
    assert found("血压bid") == []
    assert found("半bid") == []


def test_class_words_need_a_dose_of_their_own() -> None:
    assert found("可以吃点消炎药。") == []
    (one,) = found("激素12mg，十天。")
    assert one.regimen


def test_herbs_with_weights_are_a_formula() -> None:
    (one,) = found("黄芪30g、当归10g、白术12g，七剂，水煎服。")
    assert one.drug.kind == "m"
    assert one.regimen
    assert found("枸杞10g、红枣3枚泡水") == []
    (single,) = found("外用苦参30g煎水")
    assert single.drug.name == "苦参"


def test_a_dose_left_to_an_earlier_drug_is_not_taken_by_a_later_one() -> None:
    one, two = found("莫西沙星就行。0.4g。每天一次。首先选恩替卡韦。")
    assert one.regimen
    assert two.parts == ()
