"""`deps` as a person calls it: contexts, Dockerfiles, both manners, what is wrong."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.building.backends import this_machine
from tests.flow.desk import Desk
from tests.flow.repository import commit, git
from tests.live.git_server import make_repository, serve_git

DOCKERFILE = """\
# syntax=docker/dockerfile:1
ARG V=3
FROM --platform=$BUILDPLATFORM golang:${V} AS Build
FROM alpine:3
COPY --from=build /a /a
COPY --from=nginx:1 /b /b
"""


@pytest.fixture(name="desk")
def empty_folder(tmp_path: Path) -> Desk:
    """A folder without a workspace."""
    desk = Desk(tmp_path)
    (tmp_path / "reconciler.yaml").unlink()
    return desk


def listed(desk: Desk, *words: str) -> Any:
    outcome = desk.run("deps", *words, "-o", "json")
    assert outcome.code == 0, outcome.text
    found = json.loads(outcome.text)
    assert isinstance(found, list)
    return found


def buildtime(entry: dict[str, Any]) -> list[str]:
    return [one["reference"] for one in entry["buildtime-dependency"] or []]


def test_every_image_that_is_taken_from_counts(desk: Desk) -> None:
    desk.write({"web/Dockerfile": DOCKERFILE})
    (entry,) = listed(desk, "web", "-t", "web:1", "--build-arg", "V=9")
    assert entry["image"]["reference"] == "web:1"
    assert entry["runtime-dependency"]["reference"] == "alpine:3"
    assert buildtime(entry) == ["docker/dockerfile:1", "golang:9", "nginx:1"]
    (entry,) = listed(desk, "web", "--target", "BUILD")
    assert entry["runtime-dependency"]["reference"] == "golang:3"
    assert entry["image"] is None


def test_the_platform_of_the_builder_is_not_that_of_the_target(desk: Desk) -> None:
    text = "FROM --platform=$BUILDPLATFORM tool:$BUILDARCH AS a\nFROM base:$TARGETARCH\n"
    desk.write({"Dockerfile": text})
    for words, built in (
        (["--platform", "linux/arm64", "--build-platform", "linux/386"], ("386", "arm64")),
        (["--build-platform", "Linux/ARM64"], ("arm64", "amd64")),
        (["--platform", "linux/arm64"], (this_machine()[0].split("/")[1], "arm64")),
    ):
        (entry,) = listed(desk, ".", *words)
        assert buildtime(entry) == [f"tool:{built[0]}"]
        assert entry["runtime-dependency"]["reference"] == f"base:{built[1]}"
    outcome = desk.run("deps", ".", "--build-platform", "z80")
    assert (outcome.code, "--build-platform: a platform is one of" in outcome) == (64, True)


def test_the_other_scanner_answers_as_it_does(desk: Desk) -> None:
    desk.write({"Dockerfile": DOCKERFILE.replace("--platform=$BUILDPLATFORM ", "")})
    (entry,) = listed(desk, ".", "--compat", "acb")
    assert buildtime(entry) == ["golang:3"]
    desk.write({"Dockerfile": DOCKERFILE})
    outcome = desk.run("deps", ".", "--compat", "acb")
    assert outcome.code == 1
    assert "error: Dockerfile:3:1: this FROM cannot be understood" in outcome


def test_a_dockerfile_is_relative_to_the_context_and_there_to_where_one_stands(
    desk: Desk,
) -> None:
    desk.write({"web/D": "FROM inside:1\n", "D": "FROM outside:1\n", "E": "FROM e:1\n"})
    (entry,) = listed(desk, "web", "-f", "D")
    assert entry["runtime-dependency"]["reference"] == "inside:1"
    (entry,) = listed(desk, "web", "-f", "D", "--compat", "acb")
    assert entry["runtime-dependency"]["reference"] == "outside:1"
    outcome = desk.run("deps", "web", "-f", "E")
    assert outcome.code == 1
    assert "there is no Dockerfile web/E" in outcome
    assert "-f is relative to the context" in outcome


def test_the_commit_of_the_context_is_told(desk: Desk) -> None:
    desk.write({"web/Dockerfile": "FROM alpine:3\n"})
    assert listed(desk, "web")[0]["git"] == {"git-head-revision": ""}
    git(desk.root, "init", "-q")
    head = commit(desk.root)
    assert listed(desk, "web")[0]["git"] == {"git-head-revision": head}
    assert listed(desk, "web", "--compat", "acb")[0]["git"] == {"git-head-revision": head}
    assert f"web/Dockerfile at {head[:7]}: 1 image" in desk.run("deps", "web")


def test_a_repository_is_fetched_and_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("desk", "private"):
        (tmp_path / name).mkdir()
    desk, private = Desk(tmp_path / "desk"), tmp_path / "private"
    monkeypatch.setattr("reconciler.adapters.files.memory_folder", lambda: private)
    repositories = tmp_path / "repositories"
    files = {"api/Dockerfile": "FROM alpine:3\n", "D": "FROM d:1\n"}
    _, head = make_repository(repositories, "app", files)
    with serve_git(repositories) as server:
        with (desk.root / "reconciler.yaml").open("a") as file:
            file.write(f'hosts: {{"{server.host}": {{insecure: true}}}}\n')
        (entry,) = listed(desk, f"{server.url}/app.git#trunk:api")
        assert entry["runtime-dependency"]["reference"] == "alpine:3"
        assert entry["git"]["git-head-revision"] == head
        (entry,) = listed(desk, f"{server.url}/app.git", "-f", "D", "--compat", "acb")
        assert entry["runtime-dependency"]["reference"] == "d:1"
        lines = desk.run("deps", f"{server.url}/app.git#:api").text.splitlines()
        assert lines[-1] == f"{server.url}/app.git#trunk:api/Dockerfile at {head[:7]}: 1 image"
        for name, told in (("../../x", "leads out of its repository"), ("x", "#trunk:api/x")):
            outcome = desk.run("deps", f"{server.url}/app.git#:api", "-f", name)
            assert outcome.code == 1
            assert told in outcome
    assert list(private.iterdir()) == []


@pytest.mark.parametrize(
    "source",
    [
        "oci://u:hunter2hunter2@registry.example/x",
        "ssh://u:hunter2hunter2@host.example/x.git",
        "HTTPS://u:hunter2hunter2@host.example/x.git",
        "https://hunter2hunter2@host.example/x.git",
        "https://host.example/x.tgz?sig=hunter2hunter2",
        "u:hunter2hunter2@host.example/x",
    ],
)
def test_a_context_with_a_credential_is_refused_as_a_build_refuses_it(
    desk: Desk, source: str
) -> None:
    outcome = desk.run("deps", source)
    told = "this is no context: a location holds no user, token or signature"
    assert (outcome.code, told in outcome, "hunter2" in outcome) == (64, True, False)


@pytest.mark.parametrize("manner", ["strict", "acb"])
@pytest.mark.parametrize("file", ["/etc/passwd", "../../../../etc/passwd", "link", "over/passwd"])
def test_nothing_outside_of_the_context_is_read(
    desk: Desk, file: str, manner: str, tmp_path: Path
) -> None:
    deeper = tmp_path / "ctx"
    deeper.mkdir()
    (deeper / "link").symlink_to("/etc/passwd")
    (deeper / "over").symlink_to("/etc")
    outcome = desk.run("deps", "ctx", "-f", file, "--compat", manner)
    assert (outcome.code, "leads out of its context" in outcome) == (1, True), outcome.text
    assert "root:" not in outcome.text
    (deeper / "Dockerfile").symlink_to("/etc/passwd")
    assert "root:" not in desk.run("deps", "ctx", "--compat", manner).text


def test_a_link_inside_the_context_is_followed(desk: Desk, tmp_path: Path) -> None:
    desk.write({"ctx/real/Own": "FROM alpine:3\n"})
    (tmp_path / "ctx/Dockerfile").symlink_to("real/Own")
    assert "alpine:3" in desk.run("deps", "ctx").text
    assert "alpine:3" in desk.run("deps", "ctx", "-f", str(tmp_path / "ctx/real/Own")).text


def test_nothing_is_started_or_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        pytest.fail("deps reached out")

    desk.write({"Dockerfile": DOCKERFILE})
    git(desk.root, "init", "-q")
    commit(desk.root)
    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert listed(desk, ".")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("none",), 1, "the context none does not exist"),
        (("Dockerfile",), 1, "the context Dockerfile is not a folder"),
        ((".", "-f", "dockerfile"), 1, "did you mean Dockerfile?"),
        ((".", "--target", "none"), 1, "target stage 'none' could not be found"),
        ((".", "--build-arg", "V"), 64, "--build-arg takes NAME=VALUE"),
        ((".", "--build-arg", "V", "--compat", "acb"), 1, "the build argument 'V' has no value"),
        ((".", "--platform", "x"), 64, "--platform"),
        ((".", "-t", "Web"), 1, "'Web' is no image name"),
        (("http://example.com/x.tar.gz",), 1, "plain http is allowed for hosts"),
        (("/dev/null",), 1, "there is nothing to look into"),
        (("http://example.com/x.git",), 1, "http"),
        (("https://[x",), 1, "the context https://[x is no URL"),
        ((), 64, "Missing argument 'CONTEXT'"),
    ],
)
def test_what_is_wrong_is_told(desk: Desk, words: tuple[str, ...], code: int, told: str) -> None:
    desk.write({"Dockerfile": "ARG V=1\nFROM alpine:$V\n"})
    outcome = desk.run("deps", *words)
    assert outcome.code == code, outcome.text
    assert told in outcome
    assert "Traceback" not in outcome


@pytest.mark.parametrize("text", ["", "# only a comment\n", "RUN x\n", "FROM\n", "\xff\xfe"])
@pytest.mark.parametrize("manner", ["strict", "acb"])
def test_no_dockerfile_is_a_reason_to_crash(desk: Desk, text: str, manner: str) -> None:
    desk.write({"Dockerfile": text.encode("latin-1")})
    outcome = desk.run("deps", ".", "--compat", manner)
    assert outcome.code == 1
    assert outcome.text.startswith("error: ")
    assert "Traceback" not in outcome
