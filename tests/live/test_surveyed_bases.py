"""A base of a task is pushed whose context is in Git and which never ran: it is built."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.flow.serving.desk import eventually
from tests.live.git_server import GitServer, add_commit, git, make_repository, serve_git
from tests.live.test_base_images import Yard, with_registry

__all__ = ["with_registry"]  # a fixture

TASK = """\
apiVersion: reconciler/v1
kind: Task
metadata: {{name: app-image, registry: contoso}}
spec:
  context: {{source: "{url}/app.git#main:sub"}}
  step: {{docker: {{images: ["{image}"], args: {args}}}}}
  triggers: {{baseImage: {{}}}}
"""


@pytest.fixture(name="server")
def of_git(tmp_path: Path) -> Iterator[GitServer]:
    make_repository(tmp_path / "git", "app", {"readme": "1"}, branch="main")
    with serve_git(tmp_path / "git") as server:
        yield server


def declare(yard: Yard, server: GitServer, **args: str) -> None:
    specs = yard.workshop.root / "specs"
    specs.mkdir(exist_ok=True)
    image = f"{yard.repository}/app-image:1"
    text = TASK.format(url=server.url, image=image, args=json.dumps(args))
    (specs / "app-image.yaml").write_text(text)
    yard.apply()


def known(yard: Yard) -> bool:
    shown = json.loads(yard.workshop.call("show", "app-image", "-o", "json").stdout)["bases"]
    return shown is not None and shown["unknown"] is None


def test_a_push_builds_a_task_of_git_that_never_ran_and_one_that_changed(
    yard: Yard, server: GitServer, tmp_path: Path, engine: docker.DockerClient
) -> None:
    config = yard.workshop.root / "reconciler.yaml"
    config.write_text(config.read_text() + f'hosts: {{"{server.host}": {{insecure: true}}}}\n')
    yard.publish("first")
    work = tmp_path / "git" / "app-work"
    add_commit(work, {"sub/Dockerfile": f"FROM {yard.base}\nARG X\nRUN cat /base\n"}, "a base")
    git(work, "push", "--quiet", "origin", "main")
    declare(yard, server)
    with yard.serving() as at:
        yard.seen("base")
        assert yard.woken() == []
        second = yard.publish("second")
        (built,) = yard.built("app-image")
        assert [(one["digest"], one["pinned"]) for one in built["bases"]] == [(second, True)]
        # An argument changes, and no run of it tells: the next push builds it all the same.
        declare(yard, server, X="1")
        eventually(lambda: known(yard))
        third = yard.publish("third")
        newest = yard.built("app-image", "app-image")[-1]
        assert [(one["digest"], one["pinned"]) for one in newest["bases"]] == [(third, True)]
        assert newest["commit"] == git(work, "rev-parse", "HEAD").strip()
        assert at.stop() == 0
    assert {one["status"] for one in yard.woken()} == {"Succeeded"}
