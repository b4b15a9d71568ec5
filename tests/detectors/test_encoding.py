from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guardrail.detectors.artifact import load, shipped
from guardrail.detectors.encoding import Encoder, Shape, sentences
from guardrail.domain.errors import BadConfig

ARTIFACT = load(shipped())
ENCODER = Encoder(ARTIFACT.tokenizer, ARTIFACT.shape)
SMALL = Encoder(ARTIFACT.tokenizer, Shape(16, 2, 6, 4))
TEXTS = st.text(
    st.sampled_from('患者服药疼痛，。！？；\n 3.5mgABCdef (i)"”\ud800😀\u200b\x00'), max_size=120
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        ("您好。请问？", ["您好。", "请问？"]),
        ("体温38.5度，正常", ["体温38.5度，正常"]),
        ("Take two. Then call.", ["Take two. ", "Then call."]),
        ("一；二\n三", ["一；", "二\n", "三"]),
    ],
)
def test_sentences(text: str, parts: list[str]) -> None:
    assert [text[span.start : span.end] for span in sentences(text)] == parts


@pytest.mark.parametrize(
    "text",
    [
        "患者男，45岁，因反复上腹痛3月余入院，否认药物过敏史。",
        "阿莫西林克拉维酸钾0.5g口服，每日三次；头孢曲松静滴。",
        "窦性心律，ST段压低，肌钙蛋白I升高，考虑急性冠脉综合征。",
        "The patient refused consent; please document it.",
    ],
)
def test_the_vocabulary_knows_clinical_text(text: str) -> None:
    assert ENCODER.unknown_rate(text) == 0


def test_what_the_vocabulary_does_not_know_is_counted() -> None:
    assert ENCODER.unknown_rate("🀄") == 1
    assert ENCODER.unknown_rate("") == 0


def test_a_window_holds_the_sentence_and_what_stands_before() -> None:
    first, second = ENCODER.windows("您好。请问能吃药吗？")
    assert second.ids[:1] == first.ids[:1]
    assert second.ids[1:4] == first.ids[1:-1]
    assert (second.span.start, second.span.end) == (3, 10)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
@example("阿" * 300 + "。")
def test_no_token_is_dropped_and_no_window_too_long(text: str) -> None:
    windows = SMALL.windows(text)
    assert all(len(window.ids) <= SMALL.shape.max_tokens for window in windows)
    covered = set()
    for window in windows:
        assert 0 <= window.span.start < window.span.end <= len(text)
        covered.update(range(window.span.start, window.span.end))
    assert all(place in covered for place, char in enumerate(text) if char.isalnum())


@settings(max_examples=200, deadline=None)
@given(TEXTS, st.text(st.sampled_from("药。 a"), max_size=20))
def test_what_follows_changes_no_finished_sentence(text: str, more: str) -> None:
    ends = [span.end for span in sentences(text + more)]
    whole = {w.span: w.ids for w in SMALL.windows(text + more) if w.span.end <= len(text)}
    upto = max((end for end in ends if end <= len(text)), default=0)
    part = {w.span: w.ids for w in SMALL.windows(text[:upto])}
    assert {span: ids for span, ids in whole.items() if span.end <= upto} == part


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(["好。", "停药吗？", "Stop it. ", "一天3.5克；", "嗯\n"]), max_size=9)
)
def test_sentence_by_sentence_gives_the_windows_of_the_whole(parts: list[str]) -> None:
    text = "".join(parts)
    whole = [window.ids for window in SMALL.windows(text)]
    ends = [span.end for span in sentences(text)]
    met = []
    for number, end in enumerate(ends):
        begin = ends[number - 4] if number >= 4 else 0
        fresh = (ends[number - 1] if number else 0) - begin
        met.extend(window.ids for window in SMALL.windows(text[begin:end], fresh))
    assert met == whole


def test_only_what_is_fresh_is_judged() -> None:
    text = "您好。请停药。谢谢。"
    assert [window.span.start for window in ENCODER.windows(text, 3)] == [3, 7]
    assert [window.span.start for window in ENCODER.windows(text, 4)] == [3, 7]
    assert ENCODER.windows(text, len(text)) == ()


def test_a_long_sentence_is_walked_in_overlapping_strides() -> None:
    windows = SMALL.windows("阿" * 40)
    spans = [(window.span.start, window.span.end) for window in windows]
    assert spans == [(0, 14), (10, 24), (20, 34), (30, 40)]


@pytest.mark.parametrize(
    "content",
    ["not json", '{"model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}}'],
)
def test_a_file_that_is_no_usable_tokenizer_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(content, "utf-8")
    with pytest.raises(BadConfig) as refused:
        Encoder(path, Shape())
    assert refused.value.code == "tokenizer_unreadable"


def test_a_tokenizer_that_maps_chinese_to_unknown_is_refused(tmp_path: Path) -> None:
    data = json.loads(ARTIFACT.tokenizer.read_text("utf-8"))
    vocabulary = data["model"]["vocab"]
    data["model"]["vocab"] = {piece: vocabulary[piece] for piece in vocabulary if piece[0] == "["}
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(data), "utf-8")
    with pytest.raises(BadConfig) as refused:
        Encoder(path, Shape())
    assert refused.value.code == "tokenizer_blind"
