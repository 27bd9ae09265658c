"""Addresses of Azure Repos and of pull requests, from a server that stands in for their hosts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.git_server import GitServer, add_commit, git, make_repository, serve_git
from tests.live.hostile.places import Door, page, serving

HOSTS = ("dev.azure.com", "contoso.visualstudio.com")
TOKEN = "planted-token-0123456789"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """`contoso/shop/_git/web`: main, feature/x, and pull request 7 of both kinds."""
    root = tmp_path / "repositories" / "contoso" / "shop" / "_git"
    files = {"api/Dockerfile": "FROM scratch\n", "version": "main"}
    work, _ = make_repository(root, "web", files, branch="main")
    git(work, "checkout", "--quiet", "-b", "feature/x")
    for name in ("feature/x", "refs/pull/7/merge", "refs/pull/7/head"):
        add_commit(work, {"api/version": name}, name)
        target = name if name.startswith("refs/") else f"refs/heads/{name}"
        git(work, "push", "--quiet", "origin", f"HEAD:{target}")
    (root / "web.git").rename(root / "web")
    with serve_git(tmp_path / "repositories", username="x-access-token", password=TOKEN) as found:
        yield found


@pytest.fixture
def door(tmp_path: Path, server: GitServer) -> Door:
    place = tmp_path / "door"
    place.mkdir()
    port = server.host.partition(":")[2]
    return Door(
        place, {f"{host}:{port}" for host in HOSTS}, {host: ["127.0.0.1"] for host in HOSTS}
    )


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    ("fragment", "version", "branch"),
    [
        ("#feature/x:api", "feature/x", "feature/x"),
        ("#refs/heads/feature/x:api", "feature/x", "feature/x"),
        ("#pull/7/merge:api", "refs/pull/7/merge", None),
        ("#refs/pull/7/merge:api", "refs/pull/7/merge", None),
        ("#pull/7/head:api", "refs/pull/7/head", None),
        ("#:api", None, "main"),
    ],
)  # fmt: skip
def test_a_branch_a_folder_and_a_pull_request(
    host: str, fragment: str, version: str | None, branch: str | None, door: Door, server: GitServer
) -> None:
    port = server.host.partition(":")[2]
    source = f"http://{host}:{port}/contoso/shop/_git/web{fragment}"
    found = door.fetch(source, TOKEN)
    file = found.folder / "version"
    assert (file.read_text() if file.exists() else None) == version
    assert found.branch == branch
    assert (found.folder / "Dockerfile").exists()


PAGE = "contoso/shop/_git/web?version=GBmain"


@pytest.mark.parametrize("host", HOSTS)
def test_an_address_as_a_browser_shows_it_is_told_how_to_write_it(
    host: str, door: Door, server: GitServer
) -> None:
    """With a query it is no repository to ACR either: nobody is asked."""
    message = door.refuse(f"http://{host}:{server.host.partition(':')[2]}/{PAGE}")
    assert "an address of Azure Repos has no query" in message
    assert "https://dev.azure.com/ORG/PROJECT/_git/REPOSITORY#main" in message
    assert server.requests == []


def test_on_a_server_of_its_own_too(door: Door) -> None:
    with serving(lambda _path: page(b"<!DOCTYPE html><title>Sign in</title>")) as site:
        door.declared.add(site.host)
        message = door.refuse(f"{site.url}/{PAGE}")
    assert "it is a web page" in message
    assert "write URL#BRANCH:FOLDER without a ?" in message
