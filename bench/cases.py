"""What is measured, each beside a peer or the bare tool where one is at hand."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

from bench.given import RECONCILER, Given
from bench.images import build_push_run, cached_build
from bench.masking import masking
from bench.measure import Bar, Figure, Row, run
from bench.reading import deps, render
from bench.runs import big_log, one_step, place, twenty_in_a_row, twenty_side_by_side
from bench.workspaces import make_terraform, make_workspace


def start(_given: Given) -> Iterator[Row]:
    """How long the command takes to say what it can do, beside an empty interpreter."""
    bare = run([sys.executable, "-c", "pass"], Path.cwd(), times=7)
    figure = run([*RECONCILER, "--help"], Path.cwd(), times=7)
    yield Row("--help", figure, Bar(0.15), "python -c pass", bare)


def specs(given: Given) -> Iterator[Row]:
    """Validate and plan, from 1,000 to 10,000 specs, with the policies `init` writes."""
    policies = files("reconciler.operations") / "starter" / "policies" / "default.yaml"
    bars = {1_000: (Bar(0.8), Bar(1.2)), 10_000: (Bar(5, 120), None)}
    for count, (validate_bar, plan_bar) in bars.items():
        place = make_workspace(given.folder / f"specs-{count}", count, policies.read_text())
        told = f"{count:,} specs"
        yield Row(f"validate {told}", run([*RECONCILER, "validate"], place), validate_bar)
        create = run([*RECONCILER, "plan", "--out", "plan.json"], place)
        yield _beside_terraform(given.folder, count, create)
        applied = run([*RECONCILER, "apply", "--auto-approve"], place, times=1)
        yield Row(f"apply {told}, all new", applied)
        yield Row(f"plan {told}, no change", run([*RECONCILER, "plan"], place), plan_bar)


def _beside_terraform(folder: Path, count: int, figure: Figure) -> Row:
    name = f"plan {count:,} specs, all new, saved"
    terraform = shutil.which("terraform")
    if terraform is None or count > 1_000:
        why = "not on PATH" if terraform is None else "not measured at this size"
        return Row(name, figure, None, f"terraform: {why}")
    place = make_terraform(folder / f"terraform-{count}", count)
    subprocess.run([terraform, "init"], cwd=place, check=True, capture_output=True)
    peer = run([terraform, "plan", "-out=plan.bin", "-input=false"], place)
    return Row(name, figure, None, "terraform plan", peer)


CASES: dict[str, Callable[[Given], Iterator[Row]]] = {
    "start": start,
    "specs": specs,
    "render": render,
    "deps": deps,
    "build": cached_build,
    "step": one_step,
    "place": place,
    "sequence": twenty_in_a_row,
    "parallel": twenty_side_by_side,
    "image": build_push_run,
    "log": big_log,
    "masking": masking,
}
