"""Measurements, never timed tests: each command prints a table and writes it where it is told.

`latency.py` adds up what the guard costs over the upstream alone; `consultations.py` sends real
consultations through the shipped defaults and counts what happens to them; `quality` judges a
classifier artifact on sources it was never trained on. Figures that count are kept in
`RESULTS.md` with date, machine and versions.
"""
