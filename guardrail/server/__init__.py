"""The HTTP rim: sockets, tasks and clocks live here and talk to the guard in events and effects.

`proxy.py` is the hot path (raw ASGI): bytes to an Exchange, then `driver.py` runs the session.
`upstream.py` speaks to the clinical LLM. `routes.py` (FastAPI) serves everything else: `ops.py`,
`review.py` and the guard's own endpoints. `problems.py` turns errors into answers and holds the
one catch-all. `house.py` names what `app.py` builds once and everything here shares.
"""
