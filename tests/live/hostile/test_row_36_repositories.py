"""Row 36 for Git: repositories that are small to send and large to have."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from reconciler.adapters.fetch_fault import FetchError
from reconciler.adapters.git import program, tree
from reconciler.adapters.git.environment import Repository
from reconciler.adapters.git.program import GitProgram, judged
from reconciler.adapters.web.resolve import Guard
from reconciler.model.context import Submodules
from reconciler.operations.running.contexts import OwnSource
from reconciler.runner.failure import Failure
from tests.live.git_server import GitServer, add_commit, git, make_repository
from tests.live.hostile.places import Door
from tests.live.hostile.repository import AUTHOR

TOO_MANY = "more than 200,000 files and folders"


def _tree(bare: Path, entries: list[tuple[str, str, str]]) -> str:
    """The id of a tree of (mode, name, id)."""
    file = bare / "object"
    parts = [
        b"%s %s\0%s" % (mode.encode(), os.fsencode(name), bytes.fromhex(identifier))
        for mode, name, identifier in entries
    ]
    file.write_bytes(b"".join(parts))
    return git(bare, "hash-object", "-w", "-t", "tree", str(file)).strip()


def _branch(bare: Path, name: str, tree: str) -> None:
    commit = git(bare, *AUTHOR, "commit-tree", tree, "-m", name).strip()
    git(bare, "update-ref", f"refs/heads/{name}", commit)


def _nested(bare: Path, inmost: tuple[str, str, str], levels: int) -> str:
    """A tree of 10 ** levels entries, made of as many objects as it has levels."""
    mode, name, identifier = inmost
    for _ in range(levels):
        entries = [(mode, f"{name}{number}", identifier) for number in range(10)]
        mode, name, identifier = "40000", "d", _tree(bare, entries)
    return identifier


def _refused(door: Door, source: str) -> str:
    """The message of a context that is refused after another one was fetched."""
    with pytest.raises(Failure) as caught:
        door.fetch(source)
    return caught.value.message


@pytest.fixture(name="bomb")
def new_bomb(repositories: Path) -> Path:
    """`#bomb` has ten thousand million files; `bomb` is also a folder beside `api` in `#beside`."""
    bare = repositories / "app.git"
    blob = git(bare, "rev-parse", "trunk:other").strip()
    bomb = _nested(bare, ("100644", "f", blob), 10)
    hollow = _nested(bare, ("40000", "f", _tree(bare, [])), 10)
    api = git(bare, "rev-parse", "trunk:api").strip()
    _branch(bare, "bomb", bomb)
    _branch(bare, "hollow", hollow)
    _branch(bare, "beside", _tree(bare, [("40000", "api", api), ("40000", "bomb", bomb)]))
    return bare


@pytest.mark.parametrize("source", ["#bomb", "#hollow", "#beside", "#beside:bomb", "#bomb:d1"])
def test_a_tree_of_endless_files_is_counted_before_it_is_written(
    source: str, door: Door, server: GitServer, bomb: Path
) -> None:
    assert TOO_MANY in door.refuse(f"{server.url}/{bomb.name}{source}")


def test_a_folder_beside_endless_files_is_fetched(
    door: Door, server: GitServer, bomb: Path
) -> None:
    """Git sees nothing else: it would hold the names of all files of the commit."""
    found = door.fetch(f"{server.url}/{bomb.name}#beside:api")
    assert [path.name for path in found.folder.iterdir()] == ["Dockerfile"]
    assert "no folder nowhere" in _refused(door, f"{server.url}/{bomb.name}#beside:nowhere")


def test_as_many_files_as_are_allowed_are_written(
    door: Door, server: GitServer, repositories: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = repositories / "app-work"
    add_commit(work, {f"many/{number}": "" for number in range(9)}, "nine")
    git(work, "push", "--quiet", "origin", "trunk")
    monkeypatch.setattr(tree, "MAX_ENTRIES", 9)
    assert len(list(door.fetch(f"{server.url}/app.git#trunk:many").folder.iterdir())) == 9
    monkeypatch.setattr(tree, "MAX_ENTRIES", 8)
    assert "more than 8 files" in _refused(door, f"{server.url}/app.git#trunk:many")


def test_attributes_above_a_folder_hold_for_it(
    door: Door, server: GitServer, repositories: Path
) -> None:
    work = repositories / "app-work"
    add_commit(work, {".gitattributes": "*.txt eol=crlf\n", "a/b/c.txt": "1\n"}, "attributes")
    git(work, "push", "--quiet", "origin", "trunk")
    found = door.fetch(f"{server.url}/app.git#trunk:/a/./b/")
    assert (found.folder / "c.txt").read_bytes() == b"1\r\n"
    assert not (found.root / ".gitattributes").exists()


def test_a_link_to_a_folder_is_told(door: Door, server: GitServer, repositories: Path) -> None:
    work = repositories / "app-work"
    (work / "link").symlink_to("api")
    add_commit(work, {}, "link")
    git(work, "push", "--quiet", "origin", "trunk")
    assert "link is a symbolic link" in door.refuse(f"{server.url}/app.git#trunk:link")


def test_no_git_takes_memory_without_an_end(
    tmp_path: Path, server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "MAX_MEMORY", 300 << 20)
    git_program = _program(server, tmp_path)
    told = git_program.run("-c", "alias.told=!ulimit -v", "told")
    assert told.strip() == str(300 << 10)


def test_all_commands_of_a_fetch_have_one_end(
    tmp_path: Path, server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "MAX_SECONDS", 1.0)
    git_program = _program(server, tmp_path)
    git_program.run("version")
    with pytest.raises(FetchError, match="takes longer than"):
        git_program.run("-c", "alias.wait=!sleep 60", "wait")
    assert time.monotonic() >= git_program.end
    with pytest.raises(FetchError, match="takes longer than"):
        git_program.run("version")


def test_output_is_whole_or_refused(
    tmp_path: Path, server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    git_program = _program(server, tmp_path)
    words = ("-c", "alias.many=!seq 1 300000", "many")
    assert git_program.run(*words).endswith("\n300000\n")
    assert len(list(git_program.pieces(b"\n", *words))) == 300_000
    monkeypatch.setattr(program, "MAX_OUTPUT", 100_000)
    with pytest.raises(FetchError, match="git tells more than"):
        git_program.run(*words)
    with pytest.raises(FetchError, match="too long"):
        list(git_program.pieces(b"\0", *words))


def _program(server: GitServer, folder: Path) -> GitProgram:
    place = folder / "place"
    place.mkdir()
    repository = Repository(server.url, guard=Guard({server.host}))
    return GitProgram(repository, judged(repository), place, lambda: False)


def test_a_submodule_behind_many_long_names_is_seen(
    door: Door, server: GitServer, repositories: Path
) -> None:
    """The list of the names is longer than what is read as a whole."""
    make_repository(repositories, "part", {"p": "1"})
    bare = repositories / "app.git"
    part = git(repositories / "part.git", "rev-parse", "trunk").strip()
    blob = git(bare, "rev-parse", "trunk:other").strip()
    file = bare / "modules"
    file.write_text(f'[submodule "z"]\n\tpath = z\n\turl = {server.url}/part.git\n')
    modules = git(bare, "hash-object", "-w", str(file)).strip()
    long = _tree(bare, [("100644", "n" * 240 + f"{number:06}", blob) for number in range(500)])
    folders = [("40000", f"a{number:03}", long) for number in range(60)]
    top = [("100644", ".gitmodules", modules), *folders, ("160000", "z", part)]
    _branch(bare, "long", _tree(bare, top))
    door.own = OwnSource(f"{server.url}/app.git#long", Submodules(hosts=(server.host,), max=1))
    assert (door.fetch(f"{server.url}/app.git#long").root / "z" / "p").read_text() == "1"


def test_a_tag_behind_many_pull_requests_is_found(
    door: Door, server: GitServer, repositories: Path
) -> None:
    bare = repositories / "app.git"
    commit = git(bare, "rev-parse", "trunk").strip()
    pulls = "".join(f"{commit} refs/pull/{number:06}/head\n" for number in range(140_000))
    (bare / "packed-refs").write_text(
        f"# pack-refs with: peeled fully-peeled sorted \n{commit} refs/heads/trunk\n{pulls}"
        f"{commit} refs/tags/v1\n"
    )
    assert door.fetch(f"{server.url}/app.git#v1").commit == commit
    assert door.fetch(f"{server.url}/app.git#{commit}").commit == commit
    assert door.fetch(f"{server.url}/app.git").branch == "trunk"
    assert "did you mean trunk" in _refused(door, f"{server.url}/app.git#trnk")
