"""Backends are asked, one by one: one that does not work is not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.building.backends import probe_backends, this_machine
from reconciler.adapters.building.buildctl import keeps_secrets, worker_platforms
from reconciler.model.capability import BackendKind

MakeProgram = Callable[[str, str], Path]
WORKERS = (
    '[{"platforms": [{"os": "linux", "architecture": "amd64"},'
    '{"os": "linux", "architecture": "arm64", "variant": "v8"},'
    '{"os": "linux", "architecture": "riscv64"}]}]'
)


@pytest.fixture
def make_program(tmp_path: Path) -> MakeProgram:
    def make(name: str, script: str) -> Path:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return make


def kinds(folder: Path) -> set[BackendKind]:
    environment = {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(folder)}
    return {backend.kind for backend in probe_backends(None, environment)}


def test_without_an_engine_only_buildah_is_left(make_program: MakeProgram, tmp_path: Path) -> None:
    make_program("docker", "echo 'Docker version 20.10.24'")
    make_program(
        "buildah",
        'case "$*" in *info*) echo {\\"store\\": 1};; *) echo "buildah version 1.28.2 (x)";; esac',
    )
    assert kinds(tmp_path) == {BackendKind.BUILDAH}
    (found,) = probe_backends(
        None, {"PATH": f"{tmp_path}:/usr/bin:/bin"}, here=["linux/amd64", "linux/arm64"]
    )
    assert (found.version, found.platforms) == ("1.28.2", ("linux/amd64", "linux/arm64"))
    assert "windows/amd64" in found.assembles


@pytest.mark.parametrize("script", ["exit 1", "echo no json", "exit 137"])
def test_a_buildah_that_does_not_work_is_none(
    make_program: MakeProgram, tmp_path: Path, script: str
) -> None:
    make_program("buildah", script)
    assert kinds(tmp_path) == set()


def test_the_workers_of_a_buildkitd_say_what_it_runs(
    make_program: MakeProgram, tmp_path: Path
) -> None:
    program = make_program("buildctl", f'echo "$@" > {tmp_path}/words; cat <<E\n{WORKERS}\nE')
    found = worker_platforms(program, "tcp://b.example:1234", {"PATH": "/usr/bin:/bin"})
    assert found == ("linux/amd64", "linux/arm64")
    words = (tmp_path / "words").read_text()
    assert words == "--addr=tcp://b.example:1234 debug workers --format={{json .}}\n"


@pytest.mark.parametrize("answer", ["", "[]", "{}", "[1]", '[{"platforms": [{}]}]', "no json"])
def test_an_answer_that_is_not_understood_is_no_platform(
    make_program: MakeProgram, answer: str
) -> None:
    program = make_program("buildctl", f"cat <<'E'\n{answer}\nE")
    assert worker_platforms(program, "unix:///x", {"PATH": "/usr/bin:/bin"}) == ()


@pytest.mark.parametrize(
    ("address", "environment", "safe"),
    [
        ("unix:///run/buildkit/buildkitd.sock", {}, True),
        ("docker-container://buildkitd", {}, True),
        ("tcp://127.0.0.1:1234", {}, True),
        ("tcp://[::1]:1234", {}, True),
        ("tcp://localhost:1234", {}, True),
        ("tcp://builder.example:1234", {}, False),
        ("tcp://10.0.0.7:1234", {}, False),
        ("tcp://b.example:1", {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c"}, True),
        ("tcp://b.example:1", {"DOCKER_CERT_PATH": "/c"}, False),
    ],
)
def test_a_secret_goes_nowhere_in_the_clear(
    address: str, environment: dict[str, str], safe: bool
) -> None:
    assert keeps_secrets(address, environment) is safe


def test_this_machine_has_a_name_of_ours() -> None:
    assert this_machine() in {("linux/amd64",), ("linux/arm64",), ()}
