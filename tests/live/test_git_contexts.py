"""Contexts from Git: a real smart-HTTP server, private and hostile, through the command."""

from __future__ import annotations

import base64
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.git_server import GitServer, add_commit, git, make_repository, serve_git
from tests.live.workshop import Workshop

TOKEN = "gitpat-0123456789-planted"
USER = "x-access-token"
REFERENCE = "{secret: 'env:GIT_PAT'}"
ENCODED = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()


@pytest.fixture
def repository(tmp_path: Path, base_image: str) -> tuple[Path, Path]:
    """(the folder of all repositories, a clone that pushes to `app.git`)."""
    root = tmp_path / "repositories"
    dockerfile = f"FROM {base_image}\nCOPY . /app\nRUN cat /app/version\n"
    first = f"one {uuid.uuid4()}\n"  # never in the layer cache of the engine
    files = {
        "api/Dockerfile": dockerfile,
        "api/version": first,
        "other/large": "x" * 4096,
    }
    work, _ = make_repository(root, "app", files)
    git(work, "checkout", "--quiet", "-b", "feature/x")
    add_commit(work, {"api/version": f"two {uuid.uuid4()}\n"}, "second")
    git(work, "tag", "v1")
    git(work, "push", "--quiet", "origin", "feature/x", "v1")
    return root, work


@pytest.fixture
def private(repository: tuple[Path, Path], workshop: Workshop) -> Iterator[GitServer]:
    """A server that wants the token; the workspace may use plain http with it."""
    with serve_git(repository[0], username=USER, password=TOKEN) as server:
        allow_http(workshop, server)
        workshop.environment["GIT_PAT"] = TOKEN
        yield server


def allow_http(workshop: Workshop, *servers: GitServer) -> None:
    hosts = ", ".join(f'"{server.host}": {{insecure: true}}' for server in servers)
    with (workshop.root / "reconciler.yaml").open("a") as file:
        file.write(f"hosts: {{{hosts}}}\n")


def apply(workshop: Workshop, source: str, token: str = REFERENCE) -> None:
    specs = workshop.root / "specs"
    specs.mkdir(exist_ok=True)
    (specs / "app.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Task\n"
        "metadata: {name: git-app, registry: contoso}\n"
        f"spec:\n  context:\n    source: {source}\n"
        + (f"    token: {token}\n" if token else "")
        + '  step: {docker: {images: ["git-app:{{.Run.ID}}"]}}\n'
    )
    done = workshop.call("apply", "--auto-approve")
    assert done.returncode == 0, done.stderr + done.stdout


def run(workshop: Workshop, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = workshop.call("run", "git-app")
    assert done.returncode == code, done.stderr + done.stdout
    return done


def test_a_private_branch_and_folder_become_an_image_and_the_token_is_nowhere(
    workshop: Workshop, private: GitServer
) -> None:
    apply(workshop, f"{private.url}/app.git#feature/x:api")
    done = run(workshop)
    record = workshop.last()
    assert "two" in done.stdout
    assert record["branch"] == "feature/x"
    assert len(record["commit"]) == 40
    assert record["contextFiles"] == 2
    assert record["outputs"][0]["digest"].startswith("sha256:")
    assert record["secrets"][0]["reference"] == "env:GIT_PAT"
    assert_nowhere(workshop.root / ".reconciler", done)


def assert_nowhere(folder: Path, done: subprocess.CompletedProcess[str]) -> None:
    for text in (TOKEN, ENCODED):
        assert text not in done.stdout + done.stderr
        for path in folder.rglob("*"):
            if path.is_file():
                assert text.encode() not in path.read_bytes(), path
    assert not list((folder / "work").glob("*"))


def test_the_default_branch_is_asked_from_the_remote(
    workshop: Workshop, private: GitServer
) -> None:
    apply(workshop, f"{private.url}/app.git#:api")
    assert "one" in run(workshop).stdout
    assert workshop.last()["branch"] == "trunk"


@pytest.mark.parametrize("kind", ["tag", "commit"])
def test_a_tag_and_a_commit_are_contexts(
    kind: str, workshop: Workshop, private: GitServer, repository: tuple[Path, Path]
) -> None:
    ref = "v1" if kind == "tag" else git(repository[1], "rev-parse", "HEAD").strip()
    apply(workshop, f"{private.url}/app.git#{ref}:api")
    assert "two" in run(workshop).stdout
    assert workshop.last()["branch"] is None


def test_a_wrong_token_is_source_auth_and_names_its_reference(
    workshop: Workshop, private: GitServer
) -> None:
    apply(workshop, f"{private.url}/app.git#trunk:api")
    workshop.environment["GIT_PAT"] = "wrong-token-value"
    done = run(workshop, 4)
    assert workshop.last()["reason"] == "source-auth"
    assert "env:GIT_PAT" in done.stderr
    assert "wrong-token-value" not in done.stderr + done.stdout


def test_an_expired_token_is_told_before_anything_is_asked(
    workshop: Workshop, private: GitServer
) -> None:
    token = "{secret: 'env:GIT_PAT', expires: 2020-01-31}"
    apply(workshop, f"{private.url}/app.git", token)
    run(workshop, 4)
    assert workshop.last()["reason"] == "token-expired"
    assert private.requests == []


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("/none.git", "not found"),
        ("/app.git#featur/x", "did you mean feature/x?"),
        ("/app.git#trunk:apy", "did you mean api?"),
        ("/app.git#" + "0" * 40, "not our ref"),
    ],
)
def test_what_is_missing_is_source_missing(
    rest: str, said: str, workshop: Workshop, private: GitServer
) -> None:
    apply(workshop, f'"{private.url}{rest}"')
    done = run(workshop, 4)
    assert workshop.last()["reason"] == "source-missing"
    assert said in " ".join(done.stderr.split())


def test_plain_http_needs_a_declared_host(
    workshop: Workshop, repository: tuple[Path, Path]
) -> None:
    with serve_git(repository[0]) as server:
        apply(workshop, f"{server.url}/app.git", token="")
        done = run(workshop, 4)
        assert "insecure: true" in done.stderr
        assert server.requests == []


def test_a_redirect_to_another_host_is_refused_and_carries_no_token(
    workshop: Workshop, repository: tuple[Path, Path]
) -> None:
    with (
        serve_git(repository[0]) as hostile,
        serve_git(repository[0], redirect_to=hostile.url) as server,
    ):
        allow_http(workshop, server, hostile)
        workshop.environment["GIT_PAT"] = TOKEN
        apply(workshop, f"{server.url}/app.git#trunk:api")
        done = run(workshop, 4)
        assert "redirects elsewhere" in done.stderr
        assert hostile.requests == []


def test_a_hostile_submodule_host_is_never_asked(
    workshop: Workshop, private: GitServer, repository: tuple[Path, Path]
) -> None:
    root, work = repository
    with serve_git(root) as hostile:
        text = f'[submodule "x"]\n\tpath = x\n\turl = {hostile.url}/app.git\n'
        git(work, "checkout", "--quiet", "trunk")
        head = git(work, "rev-parse", "HEAD").strip()
        git(work, "update-index", "--add", "--cacheinfo", f"160000,{head},x")
        (work / ".gitmodules").write_text(text)
        git(work, "add", ".gitmodules")
        author = ["-c", "user.name=Test", "-c", "user.email=test@contoso.example"]
        git(work, *author, "commit", "--quiet", "--message", "submodule")
        git(work, "push", "--quiet", "origin", "trunk")
        apply(workshop, f"{private.url}/app.git#trunk:api")
        done = run(workshop)
        assert hostile.requests == []
    assert "submodule" not in done.stdout  # it is outside of the folder


def test_submodules_are_left_out_with_a_note(
    workshop: Workshop, private: GitServer, repository: tuple[Path, Path]
) -> None:
    work = repository[1]
    git(work, "checkout", "--quiet", "trunk")
    head = git(work, "rev-parse", "HEAD").strip()
    git(work, "update-index", "--add", "--cacheinfo", f"160000,{head},api/library")
    author = ["-c", "user.name=Test", "-c", "user.email=test@contoso.example"]
    git(work, *author, "commit", "--quiet", "--message", "submodule")
    git(work, "push", "--quiet", "origin", "trunk")
    apply(workshop, f"{private.url}/app.git#trunk:api")
    assert "note: 1 submodule is not fetched: api/library" in run(workshop).stdout


def test_links_of_a_repository_are_plain_files(
    workshop: Workshop, private: GitServer, repository: tuple[Path, Path], base_image: str
) -> None:
    work = repository[1]
    git(work, "checkout", "--quiet", "trunk")
    (work / "api" / "secret").symlink_to("/etc/shadow")
    dockerfile = f"FROM {base_image}\nCOPY . /\nRUN cat /secret && test ! -L /secret\n"
    add_commit(work, {"api/Dockerfile": dockerfile}, "hostile")
    git(work, "push", "--quiet", "origin", "trunk")
    apply(workshop, f"{private.url}/app.git#trunk:api")
    assert "/etc/shadow" in run(workshop).stdout
