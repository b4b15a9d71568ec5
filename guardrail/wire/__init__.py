"""The dialects: bytes of OpenAI's wire into the words of the house, and back. Pure.

* `chat.py` is the door: what `server` and `testing` import for chat completions. Behind it
  `chat_request`, `message`, `parameter` read the question, `chat_answer` reads what the LLM says
  (whole and stream alike, as `pieces`), `chat_writer` writes what the caller gets.
* `sse.py` frames streams; `payload.py` parses JSON strictly; `escape.py` undoes `\\uXXXX`.
* `notices.py` holds the sentences a person reads; `problem.py` the shape of an error.
* `moderation.py` and `check.py` are the two ways to have a text judged without an LLM.

Nothing that the upstream said is ever copied through: only pieces are written again, so a field
that no reader here knows cannot carry text to the caller. Start reading at `chat_request.py`.
"""
