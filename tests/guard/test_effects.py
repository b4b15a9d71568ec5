import dataclasses

from guardrail.domain.verdict import Action, Verdict
from guardrail.guard import effects


def test_a_close_needs_no_more_than_how_and_why() -> None:
    close = effects.Close(effects.Ending.GONE, Verdict(Action.ALLOW, "d"))
    assert (close.finish, close.usage, close.case, close.code, close.forwarded) == (
        {},
        {},
        None,
        "",
        False,
    )


def test_effects_carry_no_clock() -> None:
    kinds = effects.Effect.__args__  # type: ignore[attr-defined]
    assert not any("at" in {f.name for f in dataclasses.fields(kind)} for kind in kinds)
