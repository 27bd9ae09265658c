"""What a run really built on is tracked, in place of what nobody could know before it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.live.git_server import make_repository, serve_git
from tests.live.test_pinned_bases import allow_http, unique
from tests.live.workshop import Workshop

TASK = """\
apiVersion: reconciler/v1
kind: Task
metadata: {{name: web-api, registry: contoso}}
spec:
  context: {{source: "{source}"}}
  step: {step}
"""


def bases(workshop: Workshop) -> Any:
    done = workshop.call("show", "web-api", "-o", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["bases"]


def applied(workshop: Workshop, source: str, step: str) -> None:
    (workshop.root / "specs").mkdir(exist_ok=True)
    (workshop.root / "specs/a.yaml").write_text(TASK.format(source=source, step=step))
    done = workshop.call("apply", "--auto-approve")
    assert done.returncode == 0, done.stdout + done.stderr


def ran(workshop: Workshop, *words: str) -> None:
    done = workshop.call("run", "web-api", *words)
    assert done.returncode == 0, done.stdout + done.stderr


def images(workshop: Workshop) -> list[tuple[str, str]]:
    return [(one["reference"], one["kind"]) for one in bases(workshop)["images"]]


def test_a_repository_is_unknown_until_its_first_run_and_then_known(
    workshop: Workshop, tmp_path: Path
) -> None:
    lines = f"FROM {workshop.base} AS b\nRUN echo x > /x\nFROM scratch\nCOPY --from=b /x /x\n"
    make_repository(tmp_path / "repositories", "app", {"Dockerfile": lines})
    with serve_git(tmp_path / "repositories") as server:
        allow_http(workshop, server)
        step = f'{{docker: {{images: ["{unique()}:1"]}}}}'
        applied(workshop, f"{server.url}/app.git#trunk", step)
        assert bases(workshop)["unknown"] == "its context is fetched by the run"
        ran(workshop, "--target", "b", "--no-push")
        assert bases(workshop)["source"] == "declared"
        ran(workshop)
    found = bases(workshop)
    assert (found["source"], found["unknown"]) == ("observed", None)
    assert images(workshop) == [(f"docker.io/library/{workshop.base}", "buildtime")]
    told = workshop.call("graph", "--base", workshop.base)
    assert "without a base image trigger that is on: contoso/web-api" in told.stderr


def test_a_build_of_a_generated_dockerfile_is_corrected_by_its_run(workshop: Workshop) -> None:
    """The declared file says one base; a step writes another one before it is built."""
    (workshop.root / "app").mkdir()
    (workshop.root / "app/Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    write = f"sh -c 'echo FROM {workshop.base} > Dockerfile'"
    steps = f'[{{cmd: "{workshop.base} {write}"}}, {{build: "-t {unique()}:1 ."}}]'
    applied(workshop, "app", f"{{inline: {{steps: {steps}}}}}")
    assert (bases(workshop)["source"], images(workshop)) == ("declared", [])
    ran(workshop)
    assert bases(workshop)["source"] == "observed"
    assert images(workshop) == [(f"docker.io/library/{workshop.base}", "runtime")]
