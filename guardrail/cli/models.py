"""`guardrail models`: which classifier would run, and whether it is the one that was calibrated.

Exit codes: 0 sound, 1 it computes otherwise here than where it was made, 2 it cannot run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from guardrail.detectors.artifact import MANIFEST, Artifact, load, shipped
from guardrail.domain.errors import BadConfig

app = typer.Typer(help="List and verify classifier artifacts.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_models(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder that holds artifact folders; the shipped ones.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show every artifact with version, heads, devices and digest.

    Example: guardrail models list --json
    """
    root = folder or shipped().parent
    found = [load(path.parent) for path in sorted(root.glob(f"*/{MANIFEST}"))]
    if as_json:
        typer.echo(json.dumps([_facts(each) for each in found], ensure_ascii=False))
        return
    for each in found:
        size = each.model.stat().st_size / 1e6
        typer.echo(
            f"{each.name} {each.version}  {len(each.labels)} heads  {'/'.join(each.devices)}  "
            f"{size:.1f} MB  sha256 {each.digest[:16]}  data {each.facts['data_version']}"
        )
    if not found:
        typer.echo(f"no artifact in {root}", err=True)


@app.command()
def verify(
    folder: Annotated[Path | None, typer.Argument(help="Artifact folder; the shipped one.")] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    as_json: AsJson = False,
) -> None:
    """Check hashes, load the model on the device, and run its recorded probes.

    Example: guardrail models verify ./my-artifact --device cuda
    """
    from guardrail.detectors.onnx import PADDED_LOGITS, PROVIDERS, RECORDED_LOGITS, parity

    if device not in PROVIDERS:
        raise BadConfig("model_device", f"no device {device}.", f"Use {' or '.join(PROVIDERS)}.")
    artifact = load(folder or shipped())
    found = parity(artifact, device)
    if as_json:
        distances = {"recorded": found.recorded, "padded": found.padded, "sound": found.sound}
        typer.echo(json.dumps(_facts(artifact) | distances, ensure_ascii=False))
    else:
        verdict = "sound" if found.sound else "NOT the model that was calibrated, on this machine"
        typer.echo(
            f"{artifact.name} {artifact.version}: files match; {len(artifact.probes)} probes: "
            f"{found.recorded:.3f} from recorded (at most {RECORDED_LOGITS}), "
            f"{found.padded:.3f} padded (at most {PADDED_LOGITS}): {verdict}"
        )
    if not found.sound:
        raise typer.Exit(1)


def _facts(artifact: Artifact) -> dict[str, object]:
    return {
        "name": artifact.name,
        "version": artifact.version,
        "labels": list(artifact.labels),
        "devices": list(artifact.devices),
        "files": dict(artifact.files),
        "thresholds": {point: dict(table) for point, table in artifact.thresholds.items()},
        "facts": dict(artifact.facts),
    }
