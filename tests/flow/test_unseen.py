"""A base image that cannot be looked at is seen by whoever looks after a task."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.model.tracked import TaskBases, TrackedBase
from reconciler.model.watched import RegistryPause, Served
from reconciler.operations.doctoring.unseen import unseen_findings
from reconciler.store.images import keep_images, list_images, save_image
from reconciler.store.pauses import put_pause
from reconciler.store.task_bases import put_bases
from tests.flow.project import Project, new_project

HOST = "registry.contoso.example"
BASE, TOOLS = f"{HOST}/base:1", f"{HOST}/tools:1"
WHY = "the registry registry.contoso.example refuses to be read (401)"
SEEN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC).timestamp()


@pytest.fixture(name="project")
def watched(tmp_path: Path) -> Project:
    """web-api minds what its last stage stands on; other has no trigger."""
    project = new_project(tmp_path / "workspace", "shop-api")
    project.write("web-api", triggers={"baseImage": {"type": "Runtime"}})
    project.write("other")
    assert project.run("apply", "--auto-approve").code == 0
    bases = TaskBases(
        images=(
            TrackedBase(reference=BASE, kind="runtime", platform="linux/amd64"),
            TrackedBase(reference=TOOLS, kind="buildtime", platform="linux/amd64"),
        )
    )
    with project.opened() as opened:
        with opened.database.write() as connection:
            for name in ("web-api", "other"):
                put_bases(connection, f"contoso/{name}", bases, "declared", opened.clock())
        keep_images(opened.database, [BASE, TOOLS], SEEN)
    return project


def look(project: Project, message: str | None) -> None:
    """As a daemon stores its looks: both were seen, and an hour later they were not."""
    with project.opened() as opened:
        for image in list_images(opened.database):
            later = replace(
                image,
                served=Served("sha256:a"),
                checked_at=SEEN + 3600,
                seen_at=SEEN,
                message=message,
            )
            with opened.database.write() as connection:
                assert save_image(connection, later, image)


def told(project: Project, *words: str) -> str:
    found = project.run(*words)
    assert found.code == 0, found.err
    return " ".join(found.out.split())


def findings(project: Project) -> list[tuple[str, str]]:
    with project.opened() as opened:
        return [(one.subject, one.text) for one in unseen_findings(opened)]


def test_what_is_seen_is_not_spoken_of(project: Project) -> None:
    look(project, None)
    assert "seen" not in told(project, "show", "web-api")
    assert "seen" not in told(project, "tasks")
    assert findings(project) == []


def test_a_failed_look_is_told_with_since_when_and_why(project: Project) -> None:
    look(project, WHY)
    for words in (("show", "web-api"), ("tasks",)):
        text = told(project, *words)
        assert f"{BASE} was last seen " in text
        assert f"09:00 UTC: {WHY}" in text
        assert TOOLS not in text.partition("bases")[0], "its trigger does not look at that stage"
    rows = json.loads(told(project, "tasks", "-o", "json"))["tasks"]
    unseen = {row["name"]: row["unseen"] for row in rows}
    assert unseen["other"] == []
    (one,) = unseen["web-api"]
    assert (one["image"], one["why"], one["again"]) == (BASE, WHY, None)
    assert one["since"].startswith("2026-11-20T09:00")
    assert json.loads(told(project, "show", "web-api", "-o", "json"))["unseen"] == [one]
    ((subject, text),) = findings(project)
    assert subject == BASE
    assert text == f"not seen since 2026-11-20 09:00 UTC: {WHY}; 1 task"


def test_a_registry_that_is_left_alone_is_told_until_it_is_asked_again(project: Project) -> None:
    look(project, None)
    with project.opened() as opened:
        now = opened.clock().timestamp()
        pause = RegistryPause(HOST, now - 60, 3600, 1, f"the registry {HOST} answers 429")
        with opened.database.write() as connection:
            put_pause(connection, pause)
    (row,) = [
        row
        for row in json.loads(told(project, "tasks", "-o", "json"))["tasks"]
        if row["name"] == "web-api"
    ]
    (one,) = row["unseen"]
    assert one["why"] == f"the registry {HOST} answers 429"
    again = datetime.fromisoformat(one["again"]) - datetime.fromtimestamp(now, UTC)
    assert timedelta(seconds=3500) < again < timedelta(seconds=3600)
    assert "asked again" in told(project, "show", "web-api")
    with project.opened() as opened, opened.database.write() as connection:
        put_pause(connection, replace(pause, seconds=30))
    assert findings(project) == []
