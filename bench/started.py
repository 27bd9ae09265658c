"""`python -m bench.started FOLDER JSON`: processor seconds of a command once the program runs.

JSON is two lists of words. The first is run twice, the second once; timed are the last two: all
modules are there, nothing of the second has been read.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import sys
import time

from reconciler.cli.main import run


def main(folder: str, words: str) -> None:
    small, large = json.loads(words)
    _seconds(folder, small)
    print(json.dumps({"small": _seconds(folder, small), "large": _seconds(folder, large)}))


def _seconds(folder: str, words: list[str]) -> float:
    with contextlib.redirect_stdout(io.StringIO()):
        begun = time.process_time()
        code = run(["-C", folder, *words])
        ended = time.process_time()
    if code:
        raise SystemExit(f"{' '.join(words)} left with {code}")
    return ended - begun


gc.set_threshold(100_000, 50, 100)  # as the program itself begins
main(*sys.argv[1:])
