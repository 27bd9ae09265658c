"""What is measured, each beside a peer or the bare tool where one is at hand."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.contexts import packing, subfolder
from bench.given import RECONCILER, Given
from bench.images import build_push_run, cached_build
from bench.masking import masking
from bench.measure import Bar, Row, run
from bench.reading import deps, render
from bench.rebuilds import base_push
from bench.runs import big_log, one_step, place, twenty_in_a_row, twenty_side_by_side
from bench.serving import deliveries, timers
from bench.specs import doubling, specs
from bench.watching import watch


def start(_given: Given) -> Iterator[Row]:
    """How long the command takes to say what it can do, beside an empty interpreter."""
    bare = run([sys.executable, "-c", "pass"], Path.cwd(), times=7)
    figure = run([*RECONCILER, "--help"], Path.cwd(), times=7)
    yield Row("--help", figure, Bar(0.15), "python -c pass", bare)


CASES: dict[str, Callable[[Given], Iterator[Row]]] = {
    "start": start,
    "specs": specs,
    "doubling": doubling,
    "render": render,
    "deps": deps,
    "packing": packing,
    "subfolder": subfolder,
    "build": cached_build,
    "step": one_step,
    "place": place,
    "sequence": twenty_in_a_row,
    "parallel": twenty_side_by_side,
    "image": build_push_run,
    "log": big_log,
    "masking": masking,
    "base-push": base_push,
    "deliveries": deliveries,
    "timers": timers,
    "watch": watch,
}
