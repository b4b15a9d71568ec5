"""The corpus we write ourselves: its shape, and the checks that keep it honest.

    python -m classifiers.twins check [FILE …]     shape, near-duplicates, counts
    python -m classifiers.twins leak [FILE …]      can character n-grams guess the label?

One JSON object per line in `classifiers/data/twins/*.jsonl`: id, pair, situation, dim, dims (all clear
violations; [] on ok rows), label violation|ok, kind, side input|output, lang zh|en, voice, register
usual|reversed, writer, text. A pair is one situation, once violated and once complied with. Split and
cross-validate by `situation`: rows of a pair, and of pairs that share near-copied text, share it.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from classifiers.rows import HEADS

Row = dict[str, Any]
HERE = Path(__file__).parent / "data" / "twins"
KEYS = {
    "id": str, "pair": str, "situation": str, "dim": str, "dims": list, "label": str, "kind": str,
    "side": str, "lang": str, "voice": str, "register": str, "writer": str, "text": str,
}  # fmt: skip
KINDS = {"direct", "indirect", "complied", "question", "refusal", "record", "education"} | {
    "report_to_stop",
    "dilemma",
}
NEAR = 0.5  # 5-gram Jaccard from which two texts of different situations are near-copies
MIN_CHARS, MAX_CHARS = 8, 900


def files() -> list[Path]:
    """The files of the corpus."""
    return sorted(HERE.glob("*.jsonl"))


def read(chosen: Sequence[Path]) -> list[Row]:
    """All rows of the files (all of the corpus when none is named)."""
    rows = []
    for path in chosen or files():
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            try:
                rows.append({**json.loads(line), "at": f"{path.name}:{number}"})
            except ValueError:
                raise SystemExit(f"{path.name}:{number}: not JSON") from None
    return rows


def faults(rows: Sequence[Row]) -> Iterator[str]:
    """What is wrong with the rows, each with its place."""
    dims = set(HEADS)
    pairs: dict[str, list[Row]] = defaultdict(list)
    ids = Counter(row.get("id") for row in rows)
    for row in rows:
        if any(not isinstance(row.get(key), kind) for key, kind in KEYS.items()):
            yield f"{row['at']}: keys or their types are not {sorted(KEYS)}"
            continue
        pairs[row["pair"]].append(row)
        yield from _row_faults(row, dims)
        if ids[row["id"]] > 1:
            yield f"{row['at']}: id {row['id']} twice"
    for pair, found in pairs.items():
        if sorted(row["label"] for row in found) != ["ok", "violation"]:
            yield f"{found[0]['at']}: pair {pair} is not one violation and one ok"
        elif len({(row["situation"], row["side"], row["lang"], row["dim"]) for row in found}) > 1:
            yield f"{found[0]['at']}: the rows of pair {pair} differ in more than what happens"


def _row_faults(row: Row, dims: set[str]) -> Iterator[str]:
    allowed = {
        "label": {"violation", "ok"}, "side": {"input", "output"}, "lang": {"zh", "en"},
        "register": {"usual", "reversed"}, "kind": KINDS, "dim": dims,
    }  # fmt: skip
    for key, values in allowed.items():
        if row[key] not in values:
            yield f"{row['at']}: {key} is {row[key]!r}"
    if (row["dim"] in row["dims"]) is not (row["label"] == "violation"):
        yield f"{row['at']}: dims do not agree with the label"
    if not set(row["dims"]) <= dims:
        yield f"{row['at']}: unknown dimension in dims"
    if not MIN_CHARS <= len(row["text"]) <= MAX_CHARS:
        yield f"{row['at']}: {len(row['text'])} characters"


def near_copies(rows: Sequence[Row]) -> Iterator[tuple[Row, Row, float]]:
    """Pairs of texts of different situations whose 5-gram Jaccard reaches `NEAR`.

    Two such texts share half of either's grams, so they also share one of the rarer halves:
    only these are indexed (prefix filtering, Chaudhuri et al. 2006).
    """
    grams = [{row["text"][i : i + 5] for i in range(max(1, len(row["text"]) - 4))} for row in rows]
    common = Counter(gram for found in grams for gram in found)
    holders: dict[str, list[int]] = defaultdict(list)
    for n, found in enumerate(grams):
        rare = sorted(found, key=lambda gram: (common[gram], gram))
        prefix = rare[: len(rare) - math.ceil(NEAR * len(rare)) + 1]
        for m in sorted({m for gram in prefix for m in holders[gram]}):
            share = len(found & grams[m]) / len(found | grams[m])
            if share >= NEAR and rows[n]["situation"] != rows[m]["situation"]:
                yield rows[m], rows[n], share
        for gram in prefix:
            holders[gram].append(n)


def leak(rows: Sequence[Row]) -> dict[str, float]:
    """AUC of n-gram models that guess the label, cross-validated by situation: per side, register
    and model. Near .65 is fine; above .72 the register gives the label away."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    models = {
        "lr 1-3": lambda: make_pipeline(
            TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True),
            LogisticRegression(C=3.0, max_iter=500),
        ),
        "nb wb 2-4": lambda: make_pipeline(
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)), MultinomialNB()
        ),
    }
    found = {}
    for side in ("input", "output"):
        for register in ("all", "usual", "reversed"):
            part = [r for r in rows if r["side"] == side and register in ("all", r["register"])]
            groups = [row["situation"] for row in part]
            if len(set(groups)) < 20:
                continue
            labels = [int(row["label"] == "violation") for row in part]
            texts = [row["text"] for row in part]
            for name, build in models.items():
                guess = cross_val_predict(
                    build(), texts, labels, groups=groups, cv=GroupKFold(5), method="predict_proba"
                )
                found[f"{side} {register} {name}"] = float(roc_auc_score(labels, guess[:, 1]))
    return found


def check(rows: Sequence[Row]) -> bool:
    """Print what there is and what is wrong; whether nothing is."""
    wrong = list(faults(rows))
    for line in wrong[:50]:
        print(line)
    copies = [] if wrong else list(near_copies(rows))
    for first, second, share in copies[:50]:
        print(f"{first['at']} ~ {second['at']}: {share:.2f}")
    counts = Counter((row["dim"], row["lang"], row["label"]) for row in rows if "dim" in row)
    for (dim, lang, label), count in sorted(counts.items()):
        print(f"{dim:32} {lang} {label:9} {count}")
    print(f"{len(rows)} rows, {len(wrong)} faults, {len(copies)} near-copies")
    return not wrong and not copies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("step", choices=["check", "leak"])
    parser.add_argument("files", nargs="*", type=Path)
    options = parser.parse_args()
    rows = read(options.files)
    if options.step == "leak":
        for name, auc in leak(rows).items():
            print(f"{name:28} {auc:.3f}{'  LEAKS' if auc > 0.72 else ''}")
        return
    sys.exit(0 if check(rows) else 1)


if __name__ == "__main__":
    main()
