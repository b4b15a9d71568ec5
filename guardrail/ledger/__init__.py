"""The record, pure: what an entry is, how entries are linked, proved, verified and read as cases.

Nothing here stores, signs or waits; `guardrail.storage` does. Only `domain` may enter.

* `entry.py`   kinds of entries, their canonical bytes (RFC 8785) and digest
* `merkle.py`  RFC 6962 tree over the digests: frontier, inclusion and consistency proofs
* `chain.py`   link a draft to the head, cut a checkpoint
* `verify.py`  walk a ledger and name the first bad index
* `docket.py`  fold entries into handover cases
"""
