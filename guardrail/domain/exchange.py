"""Exchange: one question and its answer, as every dialect of the wire is translated into it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Side(StrEnum):
    """Which way a text travels: towards the LLM or back from it."""

    INPUT = "input"
    OUTPUT = "output"


class Scene(StrEnum):
    """Risk class of the use (风险分级), strictest first."""

    A = "A"  # diagnosis and treatment
    B = "B"  # clinical documents
    C = "C"  # triage, health advice
    D = "D"  # administration

    def stricter(self, other: Scene) -> Scene:
        """The stricter of the two (A is the strictest)."""
        return min(self, other, key=lambda scene: scene.value)


class Audience(StrEnum):
    """Who reads the answer."""

    CLINICIAN = "clinician"
    PATIENT = "patient"


class Speaker(StrEnum):
    """Who wrote a turn. The model's own answer speaks as ASSISTANT."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class Strand(StrEnum):
    """The kinds of text one choice of an answer carries."""

    CONTENT = "content"
    REASONING = "reasoning"
    REFUSAL = "refusal"
    TOOL_CALL = "tool_call"


@dataclass(frozen=True, slots=True, order=True)
class Channel:
    """One append-only text of an answer; each has its own commit frontier.

    `index` numbers the tool calls of a choice and is 0 for the other strands.
    """

    choice: int = 0
    strand: Strand = Strand.CONTENT
    index: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open range of character offsets: `text[start:end]`."""

    start: int
    end: int

    def shifted(self, by: int) -> Span:
        return Span(self.start + by, self.end + by)

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Passage:
    """A text handed to detectors.

    `text[:fresh]` is context that was judged before; `text[fresh:]` is what is new. Spans that
    detectors report are offsets in `text`. `last` says that nothing will follow. `kinds` are the
    finding kinds and score keys that anyone will read; None means all.
    """

    text: str
    side: Side
    speaker: Speaker
    strand: Strand = Strand.CONTENT
    fresh: int = 0
    last: bool = True
    kinds: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One text of the question. `path` is where it stands in the caller's JSON body, so that
    masked text can be written back in its place."""

    speaker: Speaker
    text: str
    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as the key (never a header of the caller's own) says."""

    name: str = "local"
    tenant: str = "default"
    role: str = "app"  # app | doctor | ops | local (keys are off)
    audience: Audience = Audience.PATIENT
    scene: Scene = Scene.C
    on_block: str = "notice"  # notice | error
    extension: bool = True  # add the top-level `guardrail` object to answers
    models: tuple[str, ...] = ()  # allowed models; empty means every one the upstream lists


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question as asked; its answer arrives as events."""

    id: str
    model: str
    turns: tuple[Turn, ...]
    caller: Caller = field(default_factory=Caller)
    scene: Scene = Scene.C
    purpose: str = ""
    cohort: str = ""
    endpoint: str = "chat.completions"
    stream: bool = False
    choices: int = 1
    tools: tuple[str, ...] = ()  # names the caller declared; a call of any other is refused
    wants_logprobs: bool = False
    asked_at: float = 0.0  # Unix seconds, stamped by the driver
