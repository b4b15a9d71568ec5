"""Is each pure file fully covered by its own test file? Run after `pytest --cov-context=test`.

Usage: python tests/house/own_coverage.py 'guardrail/domain/*,guardrail/policy/compile.py'
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import coverage
from coverage.exceptions import NoDataError


def pure_files(patterns: str) -> Iterator[PurePosixPath]:
    for pattern in patterns.split(","):
        for path in sorted(Path().glob(pattern)):
            if path.suffix == ".py" and path.name != "__init__.py":
                yield PurePosixPath(path.as_posix())


def own_contexts(source: PurePosixPath) -> list[str]:
    """What its own tests ran, and what ran on import ("")."""
    folder = "/".join(("tests", *source.parent.parts[1:]))
    return ["^$", rf"^{re.escape(folder)}/test_{re.escape(source.stem)}(_\w+)?\.py::"]


def own_share(run: coverage.Coverage, source: PurePosixPath) -> tuple[float, str]:
    told = io.StringIO()
    try:
        share = run.report(
            morfs=[str(source)], contexts=own_contexts(source), show_missing=True, file=told
        )
    except NoDataError:
        return 0.0, "nothing ran"
    lines = [line for line in told.getvalue().splitlines() if line.startswith(str(source))]
    return share, lines[0] if lines else ""


def main(patterns: str) -> int:
    run = coverage.Coverage()
    run.load()
    files = list(pure_files(patterns))
    short = []
    for source in files:
        share, line = own_share(run, source)
        if share < 100:
            short.append(f"{source}: {line.split(maxsplit=5)[-1] if line else ''} ({int(share)} %)")
    done = f"{len(files) - len(short)} of {len(files)} pure files"
    short.insert(0, f"{done} are fully covered by their own tests")
    sys.stdout.write("\n".join(short) + "\n")
    return 1 if len(short) > 1 or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
