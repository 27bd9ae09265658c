"""What task files push, in a plan: read where they lie in the workspace, else told as unknown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.flow.project import Project, new_project

SERVER = "registry.contoso.example"
TASK_FILE = """\
version: v1.1.0
steps:
  - build: -t $Registry/web:{{.Values.tag}} .
  - push:
      - $Registry/web:{{.Values.tag}}
      - $Registry/web:{{.Run.ID}}
"""


@pytest.fixture(name="project")
def with_a_task_file(tmp_path: Path) -> Project:
    project = new_project(tmp_path / "workspace")
    put(project, TASK_FILE)
    (project.root / "app/values.yaml").write_text("tag: stable\n")
    return project


def put(project: Project, text: str, name: str = "acb.yaml") -> None:
    path = project.root / "app" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def write(project: Project, source: str = "app", timeout: int = 600, **step: Any) -> None:
    file = {"path": "acb.yaml", "repositories": ["web"], **step}
    project.write(step={"file": file}, context={"source": source}, timeout=timeout)


def planned(project: Project) -> dict[str, Any]:
    outcome = project.run("plan", "-o", "json")
    assert outcome.code == 0, outcome.err
    content: dict[str, Any] = json.loads(outcome.out)
    return content


def images(project: Project) -> list[str]:
    return [path["image"] for path in planned(project)["releases"]]


def unknown(project: Project) -> str:
    (found,) = planned(project)["unknown_releases"]
    assert found["repositories"] == ["web"]
    return str(found["why"])


def test_a_new_task_says_what_its_file_pushes_and_where(project: Project) -> None:
    write(project, set={"tag": "prod"})
    paths = planned(project)["releases"]
    assert [(path["image"], path["origin"]) for path in paths] == [
        (f"{SERVER}/web:prod", "app/acb.yaml:4:1"),
        (f"{SERVER}/web:{{run id}}", "app/acb.yaml:4:1"),
    ]
    assert planned(project)["unknown_releases"] == []
    assert f"contoso/web-api now writes {SERVER}/web:prod" in project.run("plan").out


def test_a_changed_value_is_a_new_path_and_another_change_is_none(project: Project) -> None:
    write(project, values="values.yaml")
    assert f"{SERVER}/web:stable" in images(project)
    assert project.run("apply", "--auto-approve").code == 0
    write(project, timeout=900, values="values.yaml")
    assert images(project) == []
    write(project, values="values.yaml", set={"tag": "prod"})
    assert images(project) == [f"{SERVER}/web:prod"]


def test_another_file_of_the_context_is_read_for_what_was_live(project: Project) -> None:
    write(project, set={"tag": "prod"})
    assert project.run("apply", "--auto-approve").code == 0
    put(project, TASK_FILE.replace("Run.ID", "Run.Date"), "next.yaml")
    write(project, path="next.yaml", set={"tag": "prod"})
    assert images(project) == [f"{SERVER}/web:{{run date}}"]


@pytest.mark.parametrize(
    ("source", "text", "why"),
    [
        (
            "https://git.contoso.example/web.git#main",
            TASK_FILE,
            "its context is fetched by the run",
        ),
        ("app", None, "cannot read the file"),
        ("app", "version: v1.1.0\nsteps: 5\n", "it is wrong: "),
        (
            "app",
            TASK_FILE.replace("{{.Run.ID}}", '{{if eq .Run.Branch "main"}}prod{{else}}x{{end}}'),
            "what it does depends on the run",
        ),
        ("..", TASK_FILE, "it lies outside of the workspace"),
    ],
)
def test_what_cannot_be_read_is_told_as_unknown_with_the_reason(
    project: Project, source: str, text: str | None, why: str
) -> None:
    (project.root / "app/acb.yaml").unlink()
    if text is not None:
        put(project, text)
    (project.root.parent / "acb.yaml").write_text(TASK_FILE)
    write(project, source, set={"tag": "prod"})
    assert why in unknown(project)
    assert images(project) == []
    for words in (("plan",), ("plan", "-o", "markdown")):
        told = " ".join(project.run(*words).out.split())
        assert "not known before the run" in told
        assert "its spec lets it push to web" in told


def test_a_file_that_is_unknown_is_told_only_where_it_may_push_otherwise(project: Project) -> None:
    write(project, "https://git.contoso.example/web.git#main")
    assert project.run("apply", "--auto-approve").code == 0
    write(project, "https://git.contoso.example/web.git#main", timeout=900)
    assert planned(project)["unknown_releases"] == []
    write(project, "https://git.contoso.example/web.git#next", timeout=900)
    assert unknown(project) == "its context is fetched by the run"


def test_the_value_of_a_secret_is_not_asked_for(project: Project) -> None:
    put(project, TASK_FILE + "  - cmd: bash echo\n    env: [A={{.Values.password}}]\n")
    write(project, set={"tag": "prod"}, setSecret={"password": "env:NOT_SET_ANYWHERE"})
    assert f"{SERVER}/web:prod" in images(project)
