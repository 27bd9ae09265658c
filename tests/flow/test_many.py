"""Many specs: read by content and in several processes, a plan says what it says for few."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
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


def nested(project: Project) -> None:
    """Defaults at three depths, a folder larger than what is read at once, an empty one."""
    for place, timeout in (("", 700), ("a/", 701), ("a/b/", 702), ("large/", 703)):
        path = project.root / f"specs/{place}defaults.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            f"apiVersion: reconciler/v1\nkind: Defaults\nspec: {{timeout: {timeout}}}\n"
        )
    (project.root / "specs/none").mkdir()
    for number in range(3):
        for place in ("a", "a/b", "a/b/c"):
            name = f"{place.replace('/', '-')}-task-{number}"
            project.write(f"{place}/{name}", metadata={"name": name})
    for number in range(250):
        project.write(f"large/large-{number}", metadata={"name": f"large-{number}"})


@pytest.mark.parametrize("known", [False, True])
def test_folders_say_the_same_wherever_they_are_read(
    project: Project, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    nested(project)
    told = []
    for number in (1, 2, 3):
        monkeypatch.setattr(survey, "_ENOUGH", 1)
        monkeypatch.setattr(survey, "processors", lambda number=number: number)
        if not known:
            monkeypatch.setenv("XDG_CACHE_HOME", str(project.root.parent / f"cache-{number}"))
        plan = json.loads(project.run("plan", "-o", "json").out)
        valid = json.loads(project.run("validate", "-o", "json").out)
        assert valid["defaults"] == 4
        told.append((plan["inputs"], plan["declared"], plan["changes"]))
    assert len(told[0][2]) == COUNT + 1 + 9 + 250
    timeouts = {one["address"]: one["target"]["spec"].get("timeout") for one in told[0][2]}
    assert timeouts["contoso/a-task-0"] == 701
    assert timeouts["contoso/a-b-task-0"] == timeouts["contoso/a-b-c-task-0"] == 702
    assert timeouts["contoso/large-0"] == timeouts["contoso/large-249"] == 703
    assert told == [told[0]] * 3


def test_what_other_processes_found_in_the_index_is_not_forgotten(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    nested(project)
    project.run("validate")
    project.write("task-001", timeout=900)
    monkeypatch.setattr(survey, "_ENOUGH", 1)
    project.run("validate")
    (path,) = (Path(os.environ["XDG_CACHE_HOME"]) / "reconciler" / "specs").glob("*.db")
    with closing(sqlite3.connect(path)) as index:
        (kept,) = index.execute("SELECT count(*) FROM entries").fetchone()
    assert kept > COUNT + 250


def test_what_changed_is_compared_wherever_it_was_read(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert project.run("apply", "--auto-approve").code == 0
    project.write("task-070", timeout=900)
    project.write("task-071", timeout=901, metadata={"owner": "team-new"})
    monkeypatch.setattr(survey, "_ENOUGH", 1)
    words = ("plan", "-o", "json", "--exclude", "task-071")
    told = []
    for number in (1, 2):
        monkeypatch.setattr(survey, "processors", lambda number=number: number)
        told.append((changes(project), json.loads(project.run(*words).out)["changes"]))
    assert [one["address"] for one in told[0][0]] == ["contoso/task-070", "contoso/task-071"]
    assert [one["address"] for one in told[0][1]] == ["contoso/task-070"]
    assert told[1] == told[0]
