"""Text → windows of token ids, one per sentence, each led by what stands before it.

Training and the running guard use this file, so a model meets the same shapes in both. Windows
depend only on the text before and in each sentence: what follows never changes them, and a text
that arrives in pieces (with enough context) gives the windows of the whole. Nothing is dropped
silently: a sentence longer than a window is walked in overlapping strides.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from guardrail.domain.errors import BadConfig
from guardrail.domain.exchange import Span
from guardrail.guard.window import Splitter

_SURROGATE = re.compile("[\ud800-\udfff]")
LONGEST_SENTENCE_CHARS = 400  # as the guard's own default for what it holds back
PROBE = "患者昨晚服用了阿莫西林后出现皮疹"


@dataclass(frozen=True, slots=True)
class Shape:
    """How much a window holds, in tokens of the model. `stride` is the overlap inside a sentence
    that is longer than a window."""

    max_tokens: int = 128
    context_sentences: int = 3
    context_tokens: int = 64
    stride: int = 32


@dataclass(frozen=True, slots=True)
class Window:
    """One model input. `span` is the part of the text it judges (its context stands before)."""

    span: Span
    ids: tuple[int, ...]


def sentences(text: str) -> tuple[Span, ...]:
    """Spans of the guard's own units, end marks included, covering the text without holes."""
    ends = Splitter(LONGEST_SENTENCE_CHARS).feed(text)
    if not ends or ends[-1] < len(text):
        ends.append(len(text))
    if not text:
        return ()
    return tuple(Span(start, end) for start, end in zip([0, *ends], ends, strict=False))


class Encoder:
    """A tokenizer with a window shape. Raises `BadConfig` where the file is no usable tokenizer."""

    def __init__(self, tokenizer: Path, shape: Shape) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # noqa: BLE001 - the library raises bare Exception
            raise BadConfig("tokenizer_unreadable", f"{tokenizer.name}: {error}") from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.shape = shape
        self.pad_id = self._special("[PAD]")
        self._cls, self._sep, self._unk = map(self._special, ("[CLS]", "[SEP]", "[UNK]"))
        if self.unknown_rate(PROBE) > 0:
            raise BadConfig(
                "tokenizer_blind", f"{tokenizer.name} maps Chinese to [UNK]", "Use tokenizer.json."
            )

    def _special(self, token: str) -> int:
        number = self._tokenizer.token_to_id(token)
        if number is None:
            raise BadConfig("tokenizer_unreadable", f"tokenizer has no {token}")
        return int(number)

    def unknown_rate(self, text: str) -> float:
        """Share of the text's tokens that the vocabulary does not know, 0..1."""
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids.count(self._unk) / len(ids) if ids else 0.0

    def windows(self, text: str, fresh: int = 0) -> tuple[Window, ...]:
        """Windows whose spans together cover every token that ends after `fresh`."""
        encoding = self._tokenizer.encode(_encodable(text), add_special_tokens=False)
        ids, ends = encoding.ids, [end for _, end in encoding.offsets]
        spans = sentences(text)
        firsts = [bisect_left(ends, span.start + 1) for span in spans]
        found: list[Window] = []
        for number, span in enumerate(spans):
            last = bisect_left(ends, span.end + 1)
            if span.end <= fresh or last == firsts[number]:
                continue
            opening = firsts[max(0, number - self.shape.context_sentences)]
            for start, stop in self._pieces(firsts[number], last):
                lead = max(opening, start - self._room(stop - start))
                whole = start == firsts[number]
                left = span.start if whole else ends[start - 1]
                piece = Span(left, span.end if stop == last else ends[stop - 1])
                if piece.end > fresh:
                    inner = ids[lead if whole else start : stop]
                    found.append(Window(piece, (self._cls, *inner, self._sep)))
        return tuple(found)

    def _room(self, size: int) -> int:
        return min(self.shape.context_tokens, self.shape.max_tokens - 2 - size)

    def _pieces(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        body = self.shape.max_tokens - 2
        start = first
        while last - start > body:
            yield start, start + body
            start += body - self.shape.stride
        yield start, last


def _encodable(text: str) -> str:
    """The text with lone surrogates replaced, character by character."""
    return _SURROGATE.sub("\ufffd", text)
