"""`python -m bench [CASE...]`: run the benchmarks and print a table."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from bench.cases import CASES
from bench.measure import Row, table


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in CASES]
    if unknown:
        print(f"no such case: {unknown[0]}; there are: {', '.join(CASES)}", file=sys.stderr)
        return 64
    before = os.getloadavg()[0]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="reconciler-bench-") as folder:
        for name in names or CASES:
            print(f"measuring {name} ...", file=sys.stderr, flush=True)
            rows += CASES[name](Path(folder))
    print("\n".join(table(rows)))
    load = f"load {before:.2f} before, {os.getloadavg()[0]:.2f} after"
    print(f"{os.cpu_count()} cores; {load}; medians of whole processes")
    return 0


sys.exit(main(sys.argv[1:]))
