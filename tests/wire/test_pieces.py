"""Pieces are plain data."""

from __future__ import annotations

import dataclasses

import pytest

from guardrail.domain.exchange import Channel
from guardrail.wire.pieces import EndPiece, FinishPiece, TextPiece, Token


@pytest.mark.parametrize("text", ["头疼", "headache"])
def test_defaults_and_frozen(text: str) -> None:
    piece = TextPiece(Channel(), text)
    assert (piece.name, piece.tokens) == (None, ())
    assert EndPiece() == EndPiece({}, None)
    for value in (piece, FinishPiece(0, "stop"), EndPiece(), Token(text, -1.0)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, dataclasses.fields(value)[0].name, None)
