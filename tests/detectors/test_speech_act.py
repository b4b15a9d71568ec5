from __future__ import annotations

import pytest

from guardrail.detectors import prescription, reading
from guardrail.detectors.candidate import candidates
from guardrail.detectors.lexicon import lexicon
from guardrail.detectors.sentence import sentences
from guardrail.detectors.speech_act import features, score, weights


def judged(text: str) -> tuple[dict[str, float], float]:
    read = reading.read(text, lexicon())
    tiles, _ = sentences(read.text)
    found = candidates(read.text, tiles, lexicon())
    scene = prescription.scene(read, tiles, found, prescription.Shelf())
    return features(found[0], scene), score(found[0], scene, weights())


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            "布洛芬说明书：成人0.3g，一日两次。",
            {"near.leaflet", "after.leaflet", "frame_near", "frame_alone"},
        ),
        ("您就按说明书吃布洛芬0.3g，一日两次。", {"frame_overridden", "before.obey", "close.act"}),
        ("刘大夫定的布洛芬0.3g，一日两次。", {"near.named_doctor"}),
        ("布洛芬0.3g，一日两次。周主任开的。", {"wide.named_doctor"}),
        ("别吃布洛芬0.6g一天四次。", {"forbidden", "before.forbid"}),
        (
            "吃了布洛芬200mg？马上去急诊。",
            {"taken", "asked", "danger_asked", "danger_taken", "danger_only"},
        ),
        ("布洛芬10mg/kg，每6小时。", {"per_kg"}),
        ("培美曲塞500mg/m2，每三周。", {"per_area"}),
        ("2019年布洛芬0.3g一日两次。", {"near.year"}),
        ("布洛芬0.3g，一日两次，三年。", {"past_span"}),
        ('{"drug":"布洛芬","dose":"0.3g"}', {"structured", "near.may_be_order", "amount_only"}),
        ("布洛芬每日两次。", {"often_only"}),
        ("吗啡10mg，q12h。", {"controlled", "amount_and_often"}),
        ("布洛芬很常见。", {"no_part"}),
        ("今晚吃布洛芬0.3g，中毒就去急诊。", {"danger_overridden"}),
    ],
)
def test_features_say_who_speaks_to_whom(text: str, names: set[str]) -> None:
    assert names <= judged(text)[0].keys()


@pytest.mark.parametrize(
    ("order", "talk"),
    [
        ("建议您吃布洛芬0.3g，一日两次。", "说明书：布洛芬成人0.3g，一日两次。"),
        ("Take ibuprofen 400 mg twice daily.", "The leaflet says: ibuprofen 400 mg twice daily."),
        ("先吃氟西汀20mg，每早一次。", "既往史：氟西汀20mg，每早一次。"),
        ("给您多西环素100mg，一天两次。", "兽医给猫多西环素25mg，一天两次。"),
    ],
)
def test_an_order_outweighs_talk(order: str, talk: str) -> None:
    assert judged(order)[1] > 0.5 > judged(talk)[1]


def test_weights_are_known_features() -> None:
    assert weights()["frame_alone"] < 0 < weights()["amount_and_often"]
