"""`python -m bench [--large] [CASE...]`: run the benchmarks and print a table."""

from __future__ import annotations

import os
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path

from bench.cases import CASES
from bench.given import Given, Missing
from bench.measure import Row, table


def main(words: list[str]) -> int:
    parser = ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}")
    parser.add_argument(
        "--large", action="store_true", help="also 100,000 specs, and a log of 1 GB, not of 256 MB"
    )
    chosen = parser.parse_args(words)
    unknown = [name for name in chosen.cases if name not in CASES]
    if unknown:
        print(f"no such case: {unknown[0]}; there are: {', '.join(CASES)}", file=sys.stderr)
        return 64
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="reconciler-bench-") as folder:
        given = Given(Path(folder), large=chosen.large)
        rows = [
            row for name in dict.fromkeys(chosen.cases or CASES) for row in measured(name, given)
        ]
    print("\n".join(table(rows)))
    load = f"load {before:.2f} before, {os.getloadavg()[0]:.2f} after"
    print(f"{os.cpu_count()} cores; {load}; medians of several")
    return 0


def measured(name: str, given: Given) -> list[Row]:
    """The rows of a case; one that says why if this machine lacks something for it."""
    load = os.getloadavg()[0]
    print(f"measuring {name} (load {load:.2f}) ...", file=sys.stderr, flush=True)
    try:
        return list(CASES[name](given))
    except Missing as missing:
        return [Row(name, None, note=str(missing))]


sys.exit(main(sys.argv[1:]))
