"""A classifier artifact as a detector; the only file that knows onnxruntime.

int8 models scale each activation over the whole input of a run, so on the CPU, where batching saves
nothing, every window is run alone: a score never depends on who else was asking. On a GPU (float
weights) windows of like length share a run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime

from guardrail.detectors.artifact import Artifact
from guardrail.detectors.batching import Batcher, Ids, Limits
from guardrail.detectors.encoding import Encoder, Window
from guardrail.domain.errors import BadConfig
from guardrail.domain.exchange import Passage
from guardrail.domain.finding import Finding, Report

_INLINE_CHARS = 4_000  # longer texts are cut into windows in a thread, so that others go on
RECORDED_LOGITS = 0.35
# int8 activations are scaled over the padding too: up to 0.4 seen, while a mask that is ignored
# moves logits by 5 and more. The guard itself never pads int8 rows.
PADDED_LOGITS = 0.75
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
Logits = tuple[float, ...]


class Session:
    """One loaded model on one device. Raises `BadConfig` where the device is not what was asked
    for: a model that quietly runs elsewhere misses every deadline."""

    def __init__(self, artifact: Artifact, device: str = "cpu") -> None:
        if device not in artifact.devices:
            raise BadConfig(
                "model_device",
                f"{artifact.name} is made for {', '.join(artifact.devices)}, not {device}.",
                "Set `classifier.device`, or export an artifact with `precision: fp32`.",
            )
        self._session = _session(artifact, device)
        self._alone = device == "cpu"
        if len(self._run([(101, 102)])[0]) != len(artifact.labels):
            raise BadConfig("model_manifest", f"{artifact.name}: heads and labels differ.")

    def infer(self, batch: Sequence[Ids]) -> list[Logits]:
        """Logits of every row, in order."""
        if self._alone:
            return [self._run([ids])[0] for ids in batch]
        return self._run(batch)

    def together(self, batch: Sequence[Ids]) -> list[Logits]:
        """The same in one padded run."""
        return self._run(batch)

    def _run(self, batch: Sequence[Ids]) -> list[Logits]:
        longest = max(map(len, batch))
        ids = np.zeros((len(batch), longest), dtype=np.int64)
        mask = np.zeros_like(ids)
        for number, row in enumerate(batch):
            ids[number, : len(row)] = row
            mask[number, : len(row)] = 1
        (logits,) = self._session.run(["logits"], {"input_ids": ids, "attention_mask": mask})
        return [tuple(map(float, row)) for row in logits]


def _session(artifact: Artifact, device: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    if device == "cuda" and hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()
    try:
        session = onnxruntime.InferenceSession(
            str(artifact.model), options, providers=[PROVIDERS[device]]
        )
    except Exception as error:  # noqa: BLE001 - the library raises its own unrelated classes
        raise BadConfig("model_unreadable", f"{artifact.model}: {error}") from None
    if session.get_providers()[0] != PROVIDERS[device]:
        raise BadConfig(
            "model_device",
            f"asked for {device}, onnxruntime chose {session.get_providers()[0]}.",
            "Run `guardrail doctor`: onnxruntime and onnxruntime-gpu may be installed together.",
        )
    return session


class ClassifierDetector:
    """Scores every head on what is fresh; the strongest sentence counts.

    `scores` are calibrated probabilities. A finding marks the sentence in which a head reached its
    low mark. A text without a word in it scores 0 on all: nothing stands there that could be judged.
    """

    def __init__(
        self, artifact: Artifact, encoder: Encoder, batcher: Batcher[Logits], device: str = "cpu"
    ) -> None:
        self._device = device
        self._artifact = artifact
        self._encoder = encoder
        self._batcher = batcher

    @property
    def name(self) -> str:
        return self._artifact.name

    @property
    def version(self) -> str:
        return f"{self._artifact.version}+{self._artifact.digest[:12]}"

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(self._artifact.labels)

    async def look(self, passage: Passage) -> Report:
        """Raises `QueueFull`, `TextTooLong` or `QueueClosed` instead of an answer."""
        windows = await self._windows(passage)
        answers = await self._batcher.submit([window.ids for window in windows])
        seen = [self._artifact.probabilities(logits) for logits in answers]
        return Report(
            detector=self.name,
            version=self.version,
            final_upto=len(passage.text),
            findings=tuple(
                finding
                for window, scores in zip(windows, seen, strict=True)
                for finding in self._findings(window, scores)
            ),
            scores={
                key: max((scores[key] for scores in seen), default=0.0)
                for key in self._artifact.labels
            },
        )

    async def _windows(self, passage: Passage) -> tuple[Window, ...]:
        if len(passage.text) <= _INLINE_CHARS:
            return self._encoder.windows(passage.text, passage.fresh)
        return await asyncio.to_thread(self._encoder.windows, passage.text, passage.fresh)

    def _findings(self, window: Window, scores: Mapping[str, float]) -> list[Finding]:
        return [
            Finding(
                kind=key,
                span=window.span,
                score=score,
                detector=self.name,
                dimension=key if "." in key else None,
            )
            for key, score in scores.items()
            if score >= self._artifact.low[key]
        ]

    @property
    def waiting(self) -> int:
        """Tokens in the queue."""
        return self._batcher.waiting_tokens

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Name, version, digest of the weights, device."""
        return self.name, self._artifact.version, self._artifact.digest, self._device

    async def close(self) -> None:
        await self._batcher.close()


@dataclass(frozen=True, slots=True)
class Parity:
    """Largest distance of logits: from those recorded when the artifact was made, and of a padded
    row from the same row alone. Large `recorded`: this CPU computes int8 otherwise (no VNNI)."""

    recorded: float
    padded: float

    @property
    def sound(self) -> bool:
        return self.recorded <= RECORDED_LOGITS and self.padded <= PADDED_LOGITS


def parity(artifact: Artifact, device: str = "cpu") -> Parity:
    """Run the artifact's own probes here. Raises `BadConfig` where it cannot run."""
    session, encoder = Session(artifact, device), Encoder(artifact.tokenizer, artifact.shape)
    rows = [encoder.windows(probe.text)[-1].ids for probe in artifact.probes]
    alone, padded = session.infer(rows), session.together(rows)
    recorded = [probe.logits for probe in artifact.probes]
    return Parity(_distance(alone, recorded), _distance(alone, padded))


def _distance(some: Sequence[Logits], others: Sequence[Logits]) -> float:
    pairs = zip(some, others, strict=True)
    return max((float(np.abs(np.subtract(a, b)).max()) for a, b in pairs), default=0.0)


def classifier(
    artifact: Artifact, device: str = "cpu", limits: Limits | None = None
) -> ClassifierDetector:
    """The artifact as a running detector. Raises `BadConfig` where it cannot run as asked."""
    session = Session(artifact, device)
    return ClassifierDetector(
        artifact,
        Encoder(artifact.tokenizer, artifact.shape),
        Batcher(session.infer, limits),
        device,
    )
