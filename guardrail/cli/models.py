"""`guardrail models`: which classifier would run, whether it is the one that was calibrated, and what
runs it on a GPU.

Exit codes: 0 sound, 1 it computes otherwise here than where it was made, 2 it cannot run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, cast

import typer

from guardrail import settings
from guardrail.detectors import built
from guardrail.detectors.artifact import MANIFEST, Artifact, load, shipped
from guardrail.domain.errors import BadConfig

app = typer.Typer(help="List, build and verify classifier artifacts.", no_args_is_help=True)

Folder = Annotated[Path | None, typer.Argument(help="Artifact folder; the shipped one.")]
Device = Annotated[str, typer.Option(help="cpu or cuda.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_models(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder that holds artifact folders; the shipped ones.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show every artifact with version, heads, devices, precision and digest.

    Example: guardrail models list --json
    """
    root = folder or shipped().parent
    found = [load(path.parent) for path in sorted(root.glob(f"*/{MANIFEST}"))]
    if as_json:
        typer.echo(json.dumps([_facts(each) for each in found], ensure_ascii=False))
        return
    for each in found:
        size = each.model.stat().st_size / 1e6
        runs = "  ".join(
            f"{run['device']} {run['precision']} {str(run['digest'])[:16]}" for run in _runs(each)
        )
        typer.echo(
            f"{each.name} {each.version}  {len(each.labels)} heads  {size:.1f} MB  "
            f"{runs}  data {each.facts['data_version']}"
        )
    if not found:
        typer.echo(f"no artifact in {root}", err=True)


@app.command()
def build(
    folder: Folder = None,
    device: Device = "cuda",
    precision: Annotated[str, typer.Option(help="fp16 or fp32.")] = "fp16",
    out: Annotated[
        Path | None, typer.Option(help="Folder for it; beside the model, or in the data folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Build what runs the same weights on a GPU. Needs no GPU, but the `gpu` extra.

    Example: guardrail models build --device cuda --out ./built
    """
    if device != "cuda" or precision not in ("fp16", "fp32"):
        told = f"nothing is built for {device} in {precision}."
        raise BadConfig("model_device", told, "Use --device cuda, with fp16 or fp32.")
    artifact = load(folder or shipped())
    if device in artifact.devices:
        typer.echo(f"{artifact.name} is float: it runs on {device} as it is")
        return
    made = _build(
        artifact, built.writable(_folders(artifact, out)), cast(built.Precision, precision)
    )
    if as_json:
        typer.echo(json.dumps(_run(artifact, device, made), ensure_ascii=False))
        return
    typer.echo(
        f"{made.model}: {made.precision}, {made.model.stat().st_size / 1e6:.1f} MB, sha256 "
        f"{made.digest[:16]}; {made.halved:.3f} logit from fp32, fp32 {made.apart:.3f} from int8"
    )
    if out is not None:
        typer.echo(f"set classifier.built to {out}")


def _build(artifact: Artifact, folder: Path, precision: built.Precision) -> built.Built:
    try:
        from guardrail.detectors.float_graph import rebuild
    except ImportError as error:
        raise BadConfig(
            "onnx_missing",
            f"the package {error.name} is not installed.",
            "Install clinical-guardrail[gpu], or requirements/gpu.txt.",
        ) from None
    from guardrail.detectors.onnx import probed

    return built.make(artifact, folder, precision, rebuild, lambda model: probed(artifact, model))


@app.command()
def verify(
    folder: Folder = None,
    device: Device = "cpu",
    graph: Annotated[
        Path | None, typer.Option("--built", help="Folder that `models build --out` was given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check hashes, load the model on the device, and run its recorded probes.

    Example: guardrail models verify ./my-artifact --device cuda
    """
    from guardrail.detectors import onnx

    if device not in onnx.PROVIDERS:
        remedy = f"Use {' or '.join(onnx.PROVIDERS)}."
        raise BadConfig("model_device", f"no device {device}.", remedy)
    artifact = load(folder or shipped())
    among = _folders(artifact, graph)
    found = onnx.parity(artifact, device, among)
    run = _run(artifact, device, onnx.graph(artifact, device, among))
    if as_json:
        distances = {"recorded": found.recorded, "padded": found.padded, "sound": found.sound}
        typer.echo(json.dumps(_facts(artifact) | run | distances, ensure_ascii=False))
    else:
        verdict = "sound" if found.sound else "NOT the model that was calibrated, on this machine"
        typer.echo(
            f"{artifact.name} {artifact.version} on {device}, {run['precision']}, sha256 "
            f"{str(run['digest'])[:16]}: files match; {len(artifact.probes)} probes: "
            f"{found.recorded:.3f} from recorded (at most {found.tolerance.recorded}), "
            f"{found.padded:.3f} padded (at most {found.tolerance.padded}): {verdict}"
        )
    if not found.sound:
        raise typer.Exit(1)


def _folders(artifact: Artifact, named: Path | None = None) -> tuple[Path, ...]:
    found = settings.load()
    return built.folders(artifact, found.data, named or found.classifier.built)


def _runs(artifact: Artifact) -> list[dict[str, object]]:
    """Every device, with what runs there; a graph that is not there is told, not refused."""
    there = [_run(artifact, device, None) for device in artifact.devices]
    if "cuda" in artifact.devices:
        return there
    try:
        return [*there, _run(artifact, "cuda", built.find(artifact, _folders(artifact)))]
    except BadConfig as error:
        return [*there, {"device": "cuda", "precision": error.code, "digest": ""}]


def _run(artifact: Artifact, device: str, instead: built.Built | None) -> dict[str, object]:
    digest = instead.digest if instead else artifact.digest
    return {"device": device, "precision": built.precision(artifact, instead), "digest": digest}


def _facts(artifact: Artifact) -> dict[str, object]:
    return {
        "name": artifact.name,
        "version": artifact.version,
        "labels": list(artifact.labels),
        "devices": list(artifact.devices),
        "runs": _runs(artifact),
        "files": dict(artifact.files),
        "thresholds": {point: dict(table) for point, table in artifact.thresholds.items()},
        "facts": dict(artifact.facts),
    }
