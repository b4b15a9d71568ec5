from __future__ import annotations

import pytest

from guardrail.detectors import phi_name


def _found(text: str) -> list[str]:
    return sorted({text[hit.start : hit.end] for _, rule in phi_name.RULES for hit in rule(text)})


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("患者姓名：王建国，男", ["王建国"]),
        ("姓名(必填)： 欧阳小敏", ["欧阳小敏"]),
        ("姓名：买买提·吐尔逊", ["买买提·吐尔逊"]),
        ("姓名：扎西达娃。", ["扎西达娃"]),
        ("姓名：赵喆今年3岁", ["赵喆"]),
        ("家属签名：刘喆   日期：", ["刘喆"]),
        ("紧急联系人：孙丽，电话", ["孙丽"]),
        ("患者：张伟 性别：男", ["张伟"]),
        ("我叫李娜，今年45岁", ["李娜"]),
        ("孩子叫王小明，6岁", ["王小明"]),
        ("他叫陈强今年发病", ["陈强"]),
        ("患者王秀英因咳嗽入院", ["王秀英"]),
        ("我儿子陈浩宇发烧", ["陈浩宇"]),
        ("我儿子陈浩宇今天发烧", ["陈浩宇"]),
        ("\n王建国，男，45岁", ["王建国"]),
        ("李桂芳女40岁已婚", ["李桂芳"]),
        ("方明 男 30岁；常有 男", ["方明"]),
        ("请李秀英女士来诊", ["李秀英"]),
        ("诸葛明先生您好", ["诸葛明"]),
        ("My name is John Smith and I cough", ["John Smith"]),
        ("Patient name: Mary-Ann O'Neil, 45", ["Mary-Ann O'Neil"]),
        ("Mrs. Barker called", ["Barker"]),
        ("Hi, this is Tom", ["Tom"]),
        ("I'm Peter B. Parker", ["Peter B. Parker"]),
        ("Patient: Jane Roe presents", ["Jane Roe"]),
    ],
)
def test_names_that_their_context_gives_away(text: str, names: list[str]) -> None:
    assert _found(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "患者高血压10年，患者安全第一，患者白细胞高",
        "谢谢王医生，李主任说的，张护士",
        "张先生，50岁；李小姐，32岁；单身女士；张老太太",
        "患者张某，姓名：张某某，姓名：王**",
        "姓名：性别：年龄：，姓名：保密，姓名：",
        "他叫我去医院，叫救护车，那叫钟爱，孩子叫",
        "患者：黄疸。家属：要求出院。与患者：解释风险收益",
        "联系人：张三丰富的",
        "我是高兴的，患者管理：",
        "姓名：不详今年未知情况",
        "Patient: Okay, thank you. Patient: Oh no",
        "brand name: Lipitor. This is called Lyme disease",
        "I am Sorry About. My name is THE PATIENT",
    ],
)
def test_conditions_staff_and_empty_forms_are_no_names(text: str) -> None:
    assert _found(text) == []


def test_a_label_at_the_end_waits_for_the_name() -> None:
    assert phi_name.NAME_AT_END.search("患者姓名：王")
    assert phi_name.NAME_AT_END.search("My name is Jo")
    assert not phi_name.NAME_AT_END.search("患者姓名：王建国。")
