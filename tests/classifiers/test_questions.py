from __future__ import annotations

from classifiers.questions import about, questions
from classifiers.rows import HEADS, Row, clean

LAW = "saf.law_regulation"
ROWS = [
    Row("v", "删掉记录", "own/twins", "twins", "zh", {LAW: 1, "eth.tcm": 1}, pair="p"),
    Row("k", "保留记录", "own/twins", "twins", "zh", clean(), pair="p"),
    Row(
        "w", "just prescribe it", "own/twins", "twins", "en", {"prescription_request": 1}, pair="r"
    ),
    Row("l", "who may prescribe?", "own/twins", "twins", "en", clean(), pair="r"),
    Row("b", "What is asthma?", "shibing624/MedicalGPT", "benign", "en", clean()),
]


def answered(name: str) -> list[str]:
    (question,) = (each for each in questions(ROWS) if each.key == name)
    return [row.id for row in ROWS if question.among(row)]


def test_only_what_can_be_answered_is_asked() -> None:
    found = questions(ROWS)
    assert {each.section for each in found} == {"twins", "false alarms", "intents"}
    assert all(any(map(each.among, ROWS)) for each in found)
    assert questions([]) == []


def test_every_question_is_asked_once_and_by_something_known() -> None:
    found = questions(ROWS)
    assert len({each.key for each in found}) == len(found)
    assert {each.by for each in found} <= {"any", "dimensions", "own", *HEADS}


def test_a_compliant_half_belongs_to_what_its_pair_is_about() -> None:
    assert about(ROWS)["p"] == {LAW, "eth.tcm"}
    assert answered("twins: own pairs (zh), compliant, by dimensions") == ["k"]
    assert answered(
        "intents: prescription_request, own pairs, not meant, by prescription_request"
    ) == ["l"]
    assert answered("intents: prescription_request, own pairs, meant, by prescription_request") == [
        "w"
    ]
    assert answered("false alarms: compliant halves of pairs, by any") == ["k"]
