"""The four errors: a code for machines, a message and a remedy for people."""

from __future__ import annotations

import pytest

from guardrail.domain.errors import (
    BadConfig,
    BadRequest,
    BrokenLedger,
    GuardrailError,
    UpstreamFailed,
)


@pytest.mark.parametrize("kind", [BadRequest, UpstreamFailed, BadConfig, BrokenLedger])
@pytest.mark.parametrize(
    ("message", "remedy", "told"),
    [
        ("It is wrong.", "Do better.", "It is wrong. Do better."),
        ("有误。", "请更正。", "有误。 请更正。"),
        ("Nothing to be done.", "", "Nothing to be done."),
    ],
)
def test_message_and_remedy_are_told_together(
    kind: type[GuardrailError], message: str, remedy: str, told: str
) -> None:
    error = kind("some_code", message, remedy)
    assert (error.code, error.message, error.remedy, str(error)) == (
        "some_code",
        message,
        remedy,
        told,
    )


def test_a_bad_request_names_the_parameter() -> None:
    assert BadRequest("c", "m", param="messages.0").param == "messages.0"
    assert BadRequest("c", "m").param is None


def test_bad_config_begins_with_the_place() -> None:
    error = BadConfig("c", "unknown key.", "Remove it.", where="guardrail.yaml:3:1")
    assert error.where == "guardrail.yaml:3:1"
    assert str(error) == "guardrail.yaml:3:1: unknown key. Remove it."
    assert str(BadConfig("c", "unknown key.")) == "unknown key."


def test_a_broken_ledger_names_the_index() -> None:
    assert BrokenLedger("c", "m", index=7).index == 7
    assert BrokenLedger("c", "m").index is None
