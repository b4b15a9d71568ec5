"""`guardrail doctor`: what is wrong with this installation, before it hurts."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from guardrail.domain.errors import GuardrailError
from guardrail.settings import Settings, load


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, and what to do where it is not well."""

    name: str
    well: bool
    told: str
    remedy: str = ""


def doctor(
    config: Annotated[Path | None, typer.Option(help="Settings file (guardrail.yaml).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
    """Look for what would go wrong: clashing packages, settings, policies, model files.

    Example: guardrail doctor --config guardrail.yaml
    """
    from guardrail import app as house  # slow to import; other commands do without

    checks = [runtime(installed), _attempt("settings", lambda: load(config))]
    if checks[-1].well:
        settings = load(config)
        checks += [
            _attempt("policies", lambda: house.policies(settings)),
            _attempt("classifier", lambda: house.classifiers(settings)),
            _folder(settings),
        ]
    if as_json:
        typer.echo(json.dumps([asdict(check) for check in checks], ensure_ascii=False))
    else:
        typer.echo(f"Python {platform.python_version()}")
        for check in checks:
            typer.echo(
                f"{'ok ' if check.well else 'BAD'} {check.name}: {check.told} {check.remedy}"
            )
    if not all(check.well for check in checks):
        raise typer.Exit(1)


def installed(name: str) -> str:
    """The version of an installed distribution, or ""."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def runtime(version: Callable[[str], str]) -> Check:
    """Exactly one of onnxruntime and onnxruntime-gpu: together, whichever was installed last
    overwrites the other, and the GPU is lost without a word (onnxruntime issue 26996)."""
    cpu, gpu = version("onnxruntime"), version("onnxruntime-gpu")
    name = "onnxruntime"
    if cpu and gpu:
        remedy = "Uninstall both, then install one extra: clinical-guardrail[cpu] or [gpu]."
        return Check(
            name, well=False, told=f"both {cpu} (cpu) and {gpu} (gpu) are there.", remedy=remedy
        )
    if not cpu and not gpu:
        remedy = "Install clinical-guardrail[cpu] or clinical-guardrail[gpu]."
        return Check(name, well=False, told="it is not installed.", remedy=remedy)
    return Check(name, well=True, told=f"{cpu or gpu} ({'cpu' if cpu else 'gpu'})")


def _attempt(name: str, work: Callable[[], object]) -> Check:
    try:
        work()
    except GuardrailError as error:
        return Check(name, well=False, told=f"{error.code}: {error.message}", remedy=error.remedy)
    return Check(name, well=True, told="fine")


def _folder(settings: Settings) -> Check:
    """Whether the ledger's folder can be used; nothing is made."""
    folder = settings.data
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    well = folder.is_dir()
    told = str(settings.data)
    return Check("data", well=well, told=told, remedy="" if well else "It is not a folder.")
