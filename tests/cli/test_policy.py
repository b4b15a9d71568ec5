from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from guardrail.cli.policy import SCHEMA_LINE, app
from guardrail.policy.schema import json_schema

ROOT = Path(__file__).parents[2]
POLICY = (
    SCHEMA_LINE
    + """../docs/policy.schema.json
id: try
version: "1"
owner: 药学部
title: {zh: 测试, en: test}
rules:
  - {id: try.ip, severity: low, find: [phi.ip], at_least: 0.5, action: redact, reply: {zh: 遮, en: hid}}
"""
)
CASES = """\
cases:
  - {name: 地址, findings: {phi.ip: 0.5}, expect: {action: redact, rules: [try.ip]}}
  - {name: weak, findings: {phi.ip: 0.495}, expect: {action: allow}}
"""


def guardrail_policy(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "try.yaml").write_text(POLICY, "utf-8")
    (tmp_path / "try.cases.yaml").write_text(CASES, "utf-8")
    return tmp_path


def put(folder: Path, old: str, new: str, name: str = "try.yaml") -> None:
    text = (folder / name).read_text("utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new), "utf-8")


def test_lint_of_shipped_policies_is_clean() -> None:
    result = guardrail_policy("lint", ROOT / "policies")
    assert result.exit_code == 0
    assert "0 complaints" in result.stdout


def test_lint_complains_with_place_and_remedy(folder: Path) -> None:
    put(folder, "phi.ip", "phi.ipp")
    put(folder, SCHEMA_LINE, "# 没有 ")
    (folder / "gbk.yaml").write_bytes(b"\xff\xfe")
    result = guardrail_policy("lint", folder)
    assert result.exit_code == 1
    assert f"{folder}/try.yaml:7:40: nothing is called 'phi.ipp' Did you mean" in result.stderr
    assert f"{folder}/try.yaml:1:1: editors cannot check this file" in result.stderr
    assert "not UTF-8 text" in result.stderr
    assert "2 files, 3 complaints" in result.stdout


def test_lint_as_json(folder: Path) -> None:
    assert json.loads(guardrail_policy("lint", folder, "--json").stdout) == {
        "files": 1,
        "complaints": [],
    }
    put(folder, "owner", "ownr")
    result = guardrail_policy("lint", folder / "try.yaml", "--json")
    assert result.exit_code == 1
    first = json.loads(result.stdout)["complaints"][0]
    assert first["where"].endswith("try.yaml:1:1")
    assert first["message"] == "'owner' is missing"
    assert first["remedy"] == "Add 'owner'."


@pytest.mark.parametrize(("expires", "code"), [("2020-01-31", 1), ("2999-01-31", 0)])
def test_lint_names_a_trial_that_is_over(folder: Path, expires: str, code: int) -> None:
    put(folder, "owner", f"mode: shadow\nexpires: {expires}\nowner")
    result = guardrail_policy("lint", folder)
    assert result.exit_code == code
    assert ("try.yaml:5:1: the trial is over" in result.stderr) is bool(code)


def test_test_passes(folder: Path) -> None:
    result = guardrail_policy("test", folder, "--thorough")
    assert result.exit_code == 0
    assert "try.yaml" in result.stdout


def test_test_names_what_failed(folder: Path) -> None:
    put(folder, "action: allow", "action: block", "try.cases.yaml")
    result = guardrail_policy("test", folder)
    assert result.exit_code == 1
    assert "weak" in result.stdout
    assert "expected block, got allow" in result.stdout


def test_test_thorough_asks_for_more(folder: Path) -> None:
    (folder / "try.cases.yaml").write_text(
        "cases: [{name: 无, expect: {action: allow}}]\n", "utf-8"
    )
    assert guardrail_policy("test", folder).exit_code == 0
    result = guardrail_policy("test", folder, "--thorough")
    assert result.exit_code == 1
    assert "never fired try.ip" in result.stdout
    assert "nobody notices try.ip: at_least 0.5 -> 0.51" in result.stdout


def test_test_as_json(folder: Path) -> None:
    (folder / "other.yaml").write_text(POLICY, "utf-8")
    (folder / "bad.yaml").write_text("规则: 1\n", "utf-8")
    (folder / "bad.cases.yaml").write_text(CASES, "utf-8")
    result = guardrail_policy("test", folder, "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["passed"] is False
    assert [(row["cases"], row["passed"]) for row in told["files"]] == [(2, True)]
    messages = [each["message"] for each in told["complaints"]]
    assert "the policy has no cases" in messages
    assert "unknown key '规则'" in messages


def test_schema() -> None:
    for words in (["schema"], ["schema", "--json"]):
        assert json.loads(guardrail_policy(*words).stdout) == json_schema()


def test_explain_a_shipped_rule() -> None:
    result = guardrail_policy("explain", "prescription.order")
    assert result.exit_code == 0
    assert "回答中开具处方 (prescription.order)" in result.stdout
    assert "处方管理办法" in result.stdout
    english = guardrail_policy("explain", "scene-a", "--lang", "en")
    assert "released only when all of it was judged" in english.stdout


def test_explain_a_file_and_a_folder(folder: Path) -> None:
    one = guardrail_policy("explain", folder / "try.yaml", "--json")
    (told,) = json.loads(one.stdout)
    assert (told["name"], told["title"]) == ("try.ip", "测试")
    two = guardrail_policy("explain", "try.ip", "--policies", folder, "--json")
    assert two.stdout == one.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("explain", "prescription.ordr"), "Did you mean 'prescription.order'?"),
        (("explain", "完全没有"), "Name a file"),
        (("explain", "x", "--policies", "/none"), "cannot read it"),
        (("lint", "/none"), "does not exist"),
        (("explain", "x", "--lang", "fr"), "fr"),
    ],
)
def test_usage(words: tuple[str, ...], said: str) -> None:
    result = guardrail_policy(*words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_folder_without_policies(tmp_path: Path) -> None:
    for command in ("lint", "test"):
        result = guardrail_policy(command, tmp_path)
        assert result.exit_code == 2
        assert "no policy file there" in result.stderr


@pytest.mark.parametrize("command", ["lint", "test", "schema", "explain"])
def test_help_has_an_example(command: str) -> None:
    result = guardrail_policy(command, "--help")
    assert f"Example: guardrail policy {command}" in result.stdout
