"""Personal data, found by Presidio with our recognisers. The only file that imports Presidio.

Presidio's engine runs without a language model (`no_op`): nothing is downloaded and nothing leaves
the process. Its own recognisers are not used: they miss numbers that stand beside Chinese text.
An operator's further `EntityRecognizer`s can be passed in; their results are mapped by `kinds`.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import presidio_analyzer  # noqa: F401  attaches handlers to loggers on import; see `_silence`
import re2
from presidio_analyzer.analyzer_engine import AnalyzerEngine
from presidio_analyzer.entity_recognizer import EntityRecognizer
from presidio_analyzer.nlp_engine import NlpArtifacts
from presidio_analyzer.nlp_engine.no_op_nlp_engine import NoOpNlpEngine
from presidio_analyzer.recognizer_registry import RecognizerRegistry
from presidio_analyzer.recognizer_result import RecognizerResult

from guardrail.detectors import phi_address, phi_en, phi_label, phi_name, phi_net, phi_zh
from guardrail.detectors.phi_hit import Hit, strongest
from guardrail.domain.exchange import Passage, Span
from guardrail.domain.finding import Finding, Report

LANGUAGE = "zh"  # Presidio asks for one; ours read Chinese and English alike
_INLINE_CHARS = 8_000  # about 8 ms; longer texts are read in a thread, so that other streams go on
_TAIL = 160

_RULES: tuple[tuple[str, Callable[[str], Iterator[Hit]]], ...] = (
    *phi_zh.RULES,
    *phi_label.RULES,
    *phi_net.RULES,
    *phi_name.RULES,
    *phi_address.RULES,
    *phi_en.RULES,
)
KINDS = frozenset(
    f"phi.{name}"
    for name in (
        *("person", "resident_id", "mobile", "landline", "bank_card", "email", "record_number"),
        *("insurance_number", "passport", "address", "birth_date", "social_account", "plate"),
        *("ip", "url", "ssn"),
    )
)


def _silence() -> None:
    """Presidio logs what it analyses when it traces: its loggers get no voice at all."""
    for name in ("presidio-analyzer", "decision_process"):
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False
        logger.disabled = True


def _triggers() -> re2.Set:
    triggers = re2.Set.SearchSet()
    for trigger, _ in _RULES:
        triggers.Add(trigger)
    triggers.Compile()
    return triggers


_silence()
_TRIGGERS = _triggers()


def find(text: str) -> list[Hit]:
    """What the rules whose trigger occurs in `text` find, in order of place."""
    due = _TRIGGERS.Match(text.encode("utf-8", "replace")) or ()
    return strongest(hit for index in sorted(due) for hit in _RULES[index][1](text))


class ClinicalRecognizer(EntityRecognizer):
    """All our rules as one Presidio recogniser: one pass, one list of results."""

    def __init__(self) -> None:
        super().__init__(sorted(KINDS), name="clinical", supported_language=LANGUAGE, version="1")

    def load(self) -> None:
        """Nothing to load: the rules are code."""

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: NlpArtifacts | None = None,  # noqa: ARG002  Presidio's signature
    ) -> list[RecognizerResult]:
        """Presidio's results for the kinds asked for."""
        return [
            RecognizerResult(hit.kind, hit.start, hit.end, hit.score)
            for hit in find(text)
            if hit.kind in entities
        ]


def _engine(more: Sequence[EntityRecognizer]) -> AnalyzerEngine:
    nlp = NoOpNlpEngine(models=[{"lang_code": LANGUAGE, "model_name": "none"}])
    nlp.load()
    registry = RecognizerRegistry([ClinicalRecognizer(), *more], supported_languages=[LANGUAGE])
    engine = AnalyzerEngine(registry, nlp, supported_languages=[LANGUAGE])
    _silence()
    return engine


class PhiDetector:
    """Personal data in Chinese and English text.

    `more` are further Presidio recognisers for language `zh`; `kinds_of` maps their entity names to
    our kinds (an entity that is not in it is dropped).
    """

    def __init__(
        self, more: Sequence[EntityRecognizer] = (), kinds_of: Mapping[str, str] | None = None
    ) -> None:
        self._engine = _engine(more)
        self._kinds_of = {kind: kind for kind in KINDS} | dict(kinds_of or {})

    @property
    def name(self) -> str:
        return "phi"

    @property
    def version(self) -> str:
        return "1"

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(self._kinds_of.values())

    async def look(self, passage: Passage) -> Report:
        """Findings over the whole passage; sure up to whatever may still grow at its end."""
        if len(passage.text) <= _INLINE_CHARS:
            return self._report(passage)
        return await asyncio.to_thread(self._report, passage)

    def _report(self, passage: Passage) -> Report:
        results = self._engine.analyze(passage.text, language=LANGUAGE) if passage.text else []
        findings = tuple(
            Finding(self._kinds_of[r.entity_type], Span(r.start, r.end), r.score, self.name)
            for r in sorted(results, key=lambda r: (r.start, r.end, r.entity_type))
            if r.entity_type in self._kinds_of
        )
        upto = len(passage.text) if passage.last else settled(passage.text, findings)
        return Report(self.name, self.version, upto, findings)


_OPEN = (
    phi_label.LABEL_AT_END,
    phi_name.NAME_AT_END,
    phi_address.ADDRESS_AT_END,
    # A number or a word of an address on the net, and what may still say what it was.
    re.compile(
        r"[+(（]?[0-9A-Za-z@](?:[0-9A-Za-z@_+%\-:/]|\.(?=[0-9A-Za-z])|[ \-]{1,2}(?=[0-9])){0,80}[^。！？!?；;\n.]{0,10}$"
    ),
    re.compile(r"(?:https?://|www\.)[^\s]{0,120}$|[0-9@][0-9A-Za-z@.\-]{0,60}\.$"),
    re.compile(r"[\u4e00-\u9fff·]{1,6}$"),
)


def settled(text: str, findings: Sequence[Finding] = ()) -> int:
    """Up to where nothing that follows `text` can add to or change what was found."""
    base = max(0, len(text) - _TAIL)
    tail = text[base:]
    starts = [base + match.start() for match in (p.search(tail) for p in _OPEN) if match]
    upto = min(starts, default=len(text))
    for finding in reversed(findings):
        if finding.span.end >= upto:
            upto = min(upto, finding.span.start)
    return upto
