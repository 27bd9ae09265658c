"""Row 21: a repository is fetched by https (or declared http), by no other protocol of git's."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.adapters.fetch_fault import FetchError
from reconciler.adapters.git.environment import Repository
from reconciler.adapters.git.fetch import fetch
from reconciler.adapters.git.program import GitProgram
from reconciler.adapters.web.resolve import Guard, Place
from tests.live.git_server import GitServer, git
from tests.live.hostile.places import Door

# {root} holds a real repository app.git; {canary} is made if anything of ours is run.
ADDRESSES = (
    "ext::sh -c 'touch {canary}'",
    "ext::sh% -c% touch% {canary}",
    "fd::3",
    "file://{root}/app.git",
    "file:///{root}/app.git#trunk",
    "{root}/app.git",
    "git://127.0.0.1/app.git",
    "ssh://git@127.0.0.1/app.git",
    "git@127.0.0.1:app.git",
    "ftp://127.0.0.1/app.git",
    "http::https://127.0.0.1/app.git",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_it_is_refused_at_the_door(
    address: str, door: Door, repositories: Path, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    door.refuse(address.format(root=repositories, canary=canary))
    assert not canary.exists()


@pytest.mark.parametrize("address", ADDRESSES)
def test_it_is_refused_where_git_is_asked(address: str, repositories: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    url = address.format(root=repositories, canary=canary)
    guard = Guard({"127.0.0.1", "localhost"})
    with pytest.raises(FetchError):
        fetch(Repository(url, guard=guard), "", "", tmp_path / "git", lambda: False)
    assert not canary.exists()


@pytest.mark.parametrize("address", ADDRESSES[:-1])  # the last one is http to git
def test_git_itself_would_refuse_it(
    address: str, server: GitServer, repositories: Path, tmp_path: Path
) -> None:
    """The second wall: the same environment, and an address that nobody judged."""
    canary = tmp_path / "canary"
    url = address.format(root=repositories, canary=canary)
    place = tmp_path / "git"
    place.mkdir()
    target = Place(server.url, "http", "127.0.0.1", 80, ("127.0.0.1",))
    program = GitProgram(Repository(server.url), target, place, lambda: False)
    with pytest.raises(
        FetchError, match=r"not allowed|not found|cannot find|remote helper|hung up"
    ):
        program.run("ls-remote", "--end-of-options", url)
    assert not canary.exists()


def test_the_repository_can_be_read_by_a_git_that_may(repositories: Path) -> None:
    """What the others refuse is really there."""
    assert "refs/heads/trunk" in git(repositories, "ls-remote", f"file://{repositories}/app.git")
