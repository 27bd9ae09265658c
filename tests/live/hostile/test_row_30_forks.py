"""Row 30: a host gives the commits of forks by id; a commit has to be on a branch or a tag."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.operations.running.contexts import OwnSource
from tests.live.git_server import GitServer, add_commit, git
from tests.live.hostile.places import Door


@pytest.fixture
def fork(repositories: Path) -> str:
    """A commit of somebody else's pull request, and two later commits of the branch."""
    work = repositories / "app-work"
    first = git(work, "rev-parse", "HEAD").strip()
    git(work, "checkout", "--quiet", "-b", "theirs")
    commit = add_commit(work, {"Dockerfile": "FROM hostile\n"}, "hostile")
    git(work, "push", "--quiet", "origin", f"{commit}:refs/pull/7/head")
    git(work, "checkout", "--quiet", "trunk")
    for number in (1, 2):
        add_commit(work, {"other": str(number)}, f"later {number}")
    git(work, "push", "--quiet", "origin", "trunk")
    git(work, "update-ref", "refs/first", first)
    return commit


def test_a_commit_of_a_fork_is_refused(door: Door, server: GitServer, fork: str) -> None:
    message = door.refuse(f"{server.url}/app.git#{fork}")
    assert "is on no branch and no tag" in message
    assert "pull/N/head" in message


def test_of_a_folder_it_is_refused_too(door: Door, server: GitServer, fork: str) -> None:
    assert "is on no branch and no tag" in door.refuse(f"{server.url}/app.git#{fork}:api")


def test_a_pull_request_can_be_asked_for_by_its_name(
    door: Door, server: GitServer, fork: str
) -> None:
    found = door.fetch(f"{server.url}/app.git#pull/7/head")
    assert found.commit == fork
    assert found.branch is None
    assert (found.folder / "Dockerfile").read_text() == "FROM hostile\n"


@pytest.mark.parametrize("folder", ["", ":api"])
@pytest.mark.parametrize("name", ["first", "tip"])
def test_an_older_commit_of_a_branch_is_fetched(
    name: str, folder: str, door: Door, server: GitServer, repositories: Path, fork: str
) -> None:
    ref = "refs/first" if name == "first" else "trunk"
    commit = git(repositories / "app-work", "rev-parse", ref).strip()
    found = door.fetch(f"{server.url}/app.git#{commit}{folder}")
    assert found.commit == commit
    assert (found.root / "api" / "Dockerfile").exists()
    assert (commit == fork) is False


def test_a_commit_of_a_tag_is_fetched(
    door: Door, server: GitServer, repositories: Path, fork: str
) -> None:
    git(repositories / "app.git", "tag", "v1", fork)
    assert door.fetch(f"{server.url}/app.git#{fork}").commit == fork


def test_what_a_run_has_built_before_can_be_built_again(
    door: Door, server: GitServer, fork: str
) -> None:
    source = f"{server.url}/app.git#{fork}"
    door.own = OwnSource(source, known=True)
    assert door.fetch(source).commit == fork
