"""Every setting stands in configuration.md with its default, in both languages."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from enum import Enum

from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticUndefined

from guardrail.settings import Settings


def inner(annotation: object) -> tuple[type[BaseModel] | None, bool]:
    """The model inside an annotation, and whether there may be several of it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    for part in typing.get_args(annotation):
        model, _ = inner(part)
        if model is not None:
            return model, typing.get_origin(annotation) in {tuple, list}
    return None, False


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, field in model.model_fields.items():
        below, many = inner(field.annotation)
        if below is None:
            yield prefix + name, field.default
        else:
            yield from keys(below, f"{prefix}{name}{'[]' if many else ''}.")


def plain(default: object) -> str:
    """How a default stands in the table."""
    if default is PydanticUndefined:
        return ""
    if isinstance(default, SecretStr):
        default = default.get_secret_value()
    if isinstance(default, Enum):
        default = default.value
    if default is None or default == "" or default == ():
        return "—"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, float) and default.is_integer():
        default = int(default)
    return f"`{default}`"


def rows(page: str) -> dict[str, str]:
    return dict(re.findall(r"^\| `([\w.\[\]]+)` \| ([^|]*?) +\|", page, re.MULTILINE))


def test_every_setting_is_documented_with_its_default(library) -> None:
    expected = {key: plain(default) for key, default in keys(Settings)}
    assert "upstream.url" in expected
    for language in library.languages:
        assert rows(library.page(language, "configuration")) == expected, language


def test_defaults_read_as_written() -> None:
    assert [plain(d) for d in (None, "", (), 5.0, 0.5, True, SecretStr(""))] == [
        *["—"] * 3,
        *("`5`", "`0.5`", "`true`", "—"),
    ]
