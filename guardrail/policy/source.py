"""A policy file as text -> `Source`: read, shaped and checked, not yet compiled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from guardrail import document
from guardrail.document import Document, DocumentError
from guardrail.domain.errors import BadConfig
from guardrail.domain.taxonomy import taxonomy
from guardrail.policy import check
from guardrail.policy.check import Complaint
from guardrail.policy.schema import (
    HoldEntry,
    PolicyEntry,
    ProfileEntry,
    ReferenceEntry,
    RuleEntry,
    ScopeEntry,
    TiersEntry,
)

CODE = "bad_policy"
SHAPES = (PolicyEntry, RuleEntry, ScopeEntry, ProfileEntry, HoldEntry, TiersEntry, ReferenceEntry)


class BadPolicy(BadConfig):
    """Everything that is wrong with the policy files. `where` is that of the first complaint."""

    def __init__(self, complaints: Sequence[BadConfig]) -> None:
        super().__init__(CODE, "\n".join(str(complaint) for complaint in complaints))
        self.where = complaints[0].where
        self.complaints = tuple(complaints)


@dataclass(frozen=True, slots=True)
class Source:
    """One policy file whose shape is right."""

    document: Document
    text: str
    entry: PolicyEntry

    def complaint(self, complaint: Complaint) -> BadConfig:
        where = self.document.where(complaint.path)
        return BadConfig(CODE, complaint.message, complaint.remedy, where)


def parse(text: str, name: str) -> Source:
    """Read one file and check all but its conditions. Raises `BadPolicy`."""
    try:
        read = document.read(text, name)
    except DocumentError as error:
        raise BadPolicy([BadConfig(CODE, error.message, where=error.where)]) from None
    try:
        source = Source(read, text, PolicyEntry.model_validate(read.data))
    except ValidationError as error:
        raise BadPolicy(list(misshapen(error, read, SHAPES))) from None
    wrong = [source.complaint(each) for each in check.complaints(source.entry, taxonomy())]
    if wrong:
        raise BadPolicy(wrong)
    return source


def misshapen(
    error: ValidationError, read: Document, shapes: Iterable[type[BaseModel]]
) -> Iterator[BadConfig]:
    """What pydantic found, with places; `shapes` are those whose keys may have been meant."""
    keys = [key for shape in shapes for key in shape.model_fields]
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        path = each["loc"]
        key, remedy = str(path[-1] if path else read.name), ""
        message = f"'{key}': {each['msg']}"
        if each["type"] == "extra_forbidden":
            message, remedy = f"unknown key '{key}'", check.did_you_mean(key, keys)
        elif each["type"] == "missing":
            message, remedy = f"'{key}' is missing", f"Add '{key}'."
        yield BadConfig(CODE, message, remedy, read.where(path))
