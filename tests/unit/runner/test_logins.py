"""The logins of a task are read before anything is done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.base.errors import SecretUnavailable
from reconciler.model.build import Login
from reconciler.model.identity import RegistryLogin
from reconciler.model.run import Reason, RunRecord, RunStatus
from reconciler.model.step import DockerStep
from reconciler.runner.execute import execute
from reconciler.runner.ports import Ports
from reconciler.runner.request import RunRequest
from tests.unit.runner.memory import Run

PASSWORD = "pl4nted-passw0rd"
OTHER = RegistryLogin.model_validate(
    {"username": {"secret": "env:U"}, "password": {"secret": "env:P"}}
)
BY_IDENTITY = RegistryLogin.model_validate({"identity": "[system]"})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def go(run: Run, ports: Ports, **logins: RegistryLogin) -> RunRecord:
    (run.folder / "Dockerfile").write_text("FROM known\n")
    request = RunRequest(
        id="r234567",
        actor="dev@contoso.example",
        source="app",
        step=DockerStep(images=("web:1",)),
        login_server="r.example:5000",
        logins={name.replace("_", "."): login for name, login in logins.items()},
    )
    return execute(request, ports)


def denied(host: str) -> Login | None:
    raise SecretUnavailable(f"the secret env:P cannot be read for {host}", hint="export P")


def test_a_login_that_cannot_be_read_ends_the_run_before_its_first_step(run: Run) -> None:
    record = go(run, replace(run.ports(), login=denied), other_example=OTHER)
    assert (record.status, record.reason) == (RunStatus.FAILED, Reason.SECRET_DENIED)
    told = (
        "the login for other.example: the secret env:P cannot be read for other.example; export P"
    )
    assert record.message == told
    assert run.engine.requests == []
    assert record.steps == ()


def test_a_login_by_identity_has_nothing_to_read(run: Run) -> None:
    asked: list[str] = []

    def login(host: str) -> Login | None:
        asked.append(host)
        return None

    go(run, replace(run.ports(), login=login), by_example=BY_IDENTITY)
    assert "by.example" not in asked


def test_a_password_is_masked_from_the_first_line_on(run: Run) -> None:
    run.engine.output = f"printed {PASSWORD}\n".encode()
    given = replace(run.ports(), login=lambda _host: Login("u", PASSWORD))
    record = go(run, given, other_example=OTHER)
    assert record.status is RunStatus.SUCCEEDED, record.message
    assert PASSWORD not in run.log.text
    assert "printed ***" in run.log.text


def test_who_stops_a_run_while_a_vault_is_asked_has_canceled_it(run: Run) -> None:
    def login(_host: str) -> Login | None:
        run.canceled_by = "lead@contoso.example"
        raise SecretUnavailable("the vault has not answered when the run was stopped")

    record = go(run, replace(run.ports(), login=login), other_example=OTHER)
    assert record.status is RunStatus.CANCELED, record.message
