"""Where dead runs may have left something."""

from __future__ import annotations

from pathlib import Path

from reconciler.operations.running.run_place import place_of
from reconciler.operations.running.sweep import engines_of
from reconciler.operations.workspace import open_workspace

WORKSPACE = """\
apiVersion: reconciler/v1
kind: Workspace
platforms:
  linux/amd64: {engine: auto}
  linux/arm64: {engine: "tcp://arm:2375"}
  linux/arm/v7: {engine: "tcp://arm:2375"}
"""


def test_each_engine_is_looked_at_once_the_usual_one_too(tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").write_text(WORKSPACE)
    opened = open_workspace(tmp_path, {"RECONCILER_ACTOR": "a@b.example"})
    try:
        assert engines_of(place_of(opened)) == [None, "tcp://arm:2375"]
    finally:
        opened.close()
