from __future__ import annotations

import pytest

from guardrail.detectors import phi_address
from guardrail.detectors.phi_hit import strongest


def _found(text: str) -> list[str]:
    hits = strongest(hit for _, rule in phi_address.RULES for hit in rule(text))
    return [text[hit.start : hit.end] for hit in hits]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "家住北京市朝阳区建国路88号院3号楼2单元501室，",
            ["北京市朝阳区建国路88号院3号楼2单元501室"],
        ),
        ("我住在海丰北路602号", ["海丰北路602号"]),
        ("快递寄到阳光花园3栋2单元501", ["阳光花园3栋2单元501"]),
        ("他在解放路12号开店", ["解放路12号"]),
        ("住址：河北省承德市双滦区大栅子村8组", ["河北省承德市双滦区大栅子村8组"]),
        ("现居双滦区，", ["双滦区"]),
        ("住址：龙山镇慈东村3组", ["龙山镇慈东村3组"]),
        ("浙江省杭州市西湖区文三路口", ["浙江省杭州市西湖区文三路"]),
        (
            "lives at 12 Oak Lane, Apt 4, Springfield, IL 62704.",
            ["12 Oak Lane, Apt 4, Springfield, IL 62704"],
        ),
        ("The house at 221 N. Baker Street is old", ["221 N. Baker Street"]),
        ("send to P.O. Box 1234", ["P.O. Box 1234"]),
        ("my zip code is 62704", ["62704"]),
        ("邮编：100020", ["100020"]),
    ],
)
def test_what_leads_to_a_door(text: str, found: list[str]) -> None:
    assert _found(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "我在北京市，住在北京，籍贯山东",
        "我家住农村，住在同一间宿舍，住在同一个小区",
        "北京市东城区哪家医院好，北京市东城区人民路医院",
        "北京协和医院地址：北京市东城区帅府园1号",
        "本院（地址：北京市东城区王府井大街2号）",
        "地址：北京市朝阳区卫生服务中心",
        "我去天津市和平区和平路26号这家医院",
        "做2号检查，住院部3号楼，内科病区5号",
        "坐解放路3号线，家在哪里，地址：",
        "住在那个离北京市海淀区不远的地方",
        "Take 2 tablets at 8 am. Address the cause. 5 mg Drive safely",
    ],
)
def test_cities_and_institutions_are_nobodys_home(text: str) -> None:
    assert _found(text) == []


def test_an_address_at_the_end_may_go_on() -> None:
    assert phi_address.ADDRESS_AT_END.search("家住北京")
    assert phi_address.ADDRESS_AT_END.search("海丰北路60")
    assert not phi_address.ADDRESS_AT_END.search("家住北京市朝阳区。")
