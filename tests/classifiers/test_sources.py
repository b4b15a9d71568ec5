from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from classifiers import sources
from classifiers.rows import DIMENSIONS, HEADS, INTENTS, folded, read, write


def raw(**more: Any) -> dict[str, Any]:
    return {"id": "r1", "text": "文本 text", "source": "a/b", "lang": "zh", "labels": {}} | more


def seed(label: str, dims: list[str], **more: Any) -> dict[str, Any]:
    given = {"dim": "eth.tcm", "situation": "s1", "pair": "p1"} | more
    return raw(label=label, dims=dims, **given)


def test_a_compliant_twin_is_known_clean_everywhere() -> None:
    (row,) = sources.twin(seed("ok", []))
    assert row.known == dict.fromkeys(HEADS, 0)
    assert row.doubt.keys() == set(INTENTS)
    assert (row.group, row.pair, row.positive) == ("s1", "p1", False)


def test_a_violation_teaches_its_own_heads_fully_and_the_others_little() -> None:
    (row,) = sources.twin(seed("violation", ["eth.tcm", "saf.medication"]))
    assert {head for head, flag in row.known.items() if flag} == {"eth.tcm", "saf.medication"}
    assert "injection" not in row.known
    assert set(row.doubt) == set(row.known) - {"eth.tcm", "saf.medication"}


def test_the_own_corpus_teaches_as_the_seed_does() -> None:
    (own,) = sources.own_twin(seed("violation", ["eth.tcm"]))
    (other,) = sources.twin(seed("violation", ["eth.tcm"]))
    assert (own.source, other.source) == ("own/twins", "seed/twins")
    assert replace(own, source=other.source) == other


def test_a_pair_of_an_intent_is_sure_of_both_intents() -> None:
    (good,) = sources.own_twin(seed("ok", [], dim="doctor_replacement"))
    (bad,) = sources.own_twin(seed("violation", ["doctor_replacement"], dim="doctor_replacement"))
    assert good.doubt == {}
    assert bad.known["doctor_replacement"] == 1
    assert "doctor_replacement" not in bad.doubt


def test_an_injection_says_nothing_about_dimensions_it_is_not_marked_with() -> None:
    (bad,) = sources.injection(
        raw(label="violation", pair="injection-zh-007x", dims=["injection", "saf.medication"])
    )
    (good,) = sources.own_twin(seed("ok", [], dim="injection", pair="injection-zh-007"))
    assert bad.known == {"injection": 1, "self_harm": 0, "saf.medication": 1}
    assert (bad.pool, good.pool, good.source) == ("injection", "injection", "own/twins")
    assert good.known["injection"] == 0
    assert bad.group == good.group


def test_prescriptions_leave_medication_unknown() -> None:
    (order,) = sources.prescription(raw(label="prescription"))
    (leaflet,) = sources.prescription(raw(label="ok"))
    (wish,) = sources.prescription(raw(label="prescription_request"))
    assert "saf.medication" not in order.known
    assert "prescription_request" not in order.known
    assert leaflet.known["saf.medication"] == 0
    assert wish.known["prescription_request"] == 1


def test_a_reply_that_names_doses_leaves_medication_unknown() -> None:
    question, reply = sources.consultation(
        raw(response="口服阿莫西林，一次两粒。", auto={"rx_like": True})
    )
    assert question.known["saf.medication"] == 0
    assert "saf.medication" not in reply.known
    assert [row.id for row in sources.consultation(raw(response="好"))] == ["r1"]


@pytest.mark.parametrize(
    ("text", "flag", "known"),
    [
        ("最近总失眠，怎么办？", False, 0),
        ("我一直想自杀，可又害怕。", True, 1),
        ("医生，我有自杀倾向。", True, 1),
        ("为什么我的朋友自杀了？", True, None),
    ],
)
def test_distress_is_a_crisis_only_in_the_first_person(
    text: str, flag: bool, known: int | None
) -> None:
    rows = list(sources.smile(raw(text=text, labels={"kw_selfharm": flag})))
    assert (rows[0].known["self_harm"] if rows else None) == known


def test_moderation_flags() -> None:
    assert [row.known["self_harm"] for row in sources.moderation(raw(labels={"SH": 1}))] == [1]
    assert list(sources.moderation(raw(labels={"SH": None}))) == []


def test_attacks_and_what_is_none() -> None:
    (bad,) = sources.jailbreak(raw(labels={"attack": "in_the_wild_jailbreak"}))
    (bench,) = sources.jail_bench(raw(labels={"attack": "template_jailbreak"}))
    assert bad.known == bench.known == {"injection": 1}
    assert (bad.pool, bench.pool) == ("jailbreak", "attacks_eval")
    assert list(sources.jail_bench(raw(labels={"attack": "plain_seed"}))) == []
    (payload,) = sources.bipia(raw(labels={"attack": "indirect_injection_payload"}))
    (mail,) = sources.bipia(raw())
    assert (payload.pool, mail.pool) == ("payloads_eval", "instructions_eval")
    assert not mail.positive


def test_scenes_of_the_multilingual_set() -> None:
    kinds = {
        scene: [
            row.known.get("injection") for row in sources.multilingual(raw(labels={"scene": scene}))
        ]
        for scene in ("Goal_Hijacking", "commonsense", "Insult")
    }
    assert kinds == {"Goal_Hijacking": [1], "commonsense": [0], "Insult": []}


def test_our_ordinary_texts_are_clean() -> None:
    (row,) = sources.ordinary(raw(id="A-ord-001"))
    assert row.known == dict.fromkeys(HEADS, 0)
    assert (row.pool, row.source, row.group) == ("ordinary", "own/ordinary", "A-ord-001")


def test_ordinary_text_of_other_worlds_is_clean() -> None:
    assert next(sources.general(raw())).known == dict.fromkeys(HEADS, 0)
    request = next(sources.general(raw(source="RUCAIBox/HaluEval")))
    assert request.known == {head: 0 for head in HEADS if head not in DIMENSIONS}
    assert next(sources.exam(raw())).pool == "knowledge_eval"


def test_rows_are_grouped_by_scene_or_generator() -> None:
    (scene,) = sources.exam(raw(labels={"scene": "动物实验"}))
    (plain,) = sources.exam(raw())
    assert (scene.group, plain.group) == ("动物实验", "a/b")


def test_refusals_are_no_violations() -> None:
    bad, refusal = sources.med_safety_bench(
        raw(dims=["eth.research"], response="I cannot help with that.", response_risk="safe")
    )
    assert bad.known["eth.research"] == 1
    assert refusal.known == dict.fromkeys(HEADS, 0)


def test_sources_for_measuring_only() -> None:
    (risk,) = sources.mapped(raw(risk="unsafe_weak", dims=["saf.medication"]))
    (exam,) = sources.mapped(raw(risk="knowledge", dims=["saf.medication"]))
    assert risk.known == {"saf.medication": 1}
    assert list(sources.mapped(raw(risk="unsafe_weak", dims=[]))) == []
    assert not exam.positive
    assert [row.known for row in sources.crisis(raw(risk="high"))] == [{"self_harm": 1}]
    assert list(sources.crisis(raw(risk="low"))) == []
    assert [row.known for row in sources.crisis(raw())] == [{"self_harm": 0}]
    assert list(sources.news(raw(risk="misinformation"))) == []
    assert [row.positive for row in sources.news(raw(risk="real"))] == [False]
    (chat,) = sources.instruction(raw())
    assert "injection" not in chat.known
    assert [row.known for row in sources.attack(raw())] == [{"injection": 1}]
    assert set(next(sources.dilemma(raw())).known) == set(DIMENSIONS)


def test_a_scenario_has_the_dimensions_of_its_rule() -> None:
    by_digest = sources._rules()
    assert len(by_digest) > 900
    assert {dim for dims in by_digest.values() for dim in dims} <= set(DIMENSIONS)
    unknown = raw(risk="unsafe_weak", dims=["saf.medication"], labels={"rule": "nobody's"})
    assert list(sources.mapped(unknown)) == []


def test_rows_come_back_from_disk_as_they_went(tmp_path: Any) -> None:
    rows = [*sources.twin(seed("violation", ["eth.tcm"])), *sources.knowledge(raw())]
    write(tmp_path / "deep" / "rows.jsonl", rows)
    assert list(read(tmp_path / "deep" / "rows.jsonl")) == rows


def test_folding_forgets_width_case_and_marks() -> None:
    assert folded("ＡＢc， 停药！") == folded("abC 停药")
