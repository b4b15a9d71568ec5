"""The ledger on disk and in memory, and the keys. Satisfies `guard.ports.Ledger`.

* `sqlite.py`  the ledger in one SQLite file: one writer thread, grouped commits; read-only opening
* `memory.py`  the same contract without a disk, for tests and the demo
* `vault.py`   master key, per-exchange data keys, the signing key of checkpoints
* `anchor.py`  checkpoints.jsonl: signed heads kept outside the database
* `record.py`  drafts → sealed, linked rows: what both ledgers do alike
* `writer.py`  the thread that takes jobs in groups
* `tables.py`  schema, statements and rows; `audit.py` verifies what is stored; `lock.py` one writer

Blocking work never runs on the event loop. Start with `sqlite.py`.
"""
