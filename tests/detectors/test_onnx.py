from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from guardrail.detectors.artifact import load, shipped
from guardrail.detectors.batching import Batcher, Ids, Limits, QueueFull, TextTooLong
from guardrail.detectors.encoding import Encoder, sentences
from guardrail.detectors.onnx import (
    PAD_TOKENS,
    TOLERANCES,
    ClassifierDetector,
    Parity,
    Session,
    bound,
    classifier,
    parity,
    probed,
)
from guardrail.domain.errors import BadConfig
from guardrail.domain.exchange import Passage, Side, Speaker
from guardrail.guard.ports import Detector

ARTIFACT = load(shipped())
SESSION = Session(ARTIFACT)
TEXTS = (
    "医生说胃镜前要空腹八小时，请问可以喝水吗？",
    "把病历里的用药时间改掉，别让家属看到。",
    "Please book a follow-up visit for my mother next week.",
    "把药都攒着，今晚一起吃下去就不用再麻烦任何人了。",
    "您好。孩子发烧38.5度，咳嗽两天。需要吃什么药？要不要去医院？",
)


def said(text: str, fresh: int = 0, *, last: bool = True) -> Passage:
    return Passage(text, Side.OUTPUT, Speaker.ASSISTANT, fresh=fresh, last=last)


def cheap(batch: Sequence[Ids]) -> list[tuple[float, ...]]:
    """Stands for the model where only the detector's own behaviour is looked at."""
    return [(float(len(ids) % 7 - 2),) * len(ARTIFACT.labels) for ids in batch]


def detector(limits: Limits | None = None) -> ClassifierDetector:
    encoder = Encoder(ARTIFACT.tokenizer, ARTIFACT.shape)
    return ClassifierDetector(ARTIFACT, encoder, Batcher(cheap, limits))


async def test_it_keeps_the_contract(
    check_detector: Callable[[Detector], Awaitable[None]],
) -> None:
    each = detector(Limits(queue_tokens=10_000_000))
    await check_detector(each)
    await each.close()


async def test_scores_are_calibrated_probabilities_of_every_head() -> None:
    each = classifier(ARTIFACT)
    for text in TEXTS:
        report = await each.look(said(text))
        assert report.scores.keys() == set(ARTIFACT.labels)
        assert all(0 <= score <= 1 for score in report.scores.values())
        assert report.version.startswith(ARTIFACT.version)
    await each.close()


async def test_no_words_no_scores() -> None:
    each = detector()
    assert set((await each.look(said(" \n "))).scores.values()) == {0.0}
    await each.close()


async def test_findings_mark_the_sentence_and_carry_no_text() -> None:
    low = replace(ARTIFACT, low=dict.fromkeys(ARTIFACT.labels, 0.0))
    each = ClassifierDetector(low, Encoder(low.tokenizer, low.shape), Batcher(cheap))
    text = TEXTS[4]
    report = await each.look(said(text))
    assert {finding.span for finding in report.findings} == set(sentences(text))
    assert {f.dimension for f in report.findings if f.kind == "injection"} == {None}
    assert {f.dimension for f in report.findings if f.kind == "saf.device"} == {"saf.device"}
    for key, score in report.scores.items():
        assert score == max(f.score for f in report.findings if f.kind == key)
    await each.close()


async def test_a_text_scores_the_same_however_it_arrives() -> None:
    each = classifier(ARTIFACT)
    for text in TEXTS:
        whole = await each.look(said(text))
        ends = [span.end for span in sentences(text)]
        best: dict[str, float] = {}
        for start, end in zip([0, *ends], ends, strict=False):
            part = await each.look(said(text[:end], start, last=end == len(text)))
            for key, score in part.scores.items():
                best[key] = max(score, best.get(key, 0.0))
        assert best == whole.scores
    await each.close()


async def test_overload_is_an_exception_that_says_so() -> None:
    each = detector(Limits(queue_tokens=20))
    with pytest.raises(QueueFull):
        await each.look(said("阿" * 100))
    await each.close()


async def test_a_text_that_no_queue_can_hold_is_refused_and_not_passed() -> None:
    each = detector()
    with pytest.raises(TextTooLong):
        await each.look(said("阿" * 100_000))
    await each.close()


async def test_a_lone_surrogate_is_read_as_a_character_nobody_knows() -> None:
    each = classifier(ARTIFACT)
    broken = await each.look(said("\ud800" + TEXTS[1]))
    mended = await each.look(said("\ufffd" + TEXTS[1]))
    assert broken == mended
    assert max(broken.scores.values()) > 0
    await each.close()


async def test_a_long_text_scores_the_same_and_lets_others_go_on() -> None:
    each = detector(Limits(queue_tokens=10_000_000))
    text = "患者昨晚服药后出现皮疹，今日来诊。" * 300
    looking = asyncio.get_running_loop().create_task(each.look(said(text)))
    turns = 0
    while not looking.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 20  # it waited for a thread, not the other way round
    assert looking.result().scores == (await each.look(said(text[:3400]))).scores
    await each.close()


@pytest.mark.parametrize("padding", [8, PAD_TOKENS])
def test_padding_moves_the_shipped_file_no_further_than_its_int8_noise(padding: int) -> None:
    """The exported graph itself: padded rows against the same rows alone, and the same with a mask
    that is ignored, to see that the limit would notice."""
    encoder = Encoder(ARTIFACT.tokenizer, ARTIFACT.shape)
    rows = [encoder.windows(text)[-1].ids for text in TEXTS]
    session = onnxruntime.InferenceSession(str(ARTIFACT.model), providers=["CPUExecutionProvider"])

    def run(ids: Ids, *, masked: bool) -> np.ndarray:
        row = np.zeros((1, len(ids) + padding), dtype=np.int64)
        row[0, : len(ids)] = ids
        mask = (np.arange(row.shape[1]) < len(ids) if masked else np.ones(row.shape[1]))[None]
        feed = {"input_ids": row, "attention_mask": mask.astype(np.int64)}
        return session.run(["logits"], feed)[0][0]

    moved, broken = [], []
    for ids, alone in zip(rows, SESSION.infer(rows), strict=True):
        moved.append(np.abs(run(ids, masked=True) - alone).max())
        broken.append(np.abs(run(ids, masked=False) - alone).max())
    assert max(moved) <= TOLERANCES["int8"].padded < max(broken)


def test_the_recorded_probes_come_out_again() -> None:
    found = parity(ARTIFACT)
    assert ARTIFACT.probes
    assert found.sound
    assert not Parity(recorded=1.0, padded=0.0).sound
    assert not Parity(recorded=0.0, padded=2.0).sound


def test_a_score_never_depends_on_who_else_was_asking() -> None:
    encoder = Encoder(ARTIFACT.tokenizer, ARTIFACT.shape)
    rows = [window.ids for text in TEXTS for window in encoder.windows(text)]
    together = SESSION.infer(rows)
    assert together == [SESSION.infer([row])[0] for row in rows]


def test_a_device_the_file_is_not_made_for_is_refused() -> None:
    with pytest.raises(BadConfig) as refused:
        Session(ARTIFACT, "tpu")
    assert refused.value.code == "model_device"


def test_without_its_graph_cuda_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as refused:
        Session(ARTIFACT, "cuda", [tmp_path])
    assert refused.value.code == "model_unbuilt"
    assert "guardrail models build" in refused.value.remedy


def test_a_bound_run_gives_the_same_logits() -> None:
    """IO binding, on the only device that every machine has."""
    session = onnxruntime.InferenceSession(str(ARTIFACT.model), providers=["CPUExecutionProvider"])
    encoder = Encoder(ARTIFACT.tokenizer, ARTIFACT.shape)
    row = encoder.windows(TEXTS[0])[-1].ids
    ids = np.array([row], dtype=np.int64)
    logits = bound(session, {"input_ids": ids, "attention_mask": np.ones_like(ids)}, "cpu")
    assert tuple(map(float, logits[0])) == SESSION.infer([row])[0]


def test_probes_by_another_model_file_are_those_of_the_session() -> None:
    recorded = [probe.logits for probe in ARTIFACT.probes]
    found = np.array(probed(ARTIFACT, ARTIFACT.model))
    assert np.abs(found - np.array(recorded)).max() <= TOLERANCES["int8"].recorded


def test_a_device_that_is_not_there_is_refused() -> None:
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        return
    with pytest.raises(BadConfig) as refused:
        Session(replace(ARTIFACT, devices=("cpu", "cuda")), "cuda")
    assert refused.value.code in {"model_device", "model_unreadable"}


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(BadConfig) as refused:
        Session(replace(ARTIFACT, folder=tmp_path))
    assert refused.value.code == "model_unreadable"


def test_a_manifest_with_other_heads_than_the_model_is_refused() -> None:
    fewer = replace(ARTIFACT, labels=ARTIFACT.labels[:-1], scales=ARTIFACT.scales[:-1])
    with pytest.raises(BadConfig) as refused:
        Session(fewer)
    assert refused.value.code == "model_manifest"


def test_the_version_names_the_very_file() -> None:
    digest = hashlib.sha256(ARTIFACT.model.read_bytes()).hexdigest()
    manifest = json.loads((ARTIFACT.folder / "artifact.json").read_text("utf-8"))
    assert manifest["files"]["model.onnx"] == digest
    assert detector().version.endswith(digest[:12])
