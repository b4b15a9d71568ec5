"""The heart: a machine that is told what happened (`events`) and answers what to do (`effects`).

It never waits, reads a clock, opens a file or calls a model. Start with `session.py`; `window.py`
says where text may be cut, `redact.py` masks and restores, `ports.py` names what the rim supplies.
"""
