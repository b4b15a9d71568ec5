"""The door: everything it promises is there, and the three parts fit together."""

from __future__ import annotations

import orjson
import pytest

from guardrail.domain.exchange import Caller, Scene
from guardrail.wire import chat


@pytest.mark.parametrize("text", ["多喝水，注意休息。", "Rest and drink water."])
@pytest.mark.parametrize("stream", [False, True])
def test_question_to_answer(text: str, stream: bool) -> None:
    assert all(hasattr(chat, name) for name in chat.__all__)
    body = orjson.dumps(
        {"model": "m", "stream": stream, "messages": [{"role": "user", "content": "?"}]}
    )
    exchange, request = chat.read_request(
        body, exchange_id="e", caller=Caller(), scene=Scene.C, purpose="", cohort="", at=0.0
    )
    writer = chat.AnswerWriter(exchange, request, 0)
    if stream:
        sent = writer.first()
        reader = chat.StreamReader(())
        upstream = orjson.dumps(
            {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": "stop"}]}
        )
        for piece in (*reader.feed(b"data: " + upstream + b"\n\n"), *reader.end()):
            if isinstance(piece, chat.TextPiece):
                sent += writer.release(piece.channel, piece.text)
        sent += writer.close({0: "stop"}, {}, None)
        again = chat.StreamReader(())
        assert [p.text for p in again.feed(sent) if isinstance(p, chat.TextPiece)] == [text]
        return
    upstream = orjson.dumps(
        {"choices": [{"index": 0, "message": {"content": text}, "finish_reason": "stop"}]}
    )
    for piece in chat.read_answer(upstream, ()):
        if isinstance(piece, chat.TextPiece):
            writer.collect(piece.channel, piece.text)
    answer = orjson.loads(writer.whole({0: "stop"}, {}, None))
    assert answer["choices"][0]["message"]["content"] == text
