"""A registry that takes no wrong password, and names that no registry takes."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

import docker
import pytest

from tests.live.conftest import SecuredRegistry
from tests.live.test_steps import statuses, task
from tests.live.workshop import Workshop

WRONG = "wr0ng-p4ssword"
PAIR = base64.b64encode(f"builder:{WRONG}".encode()).decode()


@pytest.fixture
def locked(workshop: Workshop, registry_htpasswd: SecuredRegistry) -> str:
    """The address of a registry for which the docker settings hold a wrong password."""
    login = {"auths": {registry_htpasswd.address: {"auth": PAIR}}}
    workshop.environment["DOCKER_AUTH_CONFIG"] = json.dumps(login)
    return registry_htpasswd.address


def assert_told_and_kept_secret(workshop: Workshop, done: Any, registry: str, reason: str) -> None:
    assert done.returncode == 4, done.stdout + done.stderr
    assert workshop.last()["reason"] == reason
    assert f"log in with: docker login {registry}" in " ".join(done.stderr.split())
    state = (workshop.root / ".reconciler").rglob("*")
    stored = b"".join(path.read_bytes() for path in state if path.is_file())
    for form in (WRONG, PAIR):
        assert form not in done.stdout + done.stderr
        assert form.encode() not in stored
    assert "Traceback" not in done.stderr


def test_a_wrong_password_is_push_auth(workshop: Workshop, locked: str) -> None:
    workshop.context("app")
    done = workshop.call("build", "app", "-r", locked, "-t", "team/app:1")
    assert_told_and_kept_secret(workshop, done, locked, "push-auth")
    assert statuses(workshop) == {"build": "succeeded", "push": "failed"}


def test_a_wrong_password_fails_a_push_step_and_nothing_after_it_runs(
    workshop: Workshop, locked: str
) -> None:
    image = f"{locked}/team/app:{uuid.uuid4().hex[:8]}"
    path = task(
        workshop,
        {"id": "pack", "build": f"-t {image} ."},
        {"id": "send", "push": [image]},
        {"id": "next", "cmd": "true"},
    )
    done = workshop.call("run", "-f", path, "ctx", "-r", locked)
    assert_told_and_kept_secret(workshop, done, locked, "push-auth")
    assert statuses(workshop) == {"pack": "succeeded", "send": "failed", "next": "skipped"}


def test_a_base_image_behind_a_wrong_password_is_base_pull(workshop: Workshop, locked: str) -> None:
    (workshop.context("app") / "Dockerfile").write_text(f"FROM {locked}/team/base:1\n")
    done = workshop.call("build", "app")
    assert_told_and_kept_secret(workshop, done, locked, "base-pull")
    assert "Dockerfile line 1" in " ".join(done.stderr.split())


# --------------------------------------------------------------------- names
@pytest.mark.parametrize("name", ["Team/App", "a:b:c", "-a", "a//b", "a" * 300, "a:" + "b" * 129])
def test_an_illegal_image_name_is_told_before_anything_is_built(
    workshop: Workshop, engine: docker.DockerClient, name: str
) -> None:
    mark = uuid.uuid4().hex
    workshop.context("app", f"LABEL mark={mark}")
    done = workshop.call("build", "app", f"--image={name}")
    assert done.returncode == 64
    told = " ".join(done.stderr.split())
    assert f"the image name {name[:50]}" in told
    assert "is not legal: " in told
    assert "Traceback" not in done.stderr
    assert engine.images.list(filters={"label": f"mark={mark}"}) == []


@pytest.mark.parametrize("name", ["Team/App", "a:b:c", "a//b"])
@pytest.mark.parametrize("kind", ["build", "push", "cmd"])
def test_an_illegal_image_name_in_a_task_file_is_told_before_any_step(
    workshop: Workshop, name: str, kind: str
) -> None:
    wrong: dict[str, dict[str, Any]] = {
        "build": {"build": f"-t {{{{.Run.Registry}}}}/{name} ."},
        "push": {"push": [f"{{{{.Run.Registry}}}}/{name}"]},
        "cmd": {"cmd": f"{{{{.Run.Registry}}}}/{name} true"},
    }
    path = task(workshop, {"id": "first", "cmd": "true"}, {"id": "wrong", **wrong[kind]})
    done = workshop.call("run", "-f", path, "ctx")
    assert done.returncode == 4
    assert workshop.last()["reason"] == "taskfile-invalid"
    assert workshop.last()["steps"] == []
    assert name in done.stderr
    assert "Traceback" not in done.stderr
