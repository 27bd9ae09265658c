"""Contexts that a daemon fetches end neither the daemon nor its look at others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.model.task import Task
from reconciler.operations.serving import context_bases
from reconciler.operations.serving.context_bases import UnfetchedError, bases_of
from tests.flow.project import Project, new_project

BUILD = {"inline": {"steps": [{"build": "-t web:1 ."}]}}


@pytest.fixture(name="project")
def of_nothing(tmp_path: Path) -> Project:
    """One task, whose context is empty."""
    project = new_project(tmp_path / "workspace")
    project.write(context={"source": "/dev/null"}, step=BUILD, triggers={"baseImage": {}})
    assert project.run("apply", "--auto-approve").code == 0
    return project


def read(project: Project) -> str | None:
    (document,) = project.live().values()
    with project.opened() as opened:
        return bases_of(opened, Task.model_validate_json(document), lambda: False).unknown


def test_a_file_that_is_not_there_is_named(project: Project) -> None:
    assert str(read(project)).startswith("/dev/null: Dockerfile: cannot read the file")


def test_a_file_that_nobody_foresaw_is_told(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RecursionError

    monkeypatch.setattr(context_bases, "_read", fail)
    assert read(project) == "its files cannot be read: RecursionError"


def test_a_disk_that_takes_nothing_is_told(project: Project) -> None:
    (project.root / ".reconciler" / "work").write_text("not a folder")
    with pytest.raises(UnfetchedError, match="cannot be kept here: File exists"):
        read(project)
