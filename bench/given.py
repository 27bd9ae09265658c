"""What the cases of runs stand on: a docker client, a base image, a registry, a bridge network."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

RECONCILER = (sys.executable, "-m", "reconciler")
_ROOT = Path(__file__).parents[1]
_BASE_IMAGE = "reconciler-base:busybox"


class Missing(Exception):
    """Something on this machine that a case needs; the text says what, and how to get it."""


@dataclass(frozen=True, slots=True)
class Given:
    """A folder for the whole benchmark, and whether big sizes are wanted."""

    folder: Path
    large: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """For reconciler and docker: the state is ours, BuildKit is on."""
        return {"XDG_STATE_HOME": str(self.folder / "state"), "DOCKER_BUILDKIT": "1"}


# --------------------------------------------------------------- the machine
def docker_client() -> str:
    """A docker client whose BuildKit works: not every client on PATH has it. Raises Missing."""
    folders = [*os.environ.get("PATH", "").split(os.pathsep), "/usr/bin"]
    for path in (Path(folder) / "docker" for folder in folders):
        if path.is_file() and _has_buildkit(str(path)):
            return str(path)
    raise Missing("no engine with BuildKit answers")


def _has_buildkit(client: str) -> bool:
    buildx = subprocess.run([client, "buildx", "version"], capture_output=True, check=False)
    argv = [client, "version", "--format", "{{.Client.Version}}"]
    version = subprocess.run(argv, capture_output=True, text=True, check=False)
    major = version.stdout.split(".")[0].strip()
    built_in = major.isdigit() and int(major) < 23
    return version.returncode == 0 and (buildx.returncode == 0 or built_in)


def base_image(client: str) -> str:
    """The small local image that steps run in. Raises Missing."""
    name = _service("RECONCILER_BASE_IMAGE") or _BASE_IMAGE
    found = subprocess.run([client, "image", "inspect", name], capture_output=True, check=False)
    if found.returncode:
        raise Missing(f"there is no image {name}: .ci/services ensure makes it")
    return name


def registry() -> str:
    """The address of a registry that takes pushes without a login. Raises Missing."""
    found = _service("RECONCILER_REGISTRY")
    if found is None:
        raise Missing("no registry: .ci/services ensure starts one")
    return found


def _service(name: str) -> str | None:
    """A setting from the environment, else from what `.ci/services` wrote down."""
    if name in os.environ:
        return os.environ[name]
    written = Path(os.environ.get("RECONCILER_SERVICES", _ROOT / ".services")) / "env"
    lines = written.read_text("utf-8").splitlines() if written.is_file() else []
    return dict(line.split("=", 1) for line in lines if "=" in line).get(name)


@contextlib.contextmanager
def bridge(client: str) -> Iterator[str]:
    """A bridge network of our own, as every run has one."""
    name = f"bench-{uuid.uuid4().hex[:8]}"
    subprocess.run([client, "network", "create", name], check=True, capture_output=True)
    try:
        yield name
    finally:
        subprocess.run([client, "network", "rm", name], check=True, capture_output=True)


# ---------------------------------------------------------------- the record
def last_record(folder: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """The record of the run that was started last."""
    argv = [*RECONCILER, "runs", "--limit", "1", "-o", "json"]
    told = subprocess.run(
        argv, cwd=folder, env={**os.environ, **environment}, check=True, capture_output=True
    )
    found: dict[str, Any] = json.loads(told.stdout)["runs"][0]
    return found


def seconds_of(record: Mapping[str, Any]) -> float:
    """From start to end of a run or of one of its steps."""
    moments = [datetime.fromisoformat(record[name]) for name in ("started", "finished")]
    return (moments[1] - moments[0]).total_seconds()
