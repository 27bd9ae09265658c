"""Validate, plan and apply from 1,000 to 100,000 specs, beside terraform's plan of as many."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from bench.given import RECONCILER, Given
from bench.measure import Bar, Figure, Row, beside, run
from bench.workspaces import change_specs, make_terraform, make_workspace, write_tfstate

# Bars of each row by the number of specs: seconds, megabytes.
_BARS = {
    "validate, cold": {1_000: Bar(0.6, 60), 10_000: Bar(3.5, 120), 100_000: Bar(30, 250)},
    "plan, all new, as JSON": {1_000: Bar(1.0), 10_000: Bar(5, 200), 100_000: Bar(50, 500)},
    "apply, all new": {1_000: Bar(1.5), 10_000: Bar(8), 100_000: Bar(80)},
    "plan, no change, cold": {1_000: Bar(0.8), 10_000: Bar(4, 130), 100_000: Bar(40, 300)},
    "plan, no change, warm": {1_000: Bar(0.35), 10_000: Bar(0.7, 80), 100_000: Bar(3, 250)},
    "plan, 1 % changed, warm": {1_000: Bar(0.55), 10_000: Bar(1.0), 100_000: Bar(5)},
}


@dataclass(slots=True)
class _Bench:
    """One workspace of `count` specs with its own cache, measured in the order of a day."""

    place: Path
    cache: Path
    count: int
    edits: int = 0

    def row(self, name: str, figure: Figure) -> Row:
        bar = _BARS[name].get(self.count)
        return Row(f"{name}, {self.count:,} specs", figure, bar)

    def run(self, *words: str, before: Callable[[], None] | None = None) -> Figure:
        """A command, three times: once for a hundred thousand specs."""
        times = 1 if self.count > 10_000 else 3
        # As an installed program, whose modules are compiled; a shell may forbid to keep that.
        environment = {"XDG_CACHE_HOME": str(self.cache), "PYTHONDONTWRITEBYTECODE": ""}
        argv = [*RECONCILER, *words]
        return run(argv, self.place, times=times, environment=environment, before=before)

    def forget_cache(self) -> None:
        shutil.rmtree(self.cache, ignore_errors=True)

    def forget_state(self) -> None:
        """Nothing is applied any more, and a plan is saved for all of it."""
        shutil.rmtree(self.place / ".reconciler", ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            (self.place / "plan.json").unlink()
        self.run_once("plan", "--out", "plan.json")

    def run_once(self, *words: str) -> None:
        subprocess.run([*RECONCILER, *words], cwd=self.place, check=True, stdout=subprocess.DEVNULL)

    def edit(self) -> None:
        """Another 1 % of the specs says something new."""
        self.edits += 1
        change_specs(self.place, self.count, every=100, timeout=3600 + self.edits)


def specs(given: Given) -> Iterator[Row]:
    """What a person waits for, with the policies `init` writes; cold is without any index."""
    policies = files("reconciler.operations.authoring") / "starter" / "policies" / "default.yaml"
    sizes = [1_000, 10_000, *([100_000] if given.large else [])]
    for count in sizes:
        folder = given.folder / f"specs-{count}"
        bench = _Bench(folder / "workspace", folder / "cache", count)
        make_workspace(bench.place, count, policies.read_text())
        yield from _rows(bench, given)
        shutil.rmtree(folder)


def _rows(bench: _Bench, given: Given) -> Iterator[Row]:
    forget = bench.forget_cache
    yield bench.row("validate, cold", bench.run("validate", before=forget))
    create = bench.run("plan", "-o", "json", before=forget)
    yield bench.row("plan, all new, as JSON", create)
    yield bench.row("apply, all new", bench.run("apply", "plan.json", before=bench.forget_state))
    cold = bench.run("plan", "--detailed-exitcode", before=forget)
    yield bench.row("plan, no change, cold", cold)
    warm = bench.run("plan", "--detailed-exitcode")
    yield bench.row("plan, no change, warm", warm)
    edited = bench.run("plan", before=bench.edit)
    yield bench.row("plan, 1 % changed, warm", edited)
    if bench.count <= 10_000:
        yield from _beside_terraform(given.folder / "terraform", bench.count, cold, warm)


def _beside_terraform(folder: Path, count: int, cold: Figure, warm: Figure) -> Iterator[Row]:
    name = f"plan, no change, {count:,} specs"
    terraform = shutil.which("terraform")
    if terraform is None:
        yield Row(name, cold, note="terraform is not on PATH")
        return
    make_terraform(folder, count)
    write_tfstate(folder, count)
    subprocess.run([terraform, "init"], cwd=folder, check=True, capture_output=True)
    argv = [terraform, "plan", "-detailed-exitcode", "-input=false"]
    peer = run(argv, folder, times=3 if count <= 1_000 else 1)
    shutil.rmtree(folder)
    faster = {1_000: 6, 10_000: 30}[count]
    yield Row(f"{name}, cold", cold, beside(peer, 1 / 3), "terraform plan", peer)
    yield Row(f"{name}, warm", warm, beside(peer, 1 / faster), "terraform plan", peer)


def doubling(given: Given) -> Iterator[Row]:
    """Twice the specs cost about twice the time: each row beside the one of half the size."""
    policies = files("reconciler.operations.authoring") / "starter" / "policies" / "default.yaml"
    before: dict[str, Figure] = {}
    for count in (5_000, 10_000, 20_000):
        folder = given.folder / f"doubling-{count}"
        bench = _Bench(folder / "workspace", folder / "cache", count)
        make_workspace(bench.place, count, policies.read_text())
        found = {
            "validate, cold": bench.run("validate", before=bench.forget_cache),
            "plan, all new": bench.run("plan", "-o", "json", before=bench.forget_cache),
        }
        bench.run_once("apply", "--auto-approve")
        found["plan, no change, cold"] = bench.run("plan", before=bench.forget_cache)
        found["plan, no change, warm"] = bench.run("plan")
        for name, figure in found.items():
            half = before.get(name)
            if half is not None:
                bar = beside(half, 2.2)
                yield Row(f"{name}, {count:,} specs", figure, bar, f"{count // 2:,} specs", half)
        before = found
        shutil.rmtree(folder)
