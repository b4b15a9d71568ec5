from __future__ import annotations

from typing import Any

from guardrail.domain.exchange import Exchange
from guardrail.guard.effects import Effect
from guardrail.guard.events import Event
from guardrail.guard.ports import Watch
from guardrail.telemetry.watch import Watches


class Diary:
    def __init__(self, name: str, pages: list[tuple[str, str, float]]) -> None:
        self.name, self.pages = name, pages

    def saw(self, exchange: Exchange, thing: Event | Effect, at: float) -> None:
        self.pages.append((self.name, type(thing).__name__, at))

    def refused(self, code: str) -> None:
        self.pages.append((self.name, code, 0.0))


def test_every_watch_sees_every_thing_in_order(play: Any) -> None:
    pages: list[tuple[str, str, float]] = []
    watches: Watch = Watches(Diary("first", pages), Diary("second", pages))
    play.to(watches)
    told = [(type(thing).__name__, at) for at, thing in play.moments]
    assert pages == [(name, *one) for one in told for name in ("first", "second")]


def test_every_watch_hears_of_a_refusal() -> None:
    pages: list[tuple[str, str, float]] = []
    Watches(Diary("first", pages), Diary("second", pages)).refused("body_too_large")
    assert pages == [("first", "body_too_large", 0.0), ("second", "body_too_large", 0.0)]


def test_nobody_need_watch(play: Any) -> None:
    play.to(Watches())
