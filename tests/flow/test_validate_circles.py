"""Row 40 before any plan: `validate` refuses tasks that would build each other without an end."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.loader.files import WorkspaceFiles
from reconciler.operations.planning.declared import validate_declared
from reconciler.store.spec_index import cache_folder
from tests.flow import chains
from tests.flow.chains import SERVER, own
from tests.flow.project import Project, new_project


@pytest.fixture(name="project")
def workspace(tmp_path: Path) -> Project:
    return new_project(tmp_path / "workspace")


def write(project: Project, name: str, *bases: str, **parts: Any) -> None:
    """As in `chains`; the first line of the Dockerfile is a comment, and no link."""
    chains.write(project, name, *bases, head="# one\n", **parts)


def told(project: Project) -> dict[str, str]:
    """Tasks with the place of their link."""
    outcome = project.run("validate", "-o", "json")
    found = json.loads(outcome.out)
    assert outcome.code == (0 if found["valid"] else 1), outcome.err
    return {
        one["task"]: f"{one['file']}:{one['line']}:{one['column']}"
        for one in found["diagnostics"]
        if "without an end" in one["message"]
    }


def test_every_link_of_every_circle_is_told_at_once(project: Project) -> None:
    write(project, "self-image", own("self-image"))
    write(project, "one-image", own("three-image"))
    write(project, "two-image", own("one-image"))
    write(project, "three-image", "alpine:3", own("two-image"))
    write(project, "left-image", own("right-image"))
    write(project, "right-image", own("left-image"))
    write(project, "outside", own("left-image"))
    assert told(project) == {
        "contoso/self-image": "self-image/Dockerfile:2:1",
        "contoso/one-image": "one-image/Dockerfile:2:1",
        "contoso/two-image": "two-image/Dockerfile:2:1",
        "contoso/three-image": "three-image/Dockerfile:3:1",
        "contoso/left-image": "left-image/Dockerfile:2:1",
        "contoso/right-image": "right-image/Dockerfile:2:1",
    }
    assert not (project.root / ".reconciler").exists()
    text = " ".join(project.run("validate").out.split())
    assert "contoso/one-image would build contoso/three-image, contoso/two-image anew" in text


def test_a_circle_is_told_beside_what_else_is_wrong(project: Project) -> None:
    write(project, "self-image", own("self-image"))
    project.write("other-task", timeout=1)
    assert set(told(project)) == {"contoso/self-image"}
    assert "specs/other-task.yaml" in project.run("validate").out


@pytest.mark.parametrize(
    ("bases", "trigger", "parts"),
    [
        ([own("web-api"), "alpine:3"], {"type": "Runtime"}, {}),
        ([own("web-api")], {"status": "Disabled"}, {}),
        ([own("web-api")], {}, {"status": "Disabled"}),
        ([f"{SERVER}/web-api:2"], {}, {}),
        ([own("web-api")], {}, {"step": {"docker": {"images": ["web-api:1"], "push": False}}}),
    ],
)
def test_what_ends_is_no_circle(
    project: Project, bases: list[str], trigger: dict[str, Any], parts: dict[str, Any]
) -> None:
    write(project, "web-api", *bases, trigger=trigger, **parts)
    assert told(project) == {}


def test_a_stage_closes_a_circle_for_a_trigger_of_type_all(project: Project) -> None:
    write(project, "web-api", own("web-api"), "alpine:3", trigger={"type": "All"})
    assert told(project) == {"contoso/web-api": "web-api/Dockerfile:2:1"}


def test_the_platform_of_a_task_decides_what_it_stands_on(project: Project) -> None:
    for number, platform in enumerate(("linux/arm64", "linux/amd64")):
        name = f"web-{number}"
        docker = {"docker": {"images": [f"{name}:arm64"]}}
        write(project, name, f"{SERVER}/{name}:$TARGETARCH", step=docker, platform=platform)
    assert told(project) == {"contoso/web-0": "web-0/Dockerfile:2:1"}


def test_task_files_and_inline_steps_are_read_where_they_lie_here(project: Project) -> None:
    write(project, "file-task", own("inline-task"), step={"file": {"path": "acb.yaml"}})
    (project.root / "file-task/acb.yaml").write_text(
        "version: v1.1.0\nsteps:\n"
        "  - build: -t $Registry/file-task:1 .\n  - push: [$Registry/file-task:1]\n"
    )
    steps = [{"build": "-t $Registry/inline-task:1 ."}, {"push": ["$Registry/inline-task:1"]}]
    write(project, "inline-task", own("file-task"), step={"inline": {"steps": steps}})
    elsewhere = {"source": "https://git.contoso.example/web.git#main"}
    write(project, "far-task", own("far-task"), context=elsewhere)
    assert told(project) == {
        "contoso/file-task": "file-task/Dockerfile:2:1",
        "contoso/inline-task": "inline-task/Dockerfile:2:1",
    }


# ------------------------------------------------------------ what is read
@pytest.fixture(name="many")
def many_tasks(project: Project) -> Project:
    for number in range(70):
        write(project, f"web-{number:02}", "alpine:3")
    return project


def validated(project: Project, monkeypatch: pytest.MonkeyPatch, hours: int = 1) -> tuple[int, int]:
    """How many problems there are, and how many Dockerfiles were read; the clock is ahead."""
    read: Counter[str] = Counter()
    real = WorkspaceFiles.read

    def reading(self: WorkspaceFiles, file: str) -> bytes:
        read[file] += file.endswith("Dockerfile")
        return real(self, file)

    with monkeypatch.context() as patched, project.opened() as opened:
        patched.setattr(WorkspaceFiles, "read", reading)
        now = datetime.now(UTC) + timedelta(hours=hours)
        ahead = dataclasses.replace(opened, clock=lambda: now, environment=ENVIRONMENT)
        found = validate_declared(ahead, now.date())
    return len(found.problems), read.total()


ENVIRONMENT: dict[str, str] = {}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path) -> None:
    ENVIRONMENT["XDG_CACHE_HOME"] = str(tmp_path / "cache")


def test_no_dockerfile_is_read_twice_while_it_stays(
    many: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert validated(many, monkeypatch) == (0, 70)
    assert validated(many, monkeypatch) == (0, 0)
    (many.root / "web-07/Dockerfile").write_text(f"FROM {own('web-07')}\n")
    assert validated(many, monkeypatch) == (1, 1)
    assert validated(many, monkeypatch) == (1, 0)
    # Another trigger is another question.
    write(many, "web-08", own("web-08"), "alpine:3")
    assert validated(many, monkeypatch) == (1, 1)
    write(many, "web-08", own("web-08"), "alpine:3", trigger={"type": "All"})
    assert validated(many, monkeypatch) == (2, 1)


def test_a_file_that_was_just_written_is_read_again(
    many: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert validated(many, monkeypatch, hours=0) == (0, 70)
    assert validated(many, monkeypatch, hours=0) == (0, 70)


def test_a_file_that_cannot_be_read_is_looked_for_again(
    many: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = many.root / "web-07/Dockerfile"
    path.unlink()
    assert validated(many, monkeypatch) == (0, 70)
    assert validated(many, monkeypatch) == (0, 1)
    path.write_text(f"FROM {own('web-07')}\n")
    assert validated(many, monkeypatch) == (1, 1)
    path.unlink()
    assert validated(many, monkeypatch) == (0, 1)


def test_a_link_that_leads_out_is_looked_at_again(
    many: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path, target = many.root / "web-07/Dockerfile", tmp_path / "outside"
    target.write_text(f"FROM {own('web-07')}\n")
    path.unlink()
    path.symlink_to(target)
    assert validated(many, monkeypatch) == (0, 69)
    path.unlink()
    path.write_text(target.read_text())
    assert validated(many, monkeypatch) == (1, 1)


def test_what_is_damaged_is_read_again(many: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    validated(many, monkeypatch)
    folder = cache_folder(ENVIRONMENT)
    assert folder is not None
    (path,) = (folder / "builds").glob("*.db")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE entries SET entry = replace(entry, 'linux', 'linuX')")
    connection.close()
    assert validated(many, monkeypatch) == (0, 70)
    assert validated(many, monkeypatch) == (0, 0)


def test_without_such_a_trigger_nothing_is_read(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project, "web-api", own("web-api"), triggers={})
    assert validated(project, monkeypatch) == (0, 0)
