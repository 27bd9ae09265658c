"""A workspace in an empty folder, and the whole command run on it in process."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

from reconciler.cli.main import run

WORKSPACE = """\
apiVersion: reconciler/v1
kind: Workspace
registries:
  - {name: contoso, loginServer: registry.contoso.example}
"""
TASK = """\
apiVersion: reconciler/v1
kind: Task
metadata: {name: web-api, registry: contoso}
spec:
  context: {source: web}
  step: {docker: {images: ["web:1"]}}
"""


@dataclass(frozen=True)
class Outcome:
    """Exit code and everything that was printed."""

    code: int
    text: str

    def __contains__(self, part: str) -> bool:
        return part in self.flat

    @property
    def flat(self) -> str:
        """The text with wrapped lines joined again."""
        return self.text.replace("\n  ", " ")


class Desk:
    """One workspace. Files are given by their path below it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write({"reconciler.yaml": WORKSPACE})
        (root / "specs").mkdir()

    def write(self, files: dict[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            data = content if isinstance(content, bytes) else content.encode()
            path.write_bytes(data)

    def run(self, *words: str) -> Outcome:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            code = run(["-C", str(self.root), *words])
        return Outcome(code, printed.getvalue())

    def validate(self, files: dict[str, str | bytes] | str | bytes, *words: str) -> Outcome:
        """Write files (or one, specs/a.yaml) and validate."""
        self.write(files if isinstance(files, dict) else {"specs/a.yaml": files})
        return self.run("validate", *words)


def task(name: str = "web-api", image: str = "web:1", **metadata: str) -> str:
    """A task with another name and image, and further metadata as YAML."""
    more = "".join(f", {key}: {value}" for key, value in metadata.items())
    text = TASK.replace("name: web-api", f"name: {name}").replace("web:1", image)
    return text.replace("registry: contoso", f"registry: contoso{more}")
