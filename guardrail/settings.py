"""Settings: one frozen model, read once from `guardrail.yaml` and `GUARDRAIL_*`.

The only place that reads the environment. An unknown key or a wrong value refuses to start and
names file, line and remedy. `GUARDRAIL_UPSTREAM__URL` sets `upstream.url`; the environment wins
over the file, and what is passed on the command line wins over both.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from guardrail import document
from guardrail.domain.errors import BadConfig
from guardrail.domain.exchange import Audience, Caller, Scene

PREFIX = "GUARDRAIL_"
CONFIG = "GUARDRAIL_CONFIG"  # names the settings file where the command line does not
NOT_SETTINGS = frozenset(
    {CONFIG, "GUARDRAIL_NO_SKIP", "GUARDRAIL_CASES_URL", "GUARDRAIL_CASES_KEY"}
)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class UpstreamSettings(_Frozen):
    """The clinical LLM behind us, an OpenAI-compatible base URL such as `http://127.0.0.1:8000/v1`."""

    url: str = Field(default="", description="base URL ending in /v1")
    key: SecretStr = Field(default=SecretStr(""), description="bearer key for the upstream")
    logprobs: bool = Field(default=True, description="may be asked for token log-probabilities")
    connect_s: float = Field(default=5.0, gt=0, description="seconds to connect")
    first_byte_s: float = Field(default=60.0, gt=0, description="seconds until the answer begins")
    idle_s: float = Field(default=30.0, gt=0, description="seconds between two pieces of a stream")
    connections: int = Field(default=256, gt=0, description="connections at most")
    max_answer_bytes: int = Field(default=8_000_000, gt=0, description="bytes of one answer")


class LimitSettings(_Frozen):
    """Bounds that keep one exchange from hurting another."""

    body_bytes: int = Field(default=2_000_000, gt=0, description="bytes of a request body")
    body_s: float = Field(default=30.0, gt=0, description="seconds for a request body to arrive")
    total_s: float = Field(default=300.0, gt=0, description="seconds for a whole exchange")
    inspect_ms: float = Field(default=2000.0, gt=0, description="deadline of the detectors")
    write_s: float = Field(default=30.0, gt=0, description="seconds a caller may stop reading")
    keepalive_s: float = Field(default=10.0, gt=0, description="seconds between SSE keep-alives")
    in_flight: int = Field(default=256, gt=0, description="exchanges at once; more get 503")
    drain_s: float = Field(default=30.0, gt=0, description="seconds running exchanges may finish")


class ClassifierSettings(_Frozen):
    """The ONNX classifier that scores the 20 dimensions."""

    model: Path | None = Field(
        default=None, description="artifact folder; the shipped one if unset"
    )
    device: Literal["cpu", "cuda"] = Field(default="cpu", description="cpu or cuda")
    built: Path | None = Field(
        default=None, description="folder of what `guardrail models build` made, if not the default"
    )
    threads: int = Field(default=1, ge=1, description="inference threads")
    queue_tokens: int = Field(
        default=65536, gt=0, description="tokens that may wait; more is a gap"
    )


class KeySettings(_Frozen):
    """One API key. Only its SHA-256 is kept; `guardrail keys new` makes one."""

    name: str = Field(min_length=1, max_length=64, description="shown in ledger and logs")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="hex SHA-256 of the key")
    tenant: str = Field(default="default", description="hospital or department")
    role: Literal["app", "doctor", "ops"] = Field(default="app", description="what it may do")
    audience: Audience = Field(default=Audience.PATIENT, description="who reads the answers")
    scene: Scene = Field(default=Scene.C, description="risk class; a header may only be stricter")
    on_block: Literal["notice", "error"] = Field(
        default="notice", description="how a blocked question is answered"
    )
    extension: bool = Field(default=True, description="add the `guardrail` object to answers")
    models: tuple[str, ...] = Field(default=(), description="models it may ask; empty: all")

    def caller(self) -> Caller:
        facts = self.model_dump(exclude={"sha256"})
        return Caller(**facts)


class Settings(_Frozen):
    """Everything an operator can set."""

    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(default=8080, ge=0, le=65535, description="port to listen on")
    metrics_port: int | None = Field(
        default=None, description="own port for /metrics; the main one if unset"
    )
    data: Path = Field(default=Path("guardrail-data"), description="ledger and keys live here")
    policies: Path | None = Field(
        default=None, description="folder of policy files; the shipped ones if unset"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="how much is logged"
    )
    upstream: UpstreamSettings = UpstreamSettings()
    limits: LimitSettings = LimitSettings()
    classifier: ClassifierSettings = ClassifierSettings()
    keys: tuple[KeySettings, ...] = Field(default=(), description="API keys; none: loopback only")

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach us."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


def load(
    path: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Settings:
    """Read file, environment and overrides (dotted keys; None is passed by). Raises `BadConfig`."""
    environment = os.environ if environment is None else environment  # noqa: TID251 - the one reader
    named = environment.get(CONFIG)
    read = _read(Path(named) if path is None and named else path)
    data = _merged(cast(dict[str, Any], read.data if read else {}), _from_environment(environment))
    for key, value in (overrides or {}).items():
        if value is not None:
            _put(data, key.split("."), value)
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        raise _complaint(error, read) from None


def servable(settings: Settings) -> Settings:
    """The same settings, if a server may start with them. Raises `BadConfig`."""
    if not settings.loopback and not settings.keys:
        raise BadConfig(
            "keys_required",
            f"listening on {settings.host} without API keys would let anyone in.",
            "Add `keys:` (see `guardrail keys new`) or listen on 127.0.0.1.",
        )
    if not settings.upstream.url:
        raise BadConfig(
            "upstream_missing",
            "no upstream is set.",
            "Give --upstream URL, `upstream.url` in guardrail.yaml or GUARDRAIL_UPSTREAM__URL.",
        )
    if not settings.upstream.url.startswith(("http://", "https://")):
        raise BadConfig(
            "upstream_url",
            "upstream.url is not an http(s) URL.",
            "Give a base URL such as http://127.0.0.1:8000/v1.",
        )
    return settings


def _read(path: Path | None) -> document.Document | None:
    if path is None:
        return None
    try:
        read = document.read(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(
            "config_unreadable",
            f"{path} cannot be read ({type(error).__name__}).",
            "Check --config.",
        ) from None
    except document.DocumentError as error:
        raise BadConfig("config_syntax", error.message, "Correct the YAML.", error.where) from None
    if not isinstance(read.data, dict):
        raise BadConfig("config_shape", "the file is not a mapping.", "", f"{path}:1:1")
    return read


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name, value in sorted(environment.items()):
        if name.startswith(PREFIX) and name not in NOT_SETTINGS:
            _put(data, name.removeprefix(PREFIX).lower().split("__"), value)
    return data


def _put(data: dict[str, Any], path: list[str], value: object) -> None:
    for step in path[:-1]:
        data = data.setdefault(step, {})
    data[path[-1]] = value


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    out = dict(under)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = _merged(out[key], value) if both else value
    return out


def _complaint(error: ValidationError, read: document.Document | None) -> BadConfig:
    first = error.errors(include_input=False, include_url=False)[0]
    path = [step for step in first["loc"] if isinstance(step, str | int)]
    key = ".".join(map(str, path))
    where = read.where(path) if read else ""
    if first["type"] == "extra_forbidden":
        near = get_close_matches(str(path[-1]), _known_keys(path[:-1]), 1)
        remedy = (
            f"Did you mean {near[0]!r}?" if near else "Remove it; see docs/en/configuration.md."
        )
        return BadConfig("config_unknown_key", f"unknown key {key!r}.", remedy, where)
    return BadConfig(
        "config_value", f"{key}: {first['msg']}.", "See docs/en/configuration.md.", where
    )


def _known_keys(path: list[str | int]) -> list[str]:
    model: type[BaseModel] = Settings
    for step in path:
        field = model.model_fields.get(str(step))
        inner = field.annotation if field else KeySettings if isinstance(step, int) else None
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            model = inner
        elif str(step) == "keys":
            model = KeySettings
    return list(model.model_fields)
