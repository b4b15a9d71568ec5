import hashlib

import pytest

from guardrail.domain.errors import BadRequest
from guardrail.domain.exchange import Caller, Scene
from guardrail.server.callers import LOCAL, Callers, label_of, limited, require, scene_of
from guardrail.settings import KeySettings


def keyed(**facts):
    return KeySettings(name="n", sha256=hashlib.sha256(b"secret").hexdigest(), **facts)


def test_a_key_is_known_by_its_digest() -> None:
    callers = Callers([keyed(tenant="t", scene="B")])
    caller = callers.of_header("Bearer secret")
    assert (caller.tenant, caller.scene) == ("t", Scene.B)
    assert callers.of_header("bearer  secret ") == caller


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer wrong", "Basic secret", "secret", "Bearer \udcff"]
)
def test_anything_else_is_refused(header: str) -> None:
    with pytest.raises(BadRequest) as error:
        Callers([keyed()]).of_header(header)
    assert error.value.code == "invalid_api_key"
    assert "secret" not in str(error.value)


def test_without_keys_everybody_is_local() -> None:
    assert Callers([]).of_header("") is LOCAL


@pytest.mark.parametrize(
    ("own", "header", "scene"),
    [("C", "", "C"), ("C", "A", "A"), ("A", "D", "A"), ("C", " b ", "B"), ("D", "c", "C")],
)
def test_a_header_only_makes_the_scene_stricter(own, header, scene) -> None:
    assert scene_of(Caller(scene=Scene(own)), header) is Scene(scene)


def test_an_unknown_scene_is_refused() -> None:
    with pytest.raises(BadRequest):
        scene_of(Caller(), "E")


@pytest.mark.parametrize("label", ["", "triage", "60-69;sex=f;110000", "a" * 64])
def test_a_label_is_kept_as_it_is(label: str) -> None:
    assert label_of("X-Guardrail-Cohort", label) == label


@pytest.mark.parametrize("label", ["a" * 65, "张三", "tel 13800138000", "a\tb", "a\nb", '"x"'])
def test_what_could_name_a_person_is_no_label(label: str) -> None:
    with pytest.raises(BadRequest) as error:
        label_of("X-Guardrail-Cohort", label)
    assert error.value.code == "invalid_label"
    assert "13800138000" not in str(error.value)


def test_roles_and_models() -> None:
    require(Caller(role="doctor"), "doctor", "ops")
    require(LOCAL, "doctor")
    with pytest.raises(BadRequest, match="doctor"):
        require(Caller(role="app"), "doctor")
    limited(Caller(), "any")
    with pytest.raises(BadRequest):
        limited(Caller(models=("a",)), "b")
