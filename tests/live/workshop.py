"""A workspace on the real engine and registry, and the command run in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-m", "reconciler"]


@dataclass
class Workshop:
    """A workspace with one registry, and the command run in it."""

    root: Path
    registry: str
    base: str
    environment: dict[str, str] = field(default_factory=dict)

    def context(self, name: str, *lines: str) -> Path:
        folder = self.root / name
        folder.mkdir(exist_ok=True)
        (folder / "Dockerfile").write_text("\n".join([f"FROM {self.base}", *lines, ""]))
        return folder

    def settings(self) -> dict[str, str]:
        return {**os.environ, "RECONCILER_ACTOR": "dev@contoso.example", **self.environment}

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *words], cwd=self.root, env=self.settings(), text=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False,
        )  # fmt: skip

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, *words], cwd=self.root, env=self.settings(), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip

    def records(self) -> list[dict[str, Any]]:
        found = json.loads(self.call("runs", "-o", "json").stdout)
        return list(found["runs"])

    def last(self) -> dict[str, Any]:
        return self.records()[0]
