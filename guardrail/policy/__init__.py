"""The rules: YAML that a pharmacist writes, turned into verdicts. Pure: no clock, no socket.

* `schema.py`      the shape of a policy file (pydantic) and its JSON Schema
* `syntax.py`      the tree of a condition; what may be written in one
* `expression.py`  conditions in CEL; the only file that knows the CEL library
* `source.py`      one file read and shaped; `check.py`: what must hold beyond the shape
* `compile.py`     files or texts -> `PolicySet`; the only file here that reads a disk
* `evaluate.py`    scope + findings + gaps + scores -> `Verdict`; tiers by confidence
* `cases.py`       runs the `x.cases.yaml` beside `x.yaml`; `threshold.py` moves their thresholds
* `explain.py`     a rule in plain words, zh and en

Start with `evaluate.py`. Detectors report, policy decides: a threshold anywhere else is a mistake.
"""
