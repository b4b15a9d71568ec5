"""Small charts as SVG text: axes, lines, bars with intervals. No library, the same bytes every time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 60, 16, 40, 48
LEGEND = 18
COLOURS = ("#4c8dc4", "#c8553d", "#3a7d44", "#8a5a9e", "#b8860b", "#444444")
FONT = 'font-family="sans-serif" font-size="12" fill="#222222"'
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """`ticks` are (value, words); a log axis needs `low` above 0."""

    title: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    log: bool = False

    def place(self, value: float) -> float:
        """0 at the low end, 1 at the high end; values outside stand at the end."""
        held = min(max(value, self.low), self.high)
        if self.log:
            return math.log(held / self.low) / math.log(self.high / self.low)
        return (held - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Line:
    points: Sequence[Point]
    colour: int
    dash: str = ""
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A share with its interval; a faint one is drawn behind (another scorer)."""

    value: float
    low: float
    high: float
    other: float | None = None


def lines(title: str, x: Axis, y: Axis, named: Mapping[str, Line]) -> str:
    """Lines with a legend in two columns below."""
    drawn = [*_frame(title, x, y), *(_line(x, y, line) for line in named.values())]
    for number, (name, line) in enumerate(named.items()):
        height = HEIGHT + 8 + LEGEND * (number // 2)
        start = LEFT + (number % 2) * (WIDTH - LEFT) // 2
        drawn.append(_stroke([(start, height), (start + 26, height)], line.colour, line.dash))
        drawn.append(_words(start + 32, height + 4, name))
    return _whole(drawn, HEIGHT + LEGEND * ((len(named) + 1) // 2) + 4)


def bars(title: str, named: Mapping[str, Bar], mark: float) -> str:
    """One bar per name, from 0 to 1, with whiskers; a dashed rule at `mark`."""
    step, left = 19, 230
    height = TOP + step * len(named) + BOTTOM

    def across(value: float) -> float:
        return left + value * (WIDTH - RIGHT - left)

    bottom = height - BOTTOM + 6
    drawn = [_words(10, 22, title, size=14)]
    for tick in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        drawn.append(_stroke([(across(tick), TOP), (across(tick), bottom)], None))
        drawn.append(_words(across(tick), bottom + 16, f"{tick:.1f}", anchor="middle"))
    for number, (name, bar) in enumerate(named.items()):
        drawn.extend(_bar(TOP + step * number + 4, name, bar, left, across))
    drawn.append(_stroke([(across(mark), TOP), (across(mark), bottom)], 1, "4 3"))
    return _whole(drawn, height)


def _bar(
    top: float, name: str, bar: Bar, left: float, across: Callable[[float], float]
) -> Iterator[str]:
    yield _words(left - 8, top + 10, name, anchor="end")
    wide = across(bar.value) - left
    yield f'<rect x="{left}" y="{top:.0f}" width="{wide:.1f}" height="12" fill="{COLOURS[0]}"/>'
    yield _stroke([(across(bar.low), top + 6), (across(bar.high), top + 6)], 5)
    if bar.other is not None:
        here = across(bar.other)
        yield _stroke([(here, top - 2), (here, top + 14)], 1, width=2.5)


def _frame(title: str, x: Axis, y: Axis) -> Iterator[str]:
    yield _words(LEFT, 22, title, size=14)
    for value, words in x.ticks:
        here = _x(x, value)
        yield _stroke([(here, TOP), (here, HEIGHT - BOTTOM)], None)
        yield _words(here, HEIGHT - BOTTOM + 16, words, anchor="middle")
    for value, words in y.ticks:
        here = _y(y, value)
        yield _stroke([(LEFT, here), (WIDTH - RIGHT, here)], None)
        yield _words(LEFT - 6, here + 4, words, anchor="end")
    yield _words((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x.title, anchor="middle")
    yield (
        f'<text x="14" y="{(TOP + HEIGHT - BOTTOM) / 2:.0f}" {FONT} text-anchor="middle" '
        f'transform="rotate(-90 14 {(TOP + HEIGHT - BOTTOM) / 2:.0f})">{escape(y.title)}</text>'
    )


def _line(x: Axis, y: Axis, line: Line) -> str:
    placed = [(_x(x, a), _y(y, b)) for a, b in line.points]
    drawn = _stroke(placed, line.colour, line.dash, width=2)
    if line.dots:
        fill = COLOURS[line.colour]
        drawn += "".join(
            f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{fill}"/>' for a, b in placed
        )
    return drawn


def _x(axis: Axis, value: float) -> float:
    return LEFT + axis.place(value) * (WIDTH - RIGHT - LEFT)


def _y(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - axis.place(value) * (HEIGHT - BOTTOM - TOP)


def _stroke(points: Sequence[Point], colour: int | None, dash: str = "", width: float = 1.5) -> str:
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
    shade = "#dddddd" if colour is None else COLOURS[colour]
    wide = 1 if colour is None else width
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<polyline points="{path}" fill="none" stroke="{shade}" stroke-width="{wide}"{dashed}/>'


def _words(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    font = FONT.replace('"12"', f'"{size}"')
    return f'<text x="{x:.0f}" y="{y:.0f}" {font} text-anchor="{anchor}">{escape(text)}</text>'


def _whole(drawn: Sequence[str], height: float) -> str:
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}"><rect width="100%" height="100%" fill="#ffffff"/>'
    )
    return "\n".join([opening, *drawn, "</svg>\n"])
