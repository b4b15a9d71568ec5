"""A classifier artifact as a detector; the only file that knows onnxruntime.

int8 models scale each activation over the whole input of a run, so on the CPU, where batching saves
nothing, every window is run alone: a score never depends on who else was asking. On a GPU the float
graph of the same weights runs (`built.py`), and windows of like length share a run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from guardrail.detectors import built
from guardrail.detectors.artifact import Artifact
from guardrail.detectors.batching import Batcher, Ids, Limits
from guardrail.detectors.built import Built
from guardrail.detectors.encoding import Encoder, Window
from guardrail.domain.errors import BadConfig
from guardrail.domain.exchange import Passage
from guardrail.domain.finding import Finding, Report

_INLINE_CHARS = 4_000  # longer texts are cut into windows in a thread, so that others go on
PAD_TOKENS = 32
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
Logits = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Logits: how far the probes may be from those recorded, and a padded row from itself alone."""

    recorded: float
    padded: float


# int8 activations are scaled over the padding too, though the guard never pads int8 rows. Rows padded
# alone by 1 to 64 tokens moved by at most .35 (probes) and .50 (30 dev texts) with the shipped file,
# .63 and .33 with another training; with 32 tokens and a mask of ones, each row moved by 1.4 and
# more, and the worst probe by 8.8 and more. In a batch the rows' common scale adds up to .87.
# In float the padding has no part in a row: 0.000 seen.
TOLERANCES = {
    "int8": Tolerance(0.35, 1.25),
    "fp32": Tolerance(0.01, 0.001),
    "fp16": Tolerance(0.1, 0.1),
}


class Session:
    """One loaded model on one device. Raises `BadConfig` where the device is not what was asked
    for: a model that quietly runs elsewhere misses every deadline."""

    def __init__(
        self, artifact: Artifact, device: str = "cpu", among: Sequence[Path] | None = None
    ) -> None:
        """On cuda, an artifact that is not float itself runs by its built graph, which is looked
        for in the folders of `among` (beside the artifact where none are named)."""
        self.built = graph(artifact, device, among)
        self.precision = built.precision(artifact, self.built)
        self._device = device
        self._session = _session(self.built.model if self.built else artifact.model, device)
        self._alone = device == "cpu"
        if len(self._run([(101, 102)])[0]) != len(artifact.labels):
            raise BadConfig("model_manifest", f"{artifact.name}: heads and labels differ.")

    def infer(self, batch: Sequence[Ids]) -> list[Logits]:
        """Logits of every row, in order."""
        if self._alone:
            return [self._run([ids])[0] for ids in batch]
        return self._run(batch)

    def padded(self, ids: Ids, tokens: int) -> Logits:
        """Logits of one row with so many masked tokens behind it."""
        return self._run([ids], len(ids) + tokens)[0]

    def _run(self, batch: Sequence[Ids], at_least: int = 0) -> list[Logits]:
        longest = max(at_least, *map(len, batch))
        ids = np.zeros((len(batch), longest), dtype=np.int64)
        mask = np.zeros_like(ids)
        for number, row in enumerate(batch):
            ids[number, : len(row)] = row
            mask[number, : len(row)] = 1
        feed = {"input_ids": ids, "attention_mask": mask}
        if self._alone:
            (logits,) = self._session.run(["logits"], feed)
        else:
            logits = bound(self._session, feed, self._device)
        return [tuple(map(float, row)) for row in logits]


def bound(session: Any, feed: Mapping[str, Any], device: str) -> Any:  # noqa: ANN401 - untyped library
    """Logits of a run whose inputs lie on the device before it begins: one copy there and one back.
    Safe from several threads: each run binds for itself."""
    binding = session.io_binding()
    for name, values in feed.items():
        binding.bind_ortvalue_input(
            name, onnxruntime.OrtValue.ortvalue_from_numpy(values, device, 0)
        )
    binding.bind_output("logits", "cpu")
    session.run_with_iobinding(binding)
    return binding.copy_outputs_to_cpu()[0]


def graph(artifact: Artifact, device: str, among: Sequence[Path] | None = None) -> Built | None:
    """What runs on the device instead of the artifact's own file, or None. Raises `BadConfig` where
    it is missing, stale or altered, or where there is no such device."""
    if device in artifact.devices:
        return None
    if device != "cuda":
        raise BadConfig(
            "model_device",
            f"{artifact.name} is made for {', '.join(artifact.devices)}, not {device}.",
            "Set `classifier.device`, or export an artifact with `precision: fp32`.",
        )
    return built.find(artifact, built.folders(artifact) if among is None else among)


def _session(model: Path, device: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    if device == "cuda" and hasattr(onnxruntime, "preload_dlls"):
        onnxruntime.preload_dlls()
    try:
        session = onnxruntime.InferenceSession(str(model), options, providers=[_provider(device)])
    except Exception as error:  # noqa: BLE001 - the library raises its own unrelated classes
        raise BadConfig("model_unreadable", f"{model}: {error}") from None
    if session.get_providers()[0] != PROVIDERS[device]:
        raise BadConfig(
            "model_device",
            f"asked for {device}, onnxruntime chose {session.get_providers()[0]}.",
            "Run `guardrail doctor`: onnxruntime and onnxruntime-gpu may be installed together.",
        )
    return session


def _provider(device: str) -> str | tuple[str, dict[str, str]]:
    """TF32 would make fp32 on a GPU no better than fp16; who asks for fp32 wants it exact."""
    name = PROVIDERS[device]
    return (name, {"use_tf32": "0"}) if device == "cuda" else name


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
        """Of the weights; on another device than the CPU they are read by another graph."""
        weights = f"{self._artifact.version}+{self._artifact.digest[:12]}"
        return weights if self._device == "cpu" else f"{weights}.{self._device}"

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
    """Largest distance of logits: from those recorded when the artifact (or the graph built from
    it, in fp32) was made, and of a row padded alone from the same row as it is. Large `recorded`:
    this CPU computes int8 otherwise (no VNNI)."""

    recorded: float
    padded: float
    tolerance: Tolerance = TOLERANCES["int8"]

    @property
    def sound(self) -> bool:
        allowed = self.tolerance
        return self.recorded <= allowed.recorded and self.padded <= allowed.padded


def parity(artifact: Artifact, device: str = "cpu", among: Sequence[Path] | None = None) -> Parity:
    """Run the artifact's own probes here. Raises `BadConfig` where it cannot run."""
    session = Session(artifact, device, among)
    rows = _probes(artifact)
    alone = [session.infer([ids])[0] for ids in rows]
    padded = [session.padded(ids, PAD_TOKENS) for ids in rows]
    recorded = session.built.probes if session.built else [p.logits for p in artifact.probes]
    return Parity(
        built.apart(alone, recorded), built.apart(alone, padded), TOLERANCES[session.precision]
    )


def probed(artifact: Artifact, model: Path) -> list[Logits]:
    """Logits of the artifact's probes by another model file with its heads, on the CPU."""
    session = _session(model, "cpu")
    found = []
    for row in _probes(artifact):
        ids = np.array([row], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        found.append(tuple(map(float, session.run(["logits"], feed)[0][0])))
    return found


def _probes(artifact: Artifact) -> list[Ids]:
    encoder = Encoder(artifact.tokenizer, artifact.shape)
    return [encoder.windows(probe.text)[-1].ids for probe in artifact.probes]


def classifier(
    artifact: Artifact,
    device: str = "cpu",
    limits: Limits | None = None,
    among: Sequence[Path] | None = None,
) -> ClassifierDetector:
    """The artifact as a running detector. Raises `BadConfig` where it cannot run as asked."""
    session = Session(artifact, device, among)
    return ClassifierDetector(
        artifact.on(device),
        Encoder(artifact.tokenizer, artifact.shape),
        Batcher(session.infer, limits),
        device,
    )
