"""Row 22: nothing that is written in a location becomes an option of git's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live.git_server import GitServer, add_commit, git
from tests.live.hostile.places import Door

OPTIONS = (
    "--upload-pack=touch {canary}",
    "--upload-pack",
    "--upl=touch {canary}",
    "-u{canary}",
    "-utouch {canary}",
    "-c",
    "-ccore.fsmonitor=touch {canary}",
    "--config=core.fsmonitor=touch {canary}",
    "--exec=touch {canary}",
    "--output={canary}",
    "--template={canary}",
    "-o{canary}",
)


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize(
    "form",
    [
        "{url}/app.git#{option}",
        "{url}/app.git#{option}:api",
        "{option}.git",
        "{url}/{option}.git#trunk",
    ],
)
def test_an_option_is_no_ref_and_no_address(
    option: str, form: str, door: Door, server: GitServer, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    door.refuse(form.format(url=server.url, option=option.format(canary=canary)))
    assert not canary.exists()


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_is_a_folder_that_is_not_there(
    option: str, door: Door, server: GitServer, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    message = door.refuse(f"{server.url}/app.git#trunk:{option.format(canary=canary)}")
    assert "no folder" in message
    assert not canary.exists()


@pytest.mark.parametrize(
    "name", ["--stdin", "-c", "--upload-pack=x", "*", "!api", "a[b]", "#x", "sp ace"]
)
def test_a_folder_may_be_called_as_an_option(
    name: str, door: Door, server: GitServer, repositories: Path
) -> None:
    work = repositories / "app-work"
    add_commit(work, {f"{name}/Dockerfile": "FROM odd\n"}, "odd")
    git(work, "push", "--quiet", "origin", "trunk")
    found = door.fetch(f"{server.url}/app.git#trunk:{name}")
    assert (found.folder / "Dockerfile").read_text() == "FROM odd\n"


@pytest.mark.parametrize(
    "ref",
    [
        "a..b",
        "a b",
        "a\nb",
        "a~1",
        "a^",
        "a:b:c",
        "@{1}",
        "a.lock",
        "/a",
        "a//b",
        "*",
        "refs/heads/--x;y",
        "HEAD@{0}",
        "@",
        "a/.b",
        "a.",
        "a$(touch)",
        "a;b",
        "a`b`",
    ],
)
def test_a_ref_is_a_plain_name(ref: str, door: Door, server: GitServer) -> None:
    door.refuse(f"{server.url}/app.git#{ref}")


@pytest.mark.parametrize(
    "name",
    ["_under", "ünï", "a,b", "x(1)", "日本/語", "#1", "a#b", "50%", "+x", "a@b", "feature/x-1"],
)
def test_a_name_that_git_allows_is_a_branch(
    name: str, door: Door, server: GitServer, repositories: Path
) -> None:
    git(repositories / "app.git", "branch", "--", name, "trunk")
    found = door.fetch(f"{server.url}/app.git#{name}")
    commit = git(repositories / "app-work", "rev-parse", "HEAD").strip()
    assert (found.branch, found.commit) == (name, commit)


def test_a_name_that_is_refused_is_told_with_what_is_allowed(door: Door, server: GitServer) -> None:
    message = door.refuse(f"{server.url}/app.git#a$b")
    assert "a supported name has letters, digits and _./@+=,()#%-" in message
