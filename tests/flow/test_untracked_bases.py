"""Tasks that an earlier version applied: nobody looked at what they stand on, and that is told."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reconciler.store.decisions import list_decisions
from tests.flow.project import Project, new_project
from tests.flow.serving.desk import Daemon, daemon, eventually, state

HUB = "docker.io/library"
WATCHED: dict[str, Any] = {"triggers": {"baseImage": {"type": "Runtime"}}}


def forget(project: Project) -> None:
    """As version 3 of the state, which knew no bases, was brought up."""
    with closing(sqlite3.connect(project.root / ".reconciler" / "state.db")) as connection:
        connection.execute("DELETE FROM base_readings")
        connection.execute("DELETE FROM task_bases")
        connection.commit()


@pytest.fixture(name="project")
def of_an_earlier_version(tmp_path: Path) -> Project:
    """One task that minds base images, and one that does not."""
    project = new_project(tmp_path / "workspace")
    (project.root / "web").mkdir()
    (project.root / "web" / "Dockerfile").write_text("FROM alpine:3\n")
    step = {"docker": {"images": ["web:1"]}}
    project.write("web-api", context={"source": "web"}, step=step, **WATCHED)
    project.write("plain", context={"source": "web"}, step={"docker": {"images": ["plain:1"]}})
    assert project.run("apply", "--auto-approve").code == 0
    forget(project)
    return project


def bases(project: Project) -> Any:
    return json.loads(project.run("show", "web-api", "-o", "json").out)["bases"]


def test_plan_says_so_and_apply_fills_them_in(project: Project) -> None:
    assert bases(project) is None
    live = json.loads(project.run("show", "web-api", "-o", "json").out)["live"]
    told = " ".join(project.run("plan").out.split())
    assert "the base images of 1 task are not known (applied by an earlier version)" in told
    assert "changes nothing else: contoso/web-api" in told
    assert f"a push to {HUB}/alpine:3 rebuilds 1 task in 1 wave (none until now)" in told
    assert "Plan: 1 to remember, 1 unchanged." in told
    applied = project.run("apply", "--auto-approve")
    assert applied.code == 0
    assert "Applied 0 of 0" in applied.out
    (image,) = bases(project)["images"]
    assert (image["reference"], image["file"]) == (f"{HUB}/alpine:3", "web/Dockerfile")
    assert json.loads(project.run("show", "web-api", "-o", "json").out)["live"] == live
    assert "No changes" in project.run("plan").out


def test_a_plan_for_machines_and_for_reviewers_says_so_too(project: Project) -> None:
    plan = json.loads(project.run("plan", "-o", "json").out)
    (change,) = plan["changes"]
    assert (change["action"], change["tracks"]) == ("no-op", True)
    text = project.run("plan", "-o", "markdown").out
    assert "the base images of 1 task are not known" in text
    assert "`contoso/web-api`" in text


def test_a_part_of_a_plan_fills_in_its_own(project: Project) -> None:
    assert "No changes" in project.run("plan", "--target", "plain").out
    assert "1 to remember" in project.run("plan", "--target", "web-api").out


def test_drift_is_left_alone_by_it(project: Project) -> None:
    with closing(sqlite3.connect(project.root / ".reconciler" / "state.db")) as connection:
        change = """UPDATE live_tasks SET document = replace(document, '"web:1"', '"web:2"')"""
        connection.execute(change + " WHERE address = 'contoso/web-api'")
        connection.commit()
    assert "1 drifted" in project.run("plan").out
    assert project.run("apply", "--auto-approve").code == 0
    assert bases(project) is not None
    shown = json.loads(project.run("show", "web-api", "-o", "json").out)
    assert shown["live"]["spec"]["step"]["docker"]["images"] == ["web:2"]
    assert shown["applied"]["spec"]["step"]["docker"]["images"] == ["web:1"]


def test_doctor_names_them(project: Project) -> None:
    told = " ".join(project.run("doctor").out.split())
    assert "not known of 1 task, applied by an earlier version" in told
    assert "anew: contoso/web-api" in told
    assert project.run("apply", "--auto-approve").code == 0
    assert "applied by an earlier version" not in project.run("doctor").out


# ------------------------------------------------------------------ the daemon
def of_images(at: Daemon) -> list[dict[str, str]]:
    return [line for line in at.told("images") if line.get("task") == "contoso/web-api"]


def test_the_daemon_fills_in_what_the_files_here_say(project: Project) -> None:
    with daemon(project.root, "--no-worker", "--no-timers") as at:
        (told,) = eventually(lambda: of_images(at))
        assert told["message"] == (
            "applied by an earlier version: 1 base image, read from its files now"
        )
        assert at.stop() == 0
    (image,) = bases(project)["images"]
    assert (image["reference"], image["file"]) == (f"{HUB}/alpine:3", "web/Dockerfile")
    assert "No changes" in project.run("plan").out


def test_where_the_files_are_not_here_the_daemon_says_why_nothing_will_be_built(
    project: Project,
) -> None:
    (project.root / "web" / "Dockerfile").unlink()
    with daemon(project.root, "--no-worker", "--no-timers") as at:
        (told,) = eventually(lambda: of_images(at))
        assert told["verdict"] == "untracked"
        assert "web/Dockerfile" in told["error"]
        assert at.stop() == 0
    assert bases(project) is None  # an apply where the files are still fills them in
    with state(project.root) as opened:
        (found,) = list_decisions(opened, task="contoso/web-api")
    assert (found.verdict, found.trigger) == ("untracked", "baseImage")
    assert "apply it again where its files are" in found.detail
