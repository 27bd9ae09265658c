"""The shell lines that the how-to pages show are run as they stand there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.report.markdown import MARKER
from tests.flow.forge import TOKEN, Forge, serving
from tests.flow.project import POLICY, Project, new_project

ROOT = Path(__file__).parents[2]
HOW_TO = ROOT / "docs" / "how-to"
WORKFLOW = ROOT / ".github" / "workflows" / "plan-apply.yml"


def steps(page: str) -> list[dict[str, Any]]:
    """The steps that a page shows."""
    found: list[dict[str, Any]] = []
    for block in re.findall(r"```yaml\n(.*?)```", (HOW_TO / page).read_text(), re.DOTALL):
        content = yaml.safe_load(block)
        found += content["steps"] if isinstance(content, dict) else content
    return found


def lines(page: str, name: str) -> str:
    """The shell lines of a step."""
    (step,) = [step for step in steps(page) if name in {step.get("name"), step.get("displayName")}]
    return str(step.get("run", step.get("bash")))


@pytest.fixture(name="forge")
def the_forge() -> Iterator[Forge]:
    with serving() as forge:
        yield forge


@pytest.fixture(name="project")
def with_a_change_and_a_delete(tmp_path: Path) -> Project:
    project = new_project(tmp_path / "workspace", "web-api", "shop-api")
    assert project.run("apply", "--auto-approve").code == 0
    project.write(timeout=900)
    (project.root / "specs/shop-api.yaml").unlink()
    return project


def shell(
    project: Project, text: str, *options: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run lines as a CI service does: bash, with its variables."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", *options, "-c", text],
        cwd=project.root,
        env={**os.environ, "PATH": path, "RECONCILER_ACTOR": "ci", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


# ------------------------------------------------------------------- GitHub
def github(project: Project, name: str, **environment: str) -> subprocess.CompletedProcess[str]:
    files = {
        "GITHUB_STEP_SUMMARY": str(project.root / "summary"),
        "GITHUB_OUTPUT": str(project.root / "output"),
    }
    options = ("-eo", "pipefail")
    return shell(project, lines("github-actions.md", name), *options, **files, **environment)


def commented(project: Project, forge: Forge) -> subprocess.CompletedProcess[str]:
    name = "Write the plan as a comment, one per pull request"
    where = {"GITHUB_API_URL": forge.url, "GITHUB_REPOSITORY": "o/r", "NUMBER": "7"}
    return github(project, name, GH_TOKEN=TOKEN, **where)


def test_the_page_shows_the_lines_of_the_workflow() -> None:
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
    runs = [said(step) for job in jobs for step in job["steps"]]
    shown = [said(step) for step in steps("github-actions.md")]
    assert len(shown) == 4
    assert [one for one in shown if one not in runs] == []


def said(step: dict[str, Any]) -> object:
    """The shell lines of a step, or the whole of one that has none."""
    return step["run"].strip() if "run" in step else step


def test_on_github_the_plan_is_saved_shown_noted_and_applied(project: Project) -> None:
    done = github(project, "Plan")
    assert (done.returncode, (project.root / "output").read_text()) == (0, "code=2\n")
    assert (
        "::warning file=specs/shop-api.yaml,line=1,title=delete contoso/shop-api::" in done.stdout
    )
    assert "::notice file=specs/web-api.yaml,line=" in done.stdout
    summary = (project.root / "summary").read_text()
    assert summary.startswith(MARKER)
    assert "### Delete (1)" in summary
    assert project.run("apply", "plan.json").code == 0


def test_on_github_a_plan_that_policy_blocks_is_shown_all_the_same(project: Project) -> None:
    (project.root / "policies").mkdir()
    (project.root / "policies/p.yaml").write_text(POLICY)
    done = github(project, "Plan")
    assert (done.returncode, (project.root / "output").read_text()) == (0, "code=3\n")
    assert "::error file=specs/web-api.yaml," in done.stdout
    assert "**BLOCKED by 1 policy failure.**" in (project.root / "summary").read_text()


def test_on_github_a_plan_over_a_limit_is_shown_all_the_same(project: Project) -> None:
    for number in range(12):
        project.write(f"task-{number:02d}")
    assert project.run("apply", "--auto-approve").code == 0
    config = project.root / "reconciler.yaml"
    config.write_text(f"{config.read_text()}limits: {{delete: 2}}\n")
    for number in range(3):
        (project.root / f"specs/task-{number:02d}.yaml").unlink()
    done = github(project, "Plan")
    assert (done.returncode, (project.root / "output").read_text()) == (0, "code=1\n")
    assert "::error title=BLOCKED::this plan would delete 3 of 13" in done.stdout
    summary = (project.root / "summary").read_text()
    assert "**BLOCKED: it would delete 3 of 13" in summary
    assert "### Delete (3)" in summary


def test_on_github_the_comment_on_a_wrong_spec_takes_the_place_of_the_plan(
    project: Project, forge: Forge
) -> None:
    github(project, "Plan")
    assert commented(project, forge).returncode == 0
    project.write(timeout="soon")
    github(project, "Plan")
    assert commented(project, forge).returncode == 0
    (comment,) = [one["text"] for one in forge.comments]
    assert comment.startswith(f"{MARKER}\n## No plan: 1 error in the input\n")
    assert "`specs/web-api.yaml:" in comment
    assert "Delete" not in comment


def test_on_github_a_wrong_spec_is_noted_at_its_line(project: Project) -> None:
    project.write(timeout="soon")
    (step,) = [one for one in steps("github-actions.md") if "run" in one and "name" not in one]
    done = shell(project, step["run"], "-e")
    assert done.returncode == 1
    assert re.search(
        r"^::error file=specs/web-api.yaml,line=\d+,col=\d+,", done.stdout, re.MULTILINE
    )


def test_on_github_one_comment_is_written_anew(project: Project, forge: Forge) -> None:
    for number in range(130):
        forge.add("someone", f"talk {number}")
    forge.add("someone", f"{MARKER} not the bot's")
    github(project, "Plan")
    assert commented(project, forge).returncode == 0
    project.write(timeout=1200)
    github(project, "Plan")
    assert commented(project, forge).returncode == 0
    assert len(forge.comments) == 132
    assert forge.comments[130]["text"] == f"{MARKER} not the bot's"
    assert forge.comments[131]["text"] == (project.root / "plan.md").read_text()
    assert "`1200`" in forge.comments[131]["text"]


def test_on_github_a_comment_that_is_refused_fails_the_step(project: Project, forge: Forge) -> None:
    github(project, "Plan")
    name = "Write the plan as a comment, one per pull request"
    where = {"GITHUB_API_URL": forge.url, "GITHUB_REPOSITORY": "o/r", "NUMBER": "7"}
    assert github(project, name, GH_TOKEN="wrong", **where).returncode != 0
    assert forge.comments == []


# -------------------------------------------------------------------- Azure
def azure(project: Project, name: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return shell(project, lines("azure-pipelines.md", name), **environment)


def test_on_azure_the_plan_is_saved_shown_and_noted(project: Project) -> None:
    done = azure(project, "Plan")
    assert done.returncode == 0
    assert "##vso[task.setvariable variable=planCode]2\n" in done.stdout
    assert "##vso[task.logissue type=warning;sourcepath=specs/shop-api.yaml;" in done.stdout
    (summary,) = re.findall(r"##vso\[task.uploadsummary\](.*)", done.stdout)
    assert Path(summary).read_text().startswith(MARKER)
    assert project.run("apply", "plan.json").code == 0


def test_on_azure_validation_notes_the_line_of_a_wrong_spec(project: Project) -> None:
    assert azure(project, "Validate").returncode == 0
    project.write(timeout="soon")
    done = azure(project, "Validate")
    assert done.returncode == 1
    assert "##vso[task.logissue type=error;sourcepath=specs/web-api.yaml;linenumber=" in done.stdout


def test_on_azure_one_comment_is_written_anew(project: Project, forge: Forge) -> None:
    forge.add("someone", "talk")
    where = {
        "SYSTEM_COLLECTIONURI": f"{forge.url}/",
        "SYSTEM_TEAMPROJECTID": "p",
        "BUILD_REPOSITORY_ID": "r",
        "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
        "SYSTEM_ACCESSTOKEN": TOKEN,
    }
    name = "Write the plan as a comment, one per pull request"
    for timeout in (900, 1200):
        project.write(timeout=timeout)
        azure(project, "Plan")
        assert azure(project, name, **where).returncode == 0
    assert forge.calls == ["GET", "POST", "GET", "PATCH"]
    assert [one["text"] for one in forge.comments] == [
        "talk",
        (project.root / "plan.md").read_text(),
    ]
    assert azure(project, name, **{**where, "SYSTEM_ACCESSTOKEN": "wrong"}).returncode != 0


@pytest.mark.parametrize(("code", "ends"), [(0, 0), (2, 0), (8, 0), (3, 3), (5, 5), (1, 1)])
def test_on_azure_the_code_of_the_plan_ends_the_job(project: Project, code: int, ends: int) -> None:
    assert azure(project, "Exit code", PLANCODE=str(code)).returncode == ends
