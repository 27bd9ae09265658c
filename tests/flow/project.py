"""A workspace on disk and the whole command over it, in this process or in one of its own."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from reconciler.cli.main import run
from reconciler.model.task import Task
from reconciler.operations.workspace import OpenWorkspace, open_workspace
from reconciler.plan.build import Stored
from tests.unit.plan.builders import document, stored, task

WORKSPACE = """\
apiVersion: reconciler/v1
kind: Workspace
state: {state}
registries: [{{name: contoso, loginServer: registry.contoso.example}}]
"""
POLICY = """\
apiVersion: reconciler/v1
kind: Policy
rules: [{name: ownership}]
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(slots=True)
class Project:
    """A workspace folder. `actor` is who works in it."""

    root: Path
    actor: str = "lead@contoso.example"
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, name: str = "web-api", **parts: Any) -> None:
        """Write a spec to specs/NAME.yaml; `parts` as in the builder `document`."""
        path = self.root / "specs" / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(document(name, **parts), sort_keys=False))

    def run(self, *words: str) -> Outcome:
        """Run the command in this process."""
        out, err = io.StringIO(), io.StringIO()
        with (
            self._inside(),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = run(["-C", str(self.root), *words])
        return Outcome(code, out.getvalue(), err.getvalue())

    def spawn(self, *words: str, code: str | None = None, **options: Any) -> subprocess.Popen[str]:
        """Start the command, or Python `code`, in a process of its own."""
        start = ["-c", code] if code is not None else ["-m", "reconciler"]
        return subprocess.Popen(
            [sys.executable, *start, *words],
            cwd=self.root,
            env={**os.environ, "RECONCILER_ACTOR": self.actor, **self.environment},
            text=True,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )

    def finish(self, *words: str, **options: Any) -> Outcome:
        """`spawn` and wait."""
        process = self.spawn(*words, **options)
        out, err = process.communicate(timeout=120)
        return Outcome(process.returncode, out, err)

    @contextlib.contextmanager
    def opened(self) -> Iterator[OpenWorkspace]:
        """The open workspace, for looking behind the command's back."""
        found = open_workspace(self.root, {"RECONCILER_ACTOR": self.actor})
        try:
            yield found
        finally:
            found.close()

    def change_live(self, name: str = "web-api", **parts: Any) -> None:
        """Change a live task behind the back of the state."""
        value: Task = task(name, **parts)
        with self.opened() as found:
            kept: Stored = stored(value)
            found.provider.update(value.address, kept.document)

    def live(self) -> dict[str, str]:
        """What is live: address to document."""
        with self.opened() as found:
            return {one.address: one.document for one in found.provider.read_all()}

    @contextlib.contextmanager
    def _inside(self) -> Iterator[None]:
        before = dict(os.environ)
        os.environ.update({"RECONCILER_ACTOR": self.actor, **self.environment})
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def new_project(root: Path, *names: str, state: str = "sqlite:///.reconciler/state.db") -> Project:
    """A workspace with a task for each name."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "reconciler.yaml").write_text(WORKSPACE.format(state=state))
    project = Project(root)
    for name in names:
        project.write(name)
    return project
