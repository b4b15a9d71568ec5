"""python -m classifiers STEP: every step of the workshop, or `all` of them in order."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from classifiers.settings import Workshop, load
from guardrail.domain.errors import BadConfig

EXAMPLE = """\
examples:
  python -m classifiers all --data ../shared/data
  python -m classifiers train --force       # redo one step
  python -m classifiers all --config classifiers/config/clinical-small.yaml \\
      --work classifiers/work2 --out classifiers/work2/artifact
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A step is a module with `run(shop)`; it is done when `leaves` exists."""

    module: str
    leaves: str

    def run(self, shop: Workshop) -> None:
        load_run: Callable[[Workshop], None] = importlib.import_module(self.module).run
        load_run(shop)


STEPS = {
    "data": Step("classifiers.corpus", "data/summary.json"),
    "base": Step("classifiers.pretrained", "base/tokenizer.json"),
    "mine": Step("classifiers.mine", "data/hard.json"),
    "baseline": Step("classifiers.baseline", "baseline/scores.json"),
    "train": Step("classifiers.train", "train/model.pt"),
    "export": Step("classifiers.export", "export/parity.json"),
    "calibrate": Step("classifiers.calibrate", "calibrate/calibration.json"),
    "evaluate": Step("classifiers.evaluate", "evaluate/measures.json"),
    "card": Step("classifiers.card", "card/done"),
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="classifiers", epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=[*STEPS, "all"])
    parser.add_argument(
        "--config", type=Path, default=Path("classifiers/config/clinical-small.yaml")
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, default=Path("classifiers/work"))
    parser.add_argument("--out", type=Path, help="artifact folder, not the configuration's")
    parser.add_argument("--force", action="store_true", help="redo a step that is already done")
    options = parser.parse_args(arguments)
    try:
        shop = Workshop(load(options.config), options.data, options.work, options.out)
    except BadConfig as error:
        print(error, file=sys.stderr)
        return 2
    chosen = list(STEPS) if options.step == "all" else [options.step]
    for name in chosen:
        _run(name, shop, force=options.force)
    return 0


def _run(name: str, shop: Workshop, *, force: bool) -> None:
    step = STEPS[name]
    done = shop.path(step.leaves)
    if done.exists() and not force:
        print(f"{name}: already done ({done}); --force redoes it")
        return
    done.unlink(missing_ok=True)
    began = time.monotonic()
    step.run(shop)
    print(f"{name}: done in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
