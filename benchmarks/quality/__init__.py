"""Judgement: what a classifier artifact does on sources it was never trained on.

    python -m benchmarks.quality --data ../shared/data --work classifiers/work \\
        --artifact guardrail/models/clinical-small

Writes the section between the two `judgement` marks of `benchmarks/RESULTS.md`, the facts behind it
as `quality.json`, and the plots. All figures come from `classifiers.evaluate.measured`; here is
what stands beside it (`foreign`, another guard; `precision`, int8 against float; `texts`, the cost
of whole texts) and how it is told (`report`, `plot` over `svg`). Start reading in `__main__`.
"""
