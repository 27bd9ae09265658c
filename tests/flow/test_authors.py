"""Who is named for a change: whoever wrote these very lines, or took them away."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reconciler.operations.planning import authors
from tests.flow.project import Project, new_project
from tests.flow.repository import git

WORKSPACE = """\
apiVersion: reconciler/v1
kind: Workspace
registries: [{name: contoso, loginServer: registry.contoso.example}]
"""
DEFAULTS = """\
apiVersion: reconciler/v1
kind: Defaults
metadata:
  registry: contoso
  owner: team-a
spec:
  timeout: 1800
  cache: enabled
"""
TASK = """\
apiVersion: reconciler/v1
kind: Task
metadata:
  name: NAME
  labels: {tier: dev, zone: a}
spec:
  context:
    source: https://git.contoso.example/NAME.git#main
    visibility: private
    token: {secret: "env:PAT", version: v3, expires: 2027-01-31}
  step:
    inline:
      steps:
        - cmd: |
            busybox sh -c "
            id
            true"
"""


def commit(project: Project, author: str) -> str:
    mail = f"{author}@contoso.example"
    git(project.root, "add", "-A")
    git(project.root, "commit", "-qm", "x", f"--author={author} <{mail}>")
    return git(project.root, "rev-parse", "HEAD")[:7]


def edit(project: Project, name: str, *pairs: tuple[str, str]) -> None:
    path = project.root / "specs" / name
    text = path.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


@pytest.fixture(name="project")
def applied(tmp_path: Path) -> Project:
    project = new_project(tmp_path / "workspace")
    (project.root / "reconciler.yaml").write_text(WORKSPACE)
    (project.root / ".gitignore").write_text(".reconciler/\n")
    (project.root / "specs").mkdir()
    (project.root / "specs/defaults.yaml").write_text(DEFAULTS)
    (project.root / "specs/web.yaml").write_text(TASK.replace("NAME", "web-api"))
    git(project.root, "init", "-q", "-b", "main")
    commit(project, "lead")
    assert project.run("apply", "--auto-approve").code == 0
    return project


def content(project: Project, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(project.run("plan", "-o", "json", *words).out)
    return found


def blamed(project: Project, *words: str) -> dict[str, tuple[str, str]]:
    """By path, of what the author is told, and who that is."""
    return {
        field["path"].removeprefix("spec."): (
            field["blame"]["of"],
            (field["blame"]["author"] or "nobody").partition("@")[0],
        )
        for change in content(project, *words)["changes"]
        for field in change["paths"]
    }


def told(project: Project, *words: str) -> str:
    return " ".join(project.run("plan", *words).out.split())


@pytest.mark.parametrize("words", [[], ["--base", "HEAD~2"]])
def test_every_field_names_who_wrote_its_line_and_not_who_touched_the_file_last(
    project: Project, words: list[str]
) -> None:
    edit(project, "web.yaml", ("visibility: private", "visibility: public"))
    edit(project, "defaults.yaml", ("1800", "9000"))
    alice = commit(project, "alice")
    edit(project, "web.yaml", ("apiVersion", "# reviewed\napiVersion"))
    edit(project, "defaults.yaml", ("team-a", "team-z"))
    innocent = commit(project, "innocent")
    assert blamed(project, *words) == {
        "metadata.owner": ("line", "innocent"),
        "context.visibility": ("line", "alice"),
        "timeout": ("line", "alice"),
    }
    (change,) = content(project, *words)["changes"]
    assert (change["cause"]["commit"][:7], change["cause"]["of"]) == (alice, "line")
    text = told(project, *words)
    assert f"specs/web.yaml:10 {alice} alice@contoso.example" in text
    assert f"from specs/defaults.yaml:5:3 {innocent} innocent@contoso.example" in text
    assert f"from specs/defaults.yaml:7:3 {alice} alice@contoso.example" in text


def test_two_authors_of_one_file_are_both_named_by_default(project: Project) -> None:
    edit(project, "web.yaml", ("visibility: private", "visibility: public"))
    alice = commit(project, "alice")
    edit(project, "web.yaml", ("zone: a", "zone: b"))
    bob = commit(project, "bob")
    for words in ([], ["-o", "markdown"]):
        text = told(project, *words).replace("\u200b", "")
        assert f"{alice} alice@contoso.example" in text
        assert f"{bob} bob@contoso.example" in text


def test_a_line_in_the_middle_of_a_long_value_is_found(project: Project) -> None:
    edit(project, "web.yaml", ("            id\n", "            id -u\n"))
    commit(project, "mallory")
    edit(project, "web.yaml", ("visibility: private", "visibility: public"))
    commit(project, "bob")
    assert blamed(project)["step.inline.steps.0.cmd"] == ("line", "mallory")


def test_only_lines_that_are_not_committed_are_told_as_that(project: Project) -> None:
    edit(project, "web.yaml", ("visibility: private", "visibility: public"))
    commit(project, "alice")
    edit(project, "web.yaml", ("zone: a", "zone: b"))
    assert blamed(project) == {
        "metadata.labels.zone": ("line", "nobody"),
        "context.visibility": ("line", "alice"),
    }
    assert told(project, "--full").count("not committed") == 2  # the headline, and that line


def test_a_field_that_went_names_who_removed_it(project: Project) -> None:
    edit(project, "web.yaml", ("tier: dev, ", ""))
    eve = commit(project, "eve")
    edit(project, "web.yaml", ("zone: a", "zone: b"))
    edit(project, "defaults.yaml", ("  timeout: 1800\n", ""))
    dan = commit(project, "dan")
    edit(project, "web.yaml", ("apiVersion", "# reviewed\napiVersion"))
    commit(project, "innocent")
    found = blamed(project)
    assert found["metadata.labels.tier"] == ("removal", "eve")
    assert found["timeout"] == ("removal", "dan")
    text = told(project, "--full")
    assert f"no longer written, removed from specs/web.yaml {eve} eve@contoso.example" in text
    assert f"no longer written, removed from specs/defaults.yaml {dan} dan@contoso.e" in text
    edit(project, "web.yaml", (", version: v3", ""))
    assert blamed(project)["context.token.version"] == ("removal", "nobody")


def test_a_task_that_left_a_file_of_several_names_who_took_it(project: Project) -> None:
    both = TASK.replace("NAME", "one-api") + "---\n" + TASK.replace("NAME", "two-api")
    (project.root / "specs/many.yaml").write_text(both)
    commit(project, "lead")
    assert project.run("apply", "--auto-approve").code == 0
    (project.root / "specs/many.yaml").write_text(TASK.replace("NAME", "two-api"))
    eve = commit(project, "eve")
    edit(project, "many.yaml", ("apiVersion", "# reviewed\napiVersion"))
    commit(project, "innocent")
    (change,) = content(project)["changes"]
    assert (change["action"], change["cause"]["of"]) == ("delete", "removal")
    assert f"removed in {eve} eve@contoso.example (specs/many.yaml)" in told(project)
    (project.root / "specs/many.yaml").unlink()
    last = commit(project, "dan")
    causes = {one["address"]: one["cause"]["commit"][:7] for one in content(project)["changes"]}
    assert causes["contoso/two-api"] == last


def test_of_a_token_its_place_and_author_are_told_in_full(project: Project) -> None:
    edit(project, "web.yaml", ("zone: a", "zone: b"))
    commit(project, "alice")
    edit(project, "web.yaml", ("2027-01-31", "2027-06-30"))
    eve = commit(project, "eve")
    for words in ([], ["--full"]):
        assert f"2027-06-30 specs/web.yaml:10 {eve} eve@contoso.example" in told(project, *words)


def test_of_too_many_files_the_last_change_is_told_as_that(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.root / "specs/api.yaml").write_text(TASK.replace("NAME", "shop-api"))
    commit(project, "lead")
    assert project.run("apply", "--auto-approve").code == 0
    for name in ("web.yaml", "api.yaml"):
        edit(project, name, ("visibility: private", "visibility: public"))
    commit(project, "alice")
    monkeypatch.setattr(authors, "EXACT_FILES", 1)
    kinds = {change["cause"]["of"] for change in content(project)["changes"]}
    assert kinds == {"line", "file"}
    assert told(project).count("file last changed by") == 1


def test_a_new_task_names_who_wrote_its_newest_line(project: Project) -> None:
    edit(project, "web.yaml", ("kind: Task", "kind: Task"))
    path = project.root / "specs/web.yaml"
    path.write_text(path.read_text() + "---\n" + TASK.replace("NAME", "new-api"))
    commit(project, "lead")
    text = path.read_text()
    head, _, new = text.partition("---\n")
    path.write_text(head + "---\n" + new.replace("private", "public"))
    mallory = commit(project, "mallory")
    path.write_text("# reviewed\n" + path.read_text())
    commit(project, "innocent")
    (change,) = content(project)["changes"]
    assert (change["action"], change["cause"]["commit"][:7]) == ("create", mallory)


def test_a_list_of_revisions_to_pass_over_hides_nobody(project: Project) -> None:
    edit(project, "web.yaml", ("visibility: private", "visibility: public"))
    commit(project, "mallory")
    listed = git(project.root, "rev-parse", "HEAD")
    (project.root / "ignore").write_text(listed + "\n")
    subprocess.run(
        ["git", "config", "blame.ignoreRevsFile", "ignore"], cwd=project.root, check=True
    )
    assert blamed(project)["context.visibility"] == ("line", "mallory")
