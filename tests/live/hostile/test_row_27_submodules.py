"""Row 27: submodules are fetched where a spec names their hosts, and never what they ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.model.context import Submodules
from reconciler.operations.running.contexts import OwnSource
from tests.live.git_server import GitServer, git, serve_git
from tests.live.hostile.places import Door
from tests.live.hostile.repository import add_submodule, declare, push

ZEROS = "0" * 39 + "1"


def allow(door: Door, source: str, *hosts: str, most: int = 20) -> str:
    door.own = OwnSource(source, Submodules(hosts=hosts, max=most))
    return source


def test_without_a_word_in_the_spec_they_are_left_out(
    door: Door, server: GitServer, repositories: Path
) -> None:
    with serve_git(repositories) as other:
        door.declared.add(other.host)
        add_submodule(repositories, "library", f"{other.url}/library.git")
        found = door.fetch(f"{server.url}/app.git#trunk")
        assert other.requests == []
    assert found.notes == ("1 submodule is not fetched: library",)


@pytest.mark.parametrize(
    "url",
    [
        "-u{canary}",
        "--upload-pack=touch {canary}",
        "ext::sh -c 'touch {canary}'",
        "file://{root}/library.git",
        "{root}/library.git",
        "git://127.0.0.1/library.git",
        "ssh://-oProxyCommand=touch%20{canary}/x",
        "../../../../etc",
        "https://user:planted@127.0.0.1/library.git",
    ],
)  # fmt: skip
def test_an_address_that_does_something_is_refused(
    url: str, door: Door, server: GitServer, repositories: Path, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    add_submodule(repositories, "library", url.format(canary=canary, root=repositories))
    source = allow(door, f"{server.url}/app.git#trunk", "127.0.0.1", server.host, "127.0.0.1:0")
    message = door.refuse(source)
    assert "planted" not in message
    assert not canary.exists()


def test_a_host_that_is_not_named_is_not_asked(
    door: Door, server: GitServer, repositories: Path
) -> None:
    with serve_git(repositories) as other:
        door.declared.add(other.host)
        add_submodule(repositories, "library", f"{other.url}/library.git")
        source = allow(door, f"{server.url}/app.git#trunk", "git.example")
        told = f"the submodule library is at {other.host}; name {other.host} in"
        assert told in door.refuse(source)
        assert other.requests == []


def test_a_host_that_is_named_is_judged_all_the_same(
    door: Door, server: GitServer, repositories: Path
) -> None:
    add_submodule(repositories, "library", "https://inner.example/library.git")
    door.names["inner.example"] = ["10.0.0.1"]
    source = allow(door, f"{server.url}/app.git#trunk", "inner.example")
    assert "has the address 10.0.0.1" in door.refuse(source)


def test_a_thousand_are_refused_before_one_is_fetched(
    door: Door, server: GitServer, repositories: Path
) -> None:
    commit = git(repositories / "app.git", "rev-parse", "trunk").strip()
    many = {f"m/{number}": (f"{server.url}/m{number}.git", commit) for number in range(1000)}
    declare(repositories, many)
    source = allow(door, f"{server.url}/app.git#trunk", server.host)
    assert "1,000 submodules, not at most 20" in door.refuse(source)
    assert not [path for path, _ in server.requests if path.startswith("/m")]


def test_a_submodule_of_a_submodule_is_left_out(
    door: Door, server: GitServer, repositories: Path
) -> None:
    """So a repository that is its own submodule comes to an end."""
    add_submodule(repositories, "library", f"{server.url}/library.git")
    own = git(repositories / "library.git", "rev-parse", "trunk").strip()
    declare(repositories, {"again": (f"{server.url}/library.git", own)}, "library")
    inner = git(repositories / "library.git", "rev-parse", "trunk").strip()
    git(repositories / "app-work", "update-index", "--cacheinfo", f"160000,{inner},library")
    push(repositories / "app-work", "newer")
    found = door.fetch(allow(door, f"{server.url}/app.git#trunk", server.host))
    assert (found.folder / "library" / "code").exists()
    assert list((found.folder / "library" / "again").iterdir()) == []
    assert "library: 1 submodule is not fetched: again" in found.notes


def test_a_commit_that_is_not_there_fails(
    door: Door, server: GitServer, repositories: Path
) -> None:
    add_submodule(repositories, "library", f"{server.url}/library.git")
    declare(repositories, {"none": (f"{server.url}/library.git", ZEROS)})
    door.refuse(allow(door, f"{server.url}/app.git#trunk", server.host))


def test_one_without_an_address_fails(door: Door, server: GitServer, repositories: Path) -> None:
    commit = add_submodule(repositories, "library", f"{server.url}/library.git")
    work = repositories / "app-work"
    git(work, "update-index", "--add", "--cacheinfo", f"160000,{commit},lost")
    push(work, "lost")
    source = allow(door, f"{server.url}/app.git#trunk", server.host)
    assert "has no address for lost" in door.refuse(source)


def test_those_outside_of_the_folder_are_not_fetched(
    door: Door, server: GitServer, repositories: Path
) -> None:
    add_submodule(repositories, "library", f"{server.url}/library.git")
    add_submodule(repositories, "inner", f"{server.url}/inner.git", path="api/inner")
    found = door.fetch(allow(door, f"{server.url}/app.git#trunk:api", server.host))
    assert (found.folder / "inner" / "code").read_text() == "inner\n"
    assert not [path for path, _ in server.requests if path.startswith("/library")]


def test_a_path_of_gitmodules_decides_nothing(
    door: Door, server: GitServer, repositories: Path, tmp_path: Path
) -> None:
    commit = add_submodule(repositories, "library", f"{server.url}/library.git")
    work = repositories / "app-work"
    with (work / ".gitmodules").open("a") as file:
        file.write(f'[submodule "odd"]\n\tpath = ../../../x\n\turl = {server.url}/library.git\n')
    git(work, "add", ".gitmodules")
    push(work, "path")
    found = door.fetch(allow(door, f"{server.url}/app.git#trunk", server.host))
    assert (found.folder / "library" / "code").exists()
    assert len(commit) == 40
    assert not list(tmp_path.rglob("canary"))


def test_an_update_command_is_refused_with_its_repository(
    door: Door, server: GitServer, repositories: Path, tmp_path: Path
) -> None:
    add_submodule(repositories, "library", f"{server.url}/library.git")
    work = repositories / "app-work"
    with (work / ".gitmodules").open("a") as file:
        file.write(f"\tupdate = !touch {tmp_path}/canary\n")
    git(work, "add", ".gitmodules")
    push(work, "update")
    assert "update" in door.refuse(allow(door, f"{server.url}/app.git#trunk", server.host))
    assert not (tmp_path / "canary").exists()
