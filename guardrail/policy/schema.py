"""The shape of a policy file. Unknown keys are refused; what shapes cannot say is in `check.py`."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from guardrail.domain.exchange import Audience, Scene, Side, Speaker
from guardrail.domain.verdict import Severity

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=80)]
Line = Annotated[str, Field(min_length=1, max_length=4000)]
Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
ActionName = Literal["allow", "annotate", "redact", "handover", "block"]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(Strict):
    """The same words in both languages."""

    zh: Line
    en: Line


class ReferenceEntry(Strict):
    """The article a rule rests on. `verified`: somebody read the text itself."""

    instrument: Line
    article: str = ""
    verified: bool = False
    source: str = ""


class ScopeEntry(Strict):
    """Where a file or a rule applies; a key left out means everywhere."""

    scenes: tuple[Scene, ...] = ()
    sides: tuple[Side, ...] = ()
    audiences: tuple[Audience, ...] = ()
    tenants: tuple[Line, ...] = ()
    purposes: tuple[Line, ...] = ()
    speakers: tuple[Speaker, ...] = ()


class RuleEntry(Strict):
    """One when–then: `find` (kinds of finding, globs allowed) and/or `when` (a CEL condition)."""

    id: Name
    severity: Severity
    title: Words | None = None
    scope: ScopeEntry = ScopeEntry()
    find: tuple[Line, ...] = ()
    at_least: Share = 0.0
    when: Line | None = None
    action: ActionName
    on_gap: Literal["default", "allow", "annotate", "handover", "block"] = "default"
    needs: tuple[Line, ...] | None = None
    evidence: Words | None = None
    reply: Words | None = None
    references: tuple[ReferenceEntry, ...] = ()


class HoldEntry(Strict):
    """How much of an answer is held back while it is judged."""

    mode: Literal["sentence", "full"] = "sentence"
    max_chars: int = Field(default=400, ge=40, le=100_000)


class TiersEntry(Strict):
    """When confidence decides who must look, and from which confidence on."""

    when: Literal["always", "on_handover", "never"] = "on_handover"
    confirm: Share = 0.95
    differential: Share = 0.80
    proof: Literal["required", "waived"] = "required"


class ProfileEntry(Strict):
    """How one scene is served. `restore`: the caller gets his own words back in place of
    placeholders; `ask_logprobs`: ask the LLM for token probabilities, as a source of confidence."""

    scene: Scene
    hold: HoldEntry = HoldEntry()
    tiers: TiersEntry = TiersEntry()
    restore: bool = False
    ask_logprobs: bool = False


class PolicyEntry(Strict):
    """One policy file."""

    id: Name
    version: Line
    owner: Line
    title: Words
    locked: bool = False
    references: tuple[ReferenceEntry, ...] = ()
    scope: ScopeEntry = ScopeEntry()
    mode: Literal["enforce", "shadow", "off"] = "enforce"
    expires: date | None = None
    reply: Words | None = None
    rules: tuple[RuleEntry, ...] = ()
    profile: ProfileEntry | None = None


def json_schema() -> dict[str, Any]:
    """The shape as JSON Schema draft 7, the newest draft that every editor understands."""
    schema = PolicyEntry.model_json_schema(ref_template="#/definitions/{model}")
    definitions = schema.pop("$defs")
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "guardrail policy",
        **{key: value for key, value in schema.items() if key != "title"},
        "definitions": definitions,
    }


def json_schema_text() -> str:
    """The same as text, as it stands in `docs/policy.schema.json`."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
