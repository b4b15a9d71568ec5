"""Chat completions: the one door for those who speak this dialect.

Request: `read_request` then `upstream_body`. Reply: `read_answer` (whole) or `StreamReader`
(stream), both yielding pieces. Answer: `AnswerWriter`.
"""

from guardrail.wire.chat_answer import StreamReader, read_answer
from guardrail.wire.chat_request import Arrival, Request, read_request, upstream_body
from guardrail.wire.chat_writer import AnswerWriter
from guardrail.wire.pieces import EndPiece, FinishPiece, Piece, TextPiece, Token

__all__ = [
    "AnswerWriter",
    "Arrival",
    "EndPiece",
    "FinishPiece",
    "Piece",
    "Request",
    "StreamReader",
    "TextPiece",
    "Token",
    "read_answer",
    "read_request",
    "upstream_body",
]
