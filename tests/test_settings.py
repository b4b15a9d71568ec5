"""Settings: file, environment and command line; what is wrong is told with its place."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from guardrail.domain.errors import BadConfig
from guardrail.domain.exchange import Audience, Caller, Scene
from guardrail.settings import NOT_SETTINGS, KeySettings, Settings, load, servable

DIGEST = hashlib.sha256(b"k").hexdigest()
URL = "http://127.0.0.1:8000/v1"


def written(folder: Path, text: str) -> Path:
    path = folder / "guardrail.yaml"
    path.write_text(text, "utf-8")
    return path


def refused(folder: Path, text: str) -> BadConfig:
    with pytest.raises(BadConfig) as error:
        load(written(folder, text), {})
    return error.value


def test_defaults_are_for_this_machine_alone() -> None:
    settings = load(None, {})
    assert settings == Settings()
    assert settings.loopback
    assert settings.keys == ()


def test_the_command_line_wins_over_the_environment_over_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "port: 1\nlog_level: debug\nupstream: {url: 'http://a', idle_s: 7}\n")
    environment = {"GUARDRAIL_PORT": "2", "GUARDRAIL_UPSTREAM__URL": "http://b", "OTHER": "x"}
    settings = load(path, environment, {"port": 3, "upstream.key": "钥匙", "data": None})
    assert (settings.port, settings.log_level) == (3, "debug")
    assert (settings.upstream.url, settings.upstream.idle_s) == ("http://b", 7.0)
    assert settings.upstream.key == SecretStr("钥匙")
    assert "钥匙" not in repr(settings)
    assert settings.data == Path("guardrail-data")


def test_the_process_s_own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARDRAIL_LIMITS__IN_FLIGHT", "9")
    assert load().limits.in_flight == 9


def test_words_that_only_look_like_settings_are_passed_by() -> None:
    assert load(None, dict.fromkeys(NOT_SETTINGS - {"GUARDRAIL_CONFIG"}, "1")) == Settings()


@pytest.mark.parametrize(
    ("text", "code", "place", "words"),
    [
        ("prot: 1\n", "config_unknown_key", ":1:", "Did you mean 'port'?"),
        ("limits:\n  totals: 1\n", "config_unknown_key", ":2:", "Did you mean 'total_s'?"),
        (
            f"keys:\n  - name: x\n    sha256: {DIGEST}\n    sceen: A\n",
            "config_unknown_key",
            ":4:",
            "Did you mean 'scene'?",
        ),
        ("颜色: 红\n", "config_unknown_key", ":1:", "Remove it"),
        ("port: 1\nlimits:\n  total_s: long\n", "config_value", ":3:", "limits.total_s"),
        ("port: 99999\n", "config_value", ":1:", "port"),
        ("a: [\n", "config_syntax", ":", "Correct the YAML"),
        ("- a\n", "config_shape", ":1:1", "not a mapping"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, text: str, code: str, place: str, words: str
) -> None:
    error = refused(tmp_path, text)
    assert error.code == code
    assert error.where.startswith(f"{tmp_path}/guardrail.yaml{place}")
    assert words in str(error)


def test_what_is_wrong_in_the_environment_has_no_place() -> None:
    with pytest.raises(BadConfig) as error:
        load(None, {"GUARDRAIL_KOLOR": "red"})
    assert (error.value.code, error.value.where) == ("config_unknown_key", "")


def test_a_value_is_never_told(tmp_path: Path) -> None:
    error = refused(tmp_path, "upstream: {key: [secret-word]}\n")
    assert "secret-word" not in str(error)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as error:
        load(tmp_path / "没有.yaml", {})
    assert error.value.code == "config_unreadable"
    (tmp_path / "odd.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadConfig, match="UnicodeDecodeError"):
        load(tmp_path / "odd.yaml", {})


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("医院.example", False),
    ],
)
def test_who_can_reach_it(host: str, loopback: bool) -> None:
    assert Settings(host=host).loopback is loopback


def test_a_server_may_start() -> None:
    settings = load(None, {}, {"upstream.url": URL})
    assert servable(settings) is settings
    keys = [{"name": "药房", "sha256": DIGEST}]
    reachable = load(None, {}, {"upstream.url": URL, "host": "0.0.0.0", "keys": keys})
    assert servable(reachable) is reachable


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"upstream.url": URL, "host": "0.0.0.0"}, "keys_required"),
        ({}, "upstream_missing"),
        ({"upstream.url": "127.0.0.1:8000"}, "upstream_url"),
    ],
)
def test_a_server_may_not_start(given: dict[str, Any], code: str) -> None:
    with pytest.raises(BadConfig) as error:
        servable(load(None, {}, given))
    assert error.value.code == code
    assert error.value.remedy


def test_a_key_is_a_caller() -> None:
    key = KeySettings(name="病房", sha256=DIGEST, scene=Scene.A, audience=Audience.CLINICIAN)
    assert key.caller() == Caller(name="病房", scene=Scene.A, audience=Audience.CLINICIAN)
    for wrong in ("x", DIGEST.upper(), DIGEST[:-1]):
        with pytest.raises(ValidationError):
            KeySettings(name="x", sha256=wrong)


def test_nothing_changes_once_it_is_read() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]


def test_the_environment_may_name_the_file_and_the_command_line_wins(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_text(f"data: {name}\n", "utf-8")
    environment = {"GUARDRAIL_CONFIG": str(tmp_path / "one")}
    assert load(environment=environment).data == Path("one")
    assert load(tmp_path / "two", environment).data == Path("two")
