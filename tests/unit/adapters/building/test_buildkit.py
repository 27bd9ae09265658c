"""Docker clients are probed, never trusted; what the client is told holds no secret."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.adapters.building import buildkit
from reconciler.adapters.building.buildkit import BuildKitBuilder, DockerClient, find_client
from reconciler.model.build import BuildRequest, BuildResult

NO_BUILDX = 'case "$1" in buildx) exit 1;; esac\n'
OLD = NO_BUILDX + "echo 'Docker version 20.10.24+dfsg1, build 1'\n"
NEW = NO_BUILDX + "echo 'Docker version 28.2.2, build 1'\n"
BUILDX = "echo 'Docker version 28.2.2, build 1'\n"
RECORD = 'for word in "$@"; do echo "$word"; done > "$HOME/words"; env > "$HOME/env"\n'
SHOW = 'for word in "$@"; do case "$word" in --secret=*) cat "${word#*src=}";; esac; done\n'

MakeClient = Callable[[str, str], Path]


@pytest.fixture
def make_client(tmp_path: Path) -> MakeClient:
    def make(folder: str, script: str) -> Path:
        path = tmp_path / folder / "docker"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}")
        path.chmod(0o755)
        return path

    return make


def search(*paths: Path) -> DockerClient | None:
    return find_client({"PATH": ":".join(str(path.parent) for path in paths)})


@pytest.fixture(autouse=True)
def no_usual_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buildkit, "_USUAL_PLACE", "/nowhere/docker")


def test_a_new_client_without_buildx_is_passed_over(make_client: MakeClient) -> None:
    new, old = make_client("a", NEW), make_client("b", OLD)
    assert search(new, old) == DockerClient(old, "built-in")


def test_a_client_with_buildx_is_taken(make_client: MakeClient) -> None:
    client = make_client("a", BUILDX)
    assert search(client) == DockerClient(client, "buildx")


def test_a_client_that_does_not_start_is_passed_over(make_client: MakeClient) -> None:
    broken = make_client("a", "exit 1")
    broken.write_bytes(b"\x7fnot a program")
    assert search(broken, make_client("b", NEW)) is None


def test_the_usual_place_is_looked_at_last(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = make_client("b", OLD)
    monkeypatch.setattr(buildkit, "_USUAL_PLACE", str(usual))
    assert search(make_client("a", NEW)) == DockerClient(usual, "built-in")


def test_relative_entries_of_path_are_not_searched(
    make_client: MakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_client("a", OLD)
    monkeypatch.chdir(tmp_path)
    assert find_client({"PATH": "a:."}) is None


def build(client: Path, home: Path, request: BuildRequest) -> tuple[BuildResult, bytes]:
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "TOKEN": "planted"}
    builder = BuildKitBuilder(DockerClient(client, "built-in"), "unix:///x.sock", environment)
    output: list[bytes] = []
    return builder.build(request, output.append, lambda: False), b"".join(output)


def test_the_client_is_told_everything_by_flags_and_knows_no_other_environment(
    make_client: MakeClient, tmp_path: Path
) -> None:
    client = make_client("a", RECORD + "exit 1")
    request = BuildRequest(
        tmp_path,
        tmp_path / "Dockerfile",
        tags=("x/y:1",),
        args={"A": "b c"},
        target="-last",
        platform="linux/amd64",
        no_cache=True,
        offline=True,
        labels={"l": "v"},
    )
    build(client, tmp_path, request)
    words = (tmp_path / "words").read_text().splitlines()
    wanted = {"--tag=x/y:1", "--build-arg=A=b c", "--target=-last", "--platform=linux/amd64"}
    assert wanted | {"--no-cache", "--network=none", "--label=l=v"} <= set(words)
    assert words[-2:] == ["--", str(tmp_path)]
    environment = (tmp_path / "env").read_text()
    assert "DOCKER_HOST=unix:///x.sock" in environment
    assert "planted" not in environment


def test_a_secret_is_mounted_from_a_file_that_is_gone_afterwards(
    make_client: MakeClient, tmp_path: Path
) -> None:
    client = make_client("a", RECORD + SHOW + "exit 1")
    request = BuildRequest(tmp_path, tmp_path / "Dockerfile", secrets={"TOK": "v\udcff\n"})
    _, output = build(client, tmp_path, request)
    assert output == b"v\xff\n"
    words = (tmp_path / "words").read_text().splitlines()
    source = next(word for word in words if word.startswith("--secret=id=TOK,src="))
    assert not Path(source.partition("src=")[2]).exists()


def test_the_code_of_the_failed_command_is_told_not_the_clients(
    make_client: MakeClient, tmp_path: Path
) -> None:
    words = "executor failed running [/bin/sh -c x]: exit code: 42"
    client = make_client("a", f"echo '{words}'; exit 1")
    result, _ = build(client, tmp_path, BuildRequest(tmp_path, tmp_path / "Dockerfile"))
    assert (result.exit_code, result.message) == (42, words)
