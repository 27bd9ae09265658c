"""A hook for scripts, told by the script of the documentation."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flow.project import new_project
from tests.flow.serving.desk import SECRET, Daemon, daemon
from tests.unit.wire.payloads import AFTER, BEFORE

SERVER = """\
server:
  hooks:
    scripts:
      kind: generic
      secret: {secret: "env:HOOK_SECRET"}
      repositories: ["git.contoso.example/*"]
"""
CONTEXT = {
    "source": "https://git.contoso.example/app.git#main",
    "token": {"secret": "env:GIT_PAT", "kind": "classic", "scopes": ["repo"]},
}
DOCUMENT = Path(__file__).parents[3] / "docs" / "reference" / "serve.md"


@pytest.fixture(name="at", scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    project = new_project(tmp_path_factory.mktemp("scripts") / "workspace")
    config = project.root / "reconciler.yaml"
    config.write_text(config.read_text() + SERVER)
    project.write("web-api", context=CONTEXT, triggers={"commit": {}})
    assert project.run("apply", "--auto-approve").code == 0
    with daemon(project.root, "--no-worker", "--no-timers") as found:
        yield found


def tell(
    at: Daemon, folder: Path, event: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    (code,) = re.findall(r"```python\n(# tell\.py .*?)```", DOCUMENT.read_text(), re.DOTALL)
    script = folder / "tell.py"
    script.write_text(code)
    return subprocess.run(
        [sys.executable, str(script), event, "refs/heads/main", BEFORE, AFTER],
        env={
            "HOOK": f"{at.url}/hooks/scripts",
            "HOOK_SECRET": SECRET,
            "REPOSITORY": "https://git.contoso.example/app.git",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_script_of_the_documentation_wakes_a_task_once(at: Daemon, tmp_path: Path) -> None:
    first, again = tell(at, tmp_path, "push-1"), tell(at, tmp_path, "push-1")
    assert (first.returncode, again.returncode) == (0, 0), first.stderr
    assert '"queued"' in first.stdout
    assert '"replayed"' in again.stdout


def test_a_wrong_secret_and_another_repository_are_refused(at: Daemon, tmp_path: Path) -> None:
    assert "401" in tell(at, tmp_path, "push-2", HOOK_SECRET="x").stderr
    other = tell(at, tmp_path, "push-3", REPOSITORY="https://elsewhere.example/app.git")
    assert "403" in other.stderr


def test_a_form_and_a_message_of_github_are_refused(at: Daemon) -> None:
    answer = at.post({"zen": "x"}, "ping", hook="scripts")
    assert (answer.status_code, answer.json()["verdict"]) == (400, "malformed")
    assert "`after` is missing" in answer.json()["message"]
    form = at.post(b"payload=x", hook="scripts", content_type="application/x-www-form-urlencoded")
    assert form.status_code == 415
