"""What is measured, each beside a peer or the bare tool where one is at hand."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from bench.measure import Figure, Row, run
from bench.workspaces import make_terraform, make_workspace

_RECONCILER = (sys.executable, "-m", "reconciler")


def start(_folder: Path) -> Iterator[Row]:
    """How long the command takes to say what it can do, beside an empty interpreter."""
    bare = run([sys.executable, "-c", "pass"], Path.cwd(), times=7)
    figure = run([*_RECONCILER, "--help"], Path.cwd(), times=7)
    yield Row("--help", figure, "0.15 s", "python -c pass", figure.seconds / bare.seconds)


def specs(folder: Path) -> Iterator[Row]:
    """Validate and plan, from 1,000 to 10,000 specs, with the policies `init` writes."""
    policies = files("reconciler.operations") / "starter" / "policies" / "default.yaml"
    for count, validate_bar, plan_bar in ((1_000, "0.8 s", "1.2 s"), (10_000, "5 s 120 MB", "")):
        place = make_workspace(folder / f"specs-{count}", count, policies.read_text())
        told = f"{count:,} specs"
        yield Row(f"validate {told}", run([*_RECONCILER, "validate"], place), validate_bar)
        create = run([*_RECONCILER, "plan", "--out", "plan.json"], place)
        yield _beside_terraform(folder, count, create)
        applied = run([*_RECONCILER, "apply", "--auto-approve"], place, times=1)
        yield Row(f"apply {told}, all new", applied)
        yield Row(f"plan {told}, no change", run([*_RECONCILER, "plan"], place), plan_bar)


def _beside_terraform(folder: Path, count: int, figure: Figure) -> Row:
    name = f"plan {count:,} specs, all new, saved"
    terraform = shutil.which("terraform")
    if terraform is None or count > 1_000:
        why = "not on PATH" if terraform is None else "not measured at this size"
        return Row(name, figure, "", f"terraform: {why}")
    place = make_terraform(folder / f"terraform-{count}", count)
    subprocess.run([terraform, "init"], cwd=place, check=True, capture_output=True)
    peer = run([terraform, "plan", "-out=plan.bin", "-input=false"], place)
    ratio = figure.seconds / peer.seconds
    return Row(name, figure, "", f"terraform plan {peer.seconds:.2f} s", ratio)


def cached_build(folder: Path) -> Iterator[Row]:
    """A build step whose layers are all cached, beside the bare docker client doing the same."""
    client = _docker()
    if client is None:
        yield Row("cached build step", Figure(0, 0, 0, 0), "", "no engine with BuildKit answers")
        return
    context = folder / "build"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\nLABEL a=b\n")
    environment = {"XDG_STATE_HOME": str(folder / "state"), "DOCKER_BUILDKIT": "1"}
    ours, theirs = [], []
    bare = [client, "build", "--progress=plain", "--iidfile", str(folder / "id"), str(context)]
    for _ in range(7):
        theirs.append(run(bare, folder, times=1, environment=environment))
        run([*_RECONCILER, "build", "build"], folder, times=1, environment=environment)
        ours.append(_step_seconds(folder, environment))
    peer = statistics.median(figure.seconds for figure in theirs[1:])
    seconds = statistics.median(ours[1:])
    yield Row(
        "cached build step, by the run record",
        Figure(seconds, min(ours), max(ours), 0),
        f"{1.3 * peer + 0.1:.2f} s",
        f"docker build {peer:.3f} s",
        seconds / peer,
        "bar: 1.3 x + 0.1 s",
    )


def _step_seconds(folder: Path, environment: dict[str, str]) -> float:
    argv = [*_RECONCILER, "runs", "--limit", "1", "-o", "json"]
    told = subprocess.run(
        argv, cwd=folder, env={**os.environ, **environment}, check=True, capture_output=True
    )
    step = json.loads(told.stdout)["runs"][0]["steps"][0]
    moments = [datetime.fromisoformat(step[name]) for name in ("started", "finished")]
    return (moments[1] - moments[0]).total_seconds()


def _docker() -> str | None:
    """A docker client whose BuildKit works: not every client on PATH has it."""
    folders = [*os.environ.get("PATH", "").split(os.pathsep), "/usr/bin"]
    for path in (Path(folder) / "docker" for folder in folders):
        if not path.is_file():
            continue
        if _has_buildkit(str(path)):
            return str(path)
    return None


def _has_buildkit(client: str) -> bool:
    buildx = subprocess.run([client, "buildx", "version"], capture_output=True, check=False)
    argv = [client, "version", "--format", "{{.Client.Version}}"]
    version = subprocess.run(argv, capture_output=True, text=True, check=False)
    major = version.stdout.split(".")[0].strip()
    built_in = major.isdigit() and int(major) < 23
    return version.returncode == 0 and (buildx.returncode == 0 or built_in)


CASES = {"start": start, "specs": specs, "build": cached_build}
