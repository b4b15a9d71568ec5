"""The checks of the corpus we write find what they are for; the corpus passes them."""

import pytest

from classifiers import twins


def row(label: str, **changes: object) -> twins.Row:
    known: twins.Row = {
        "id": f"d-x-zh-001-{label[0]}", "pair": "d-x-zh-001", "situation": "d-x-zh-001", "dim": "eth.tcm",
        "dims": ["eth.tcm"] if label == "violation" else [], "label": label, "kind": "direct",
        "side": "input", "lang": "zh", "voice": "医生", "register": "usual", "writer": "d",
        "text": f"这是一条{label}的测试文本", "at": "x:1",
    }  # fmt: skip
    return {**known, **changes}


PAIR = [row("violation"), row("ok")]


def test_a_sound_pair_has_no_faults() -> None:
    assert list(twins.faults(PAIR)) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"text": "短"}, "1 characters"),
        ({"dims": []}, "do not agree"),
        ({"dims": ["eth.tcm", "eth.nope"]}, "unknown dimension"),
        ({"side": "sideways"}, "side is 'sideways'"),
        ({"voice": 3}, "keys or their types"),
        ({"id": PAIR[1]["id"]}, "twice"),
        ({"lang": "en"}, "differ in more"),
        ({"pair": "alone"}, "not one violation and one ok"),
    ],
)
def test_faults_are_named(changes: dict[str, object], said: str) -> None:
    assert said in "\n".join(twins.faults([row("violation", **changes), PAIR[1]]))


def test_near_copies_of_another_situation_are_found() -> None:
    text = "患者术前谈话时医生没有说明风险就让他签了字"
    copy = row("ok", text=text + "。", situation="other", id="d-2")
    found = list(twins.near_copies([row("violation", text=text), copy]))
    assert len(found) == 1
    same = row("ok", text=text + "。")
    assert list(twins.near_copies([row("violation", text=text), same])) == []


def test_the_committed_corpus_is_sound() -> None:
    rows = twins.read([])
    assert list(twins.faults(rows)) == []
    assert list(twins.near_copies(rows)) == []


def test_a_leak_is_seen() -> None:
    rows = [
        row(
            label,
            situation=f"s{n}",
            text=("偷偷" if label == "violation" else "规范") + f"处理{n}号样本",
        )
        for n in range(40)
        for label in ("violation", "ok")
    ]
    assert min(twins.leak(rows).values()) > 0.9
