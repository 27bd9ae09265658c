"""A repository that lets nobody in, or holds no Dockerfile: told by `build`, with what to do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.live.git_server import GitServer, make_repository, serve_git
from tests.live.workshop import Workshop


@pytest.fixture
def repositories(tmp_path: Path, base_image: str) -> Path:
    """A folder with `app.git`: a Dockerfile in `api`, none in `docs`."""
    root = tmp_path / "repositories"
    files = {"api/Dockerfile": f"FROM {base_image}\n", "docs/read.me": "no Dockerfile here\n"}
    make_repository(root, "app", files)
    return root


def build(workshop: Workshop, server: GitServer, rest: str) -> subprocess.CompletedProcess[str]:
    with (workshop.root / "reconciler.yaml").open("a") as file:
        file.write(f'hosts: {{"{server.host}": {{insecure: true}}}}\n')
    done = workshop.call("build", f"{server.url}/app.git{rest}", "-t", "never")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert list((workshop.root / ".reconciler" / "work").iterdir()) == []
    assert workshop.last()["outputs"] == []
    return done


def test_a_private_repository_without_a_token_is_source_auth(
    workshop: Workshop, repositories: Path
) -> None:
    with serve_git(repositories, username="somebody", password="only-for-tests") as server:
        done = build(workshop, server, "#trunk:api")
    assert workshop.last()["reason"] == "source-auth"
    assert server.host in " ".join(done.stderr.split())


def test_a_repository_without_a_dockerfile_is_dockerfile_missing(
    workshop: Workshop, repositories: Path
) -> None:
    with serve_git(repositories) as server:
        done = build(workshop, server, "#trunk:docs")
    assert workshop.last()["reason"] == "dockerfile-missing"
    said = " ".join(done.stderr.split())
    assert "there is no Dockerfile" in said
    assert f"looked at {server.url}/app.git#trunk:docs/Dockerfile" in said


def test_a_server_that_is_not_there_is_source_missing(
    workshop: Workshop, repositories: Path
) -> None:
    with serve_git(repositories) as server:
        pass
    done = build(workshop, server, "#trunk:api")
    assert workshop.last()["reason"] == "source-missing"
    assert server.host in " ".join(done.stderr.split())


def test_a_machine_without_git_is_told_what_to_install(
    workshop: Workshop, repositories: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    workshop.environment["PATH"] = str(tmp_path / "empty")
    with serve_git(repositories) as server:
        done = build(workshop, server, "#trunk:api")
    assert workshop.last()["reason"] == "source-missing"
    assert "there is no git program: install git" in " ".join(done.stderr.split())
