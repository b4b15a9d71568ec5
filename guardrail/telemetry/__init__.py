"""Telemetry: watches what happens and what is done about it, and never keeps a text.

`metrics.py` counts for Prometheus, `logs.py` writes one JSON line per exchange, `watch.py` lets
several watches stand side by side. All three are `guard.ports.Watch`: they are shown every event
and effect as it passes and derive everything from that.

What may enter: events, effects, and the facts that `app.py` knows (models, policy, versions). What
may leave: counts, durations, stable codes and names from a closed vocabulary. A name that a caller
or an upstream could choose is never a label. Start with `metrics.py`.
"""
