"""The words of the house: frozen dataclasses and enums that every other room speaks.

Nothing here does anything. A new word enters here first, with its meaning, and is used everywhere
without synonyms. Start with `exchange.py`, then `finding.py` and `verdict.py`.
"""
