"""The one step of a build with buildpacks: what it is given, and where its logins stand."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.build import Login
from reconciler.model.step import DockerStep
from reconciler.runner.failure import Failure
from reconciler.runner.ledger import Ledger
from reconciler.runner.multistep import MultiStep, PackBuild
from reconciler.runner.packing import pack_task
from reconciler.runner.request import RunRequest
from reconciler.runner.stopping import StopWatch
from reconciler.runner.variables import RunVariables
from reconciler.runner.work import Work
from reconciler.taskfile.tasks import CmdStep, TaskFile
from tests.unit.runner.memory import NOW, Run

PASSWORD = "pl4nted-passw0rd"


def made(folder: Path, logins: dict[str, Login], **parts: Any) -> TaskFile:
    pack = PackBuild(**{"builder": "builder:1", "images": ("web:{{.Run.ID}}",), **parts})
    request = RunRequest(
        id="r234567",
        actor="dev",
        source=".",
        step=DockerStep(push=False),
        multi=MultiStep(pack=pack),
        login_server="r.example",
    )
    ports = replace(Run(folder).ports(), login=logins.get)
    ledger = Ledger(request.first_record(NOW), ports)
    work = Work(request, ports, ledger, StopWatch(ports, 60))
    return pack_task(pack, RunVariables(id=request.id), work)


def step_of(task: TaskFile) -> CmdStep:
    (step,) = task.steps
    assert isinstance(step, CmdStep)
    return step


def auths(task: TaskFile) -> Any:
    ((name, data),) = task.volumes[0].files
    assert name == "config.json"
    return json.loads(data)["auths"]


def test_without_a_login_there_is_no_file_of_logins(tmp_path: Path) -> None:
    task = made(tmp_path, {})
    step = step_of(task)
    assert (task.volumes, step.mounts, step.env) == ((), (), ())
    assert step.argv[-1] == "r.example/web:r234567"


def test_a_login_stands_in_a_file_and_nowhere_else(tmp_path: Path) -> None:
    hub = Login("me", PASSWORD)
    task = made(tmp_path, {"r.example": Login("ci", PASSWORD), "docker.io": hub, "other": hub})
    step = step_of(task)
    assert [mount.path for mount in step.mounts] == [dict(step.env)["DOCKER_CONFIG"]]
    assert {host: base64.b64decode(one["auth"]) for host, one in auths(task).items()} == {
        "r.example": f"ci:{PASSWORD}".encode(),
        "https://index.docker.io/v1/": f"me:{PASSWORD}".encode(),
    }
    assert PASSWORD not in repr((step.argv, step.env, task))


def test_an_identity_token_goes_as_one(tmp_path: Path) -> None:
    found = auths(made(tmp_path, {"r.example": Login("00000000", identity_token="t0ken")}))
    assert found["r.example"]["identitytoken"] == "t0ken"


def test_a_name_in_another_registry_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"names the registry other\.example"):
        made(tmp_path, {}, images=("other.example/web:1",))
