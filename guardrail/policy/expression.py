"""Conditions in CEL. The one file that knows the CEL library.

A condition sees `scene`, `side`, `audience`, `tenant`, `purpose`, `speaker` (text), `kinds` (the
kinds of finding that were found) and every score key as a number, written as it is:
`eth.clinical_care >= 0.9`. A score nobody gave is unknown: `false && unknown` is false,
`true || unknown` is true, everything else that depends on it is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from cel_expr_python import cel

from guardrail.policy import syntax

MAX_CHARS = 1000
MAX_DEPTH = 24
MAX_MESSAGE = 200  # a syntax error may quote all of a long condition
TEXTS = ("scene", "side", "audience", "tenant", "purpose", "speaker")

_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_NUMBER = re.compile(r"-?[0-9.]+(?:[eE][-+]?[0-9]+)?")


class ExpressionError(ValueError):
    """The condition cannot be used. `line` and `column` (1-based) point into its text."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(f"{line}:{column}: {message}")
        self.message = message
        self.line = line
        self.column = column


class Truth(Enum):
    FALSE = 0
    TRUE = 1
    UNKNOWN = 2


@dataclass(frozen=True, slots=True)
class Threshold:
    """A number written in a condition, by the characters it takes."""

    start: int
    end: int
    value: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about one text, ready for many conditions."""

    activation: cel.Activation


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition that compiled. `scores`: score keys it reads; `lookups`: (kind, offset) of
    every `'kind' in kinds`; `scans`: it also reads `kinds` in another way."""

    text: str
    scores: frozenset[str]
    scans: bool
    lookups: tuple[tuple[str, int], ...]
    thresholds: tuple[Threshold, ...]
    program: cel.Expression = field(repr=False, compare=False)

    def truth(self, facts: Facts) -> Truth:
        value = self.program.eval(facts.activation).value()
        if value is True:
            return Truth.TRUE
        return Truth.FALSE if value is False else Truth.UNKNOWN


class Language:
    """The variables of conditions, and the way from text to `Expression`."""

    def __init__(self, score_keys: Iterable[str]) -> None:
        kinds = cel.Type.List(cel.Type.STRING)
        variables = dict.fromkeys(TEXTS, cel.Type.STRING) | {syntax.KINDS: kinds}
        self.scores = frozenset(score_keys)
        self.names = self.scores | frozenset(variables)
        variables |= dict.fromkeys(sorted(self.scores), cel.Type.DOUBLE)
        self._env = cel.NewEnv(variables=variables)

    def compile(self, text: str) -> Expression:
        """Raises `ExpressionError` for syntax, unknown names, wrong types and what is not allowed
        in a condition."""
        if len(text) > MAX_CHARS:
            raise ExpressionError(f"longer than {MAX_CHARS} characters")
        program = self._compiled(text)
        root = syntax.tree(program.serialize())
        self._refuse(text, root, program)
        lookups = tuple((str(n.value), n.at) for n in syntax.looked_up(root))
        return Expression(
            text=text,
            scores=frozenset(n.name for n in root.walk() if n.name in self.scores),
            scans=sum(n.name == syntax.KINDS for n in root.walk()) > len(lookups),
            lookups=lookups,
            thresholds=tuple(_threshold(text, n) for n in root.walk() if type(n.value) is float),
            program=program,
        )

    def moved(self, expression: Expression, threshold: Threshold, by: float) -> Expression:
        """The same condition with one of its numbers moved."""
        text, number = expression.text, repr(round(threshold.value + by, 9))
        return self.compile(text[: threshold.start] + number + text[threshold.end :])

    def facts(self, values: Mapping[str, object]) -> Facts:
        """`values` by variable name; a name left out is unknown."""
        return Facts(self._env.Activation(values))

    def _compiled(self, text: str) -> cel.Expression:
        try:
            return self._env.compile(text)
        except RuntimeError as error:
            raise _explained(str(error)) from None

    def _refuse(self, text: str, root: syntax.Node, program: cel.Expression) -> None:
        if root.depth() > MAX_DEPTH:
            raise ExpressionError(f"nested deeper than {MAX_DEPTH} levels")
        found = syntax.complaint(root)
        if found is not None:
            raise ExpressionError(found[1], *_spot(text, found[0]))
        if program.return_type() != cel.Type.BOOL:
            raise ExpressionError("a condition must be true or false")


def _explained(error: str) -> ExpressionError:
    match = _ERROR.search(error)
    if match is None:
        return ExpressionError("not an expression (too deeply nested?)")
    line, column, message = match.groups()
    message = message.replace(" (in container '')", "").partition(" expecting {")[0]
    if "'(double, int)'" in message or "'(int, double)'" in message:
        message += "; write the number with a decimal point, such as 1.0"
    return ExpressionError(message[:MAX_MESSAGE], int(line), int(column))


def _threshold(text: str, node: syntax.Node) -> Threshold:
    number = _NUMBER.match(text, node.at)
    end = number.end() if number else node.at
    return Threshold(node.at, end, float(node.value or 0.0))


def _spot(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1
