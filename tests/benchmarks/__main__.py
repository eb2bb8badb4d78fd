"""Runs the benchmarks and prints one table.

tox run -e bench                        all of them
tox run -e bench -- workers throughput  the files bench_workers.py and bench_throughput.py
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.benchmarks.measuring import CannotMeasureError
from tests.benchmarks.rows import Row, show

PREFIX = "bench_"


def main(wanted: Sequence[str]) -> int:
    """Run benchmarks.

    Args:
        wanted: Names, without prefix and suffix; none for all.

    Returns:
        The exit status: 0 if every goal was reached.
    """
    names = sorted(path.stem.removeprefix(PREFIX) for path in Path(__file__).parent.glob(f"{PREFIX}*.py"))
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(names)}", file=sys.stderr)
        return 2
    # What pip installs is compiled; a checkout must be so as well, lest every process compile it anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    rows: list[Row] = []
    for name in wanted or names:
        began_s = time.monotonic()
        print(f"{name} …", end=" ", flush=True)
        bench: Callable[[], list[Row]] = importlib.import_module(f"tests.benchmarks.{PREFIX}{name}").main
        try:
            rows += bench()
            print(f"{time.monotonic() - began_s:.0f} s", flush=True)
        except CannotMeasureError as lack:
            print(f"not measured: {lack}", flush=True)
    if rows:
        print("\n" + show(rows, shutil.get_terminal_size((180, 24)).columns))
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
