"""Many specs: read by content and in several processes, a plan says what it says for few."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.operations.reading import survey
from tests.flow.project import Project, new_project

COUNT = 80
DEFAULTS = "apiVersion: reconciler/v1\nkind: Defaults\nspec: {triggers: {baseImage: {type: All}}}\n"


@pytest.fixture(name="project")
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setattr(survey, "processors", lambda: 2)
    project = new_project(tmp_path / "workspace", "web-api")
    (project.root / "specs/defaults.yaml").write_text(DEFAULTS)
    for number in range(COUNT):
        project.write(f"task-{number:03d}", timeout=600 + number)
    return project


def changes(project: Project) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(project.run("plan", "-o", "json").out)["changes"]
    return found


def test_new_tasks_are_told_alike_however_they_were_read(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_processes, from_index = changes(project), changes(project)
    monkeypatch.setattr(survey, "_MANY", 10_000)
    plainly = changes(project)
    assert len(plainly) == COUNT + 1
    assert in_processes == from_index == plainly
    assert {one["paths"][0]["origin"] for one in plainly} == {"specs/defaults.yaml:3:31"}


def test_a_new_task_beside_many_known_ones_is_told_with_what_changed(project: Project) -> None:
    assert project.run("apply", "--auto-approve").code == 0
    assert changes(project) == []
    project.write("task-new", timeout=900)
    project.write("task-007", timeout=900)
    first, second = changes(project)
    assert (first["address"], first["action"]) == ("contoso/task-007", "update")
    assert (second["address"], second["action"]) == ("contoso/task-new", "create")
    assert second["target"]["spec"]["timeout"] == 900
