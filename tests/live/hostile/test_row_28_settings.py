"""Row 28: settings, hooks, filters and attributes that come with a context start nothing."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from reconciler.adapters.git import head_of
from tests.live.git_server import GitServer, add_commit, git
from tests.live.hostile.places import Door
from tests.live.hostile.repository import AUTHOR

HOOKS = (
    "post-checkout",
    "pre-commit",
    "post-index-change",
    "fsmonitor-watchman",
    "reference-transaction",
)


def test_attributes_of_a_repository_start_no_filter(
    door: Door,
    server: GitServer,
    repositories: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Even where the user's own git knows the filter."""
    canary = tmp_path / "canary"
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f'[filter "evil"]\n\tsmudge = touch {canary}\n\tclean = touch {canary}\n'
        f"[core]\n\tfsmonitor = touch {canary}\n\thooksPath = {home}/hooks\n"
        f'[diff "evil"]\n\ttextconv = touch {canary}\n'
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    _hooks(home / "hooks", canary)
    work = repositories / "app-work"
    add_commit(
        work,
        {".gitattributes": "* filter=evil diff=evil export-subst ident\n", "a": "$Format:%H$\n"},
        "attributes",
    )
    git(work, "push", "--quiet", "origin", "trunk")
    found = door.fetch(f"{server.url}/app.git#trunk")
    assert (found.folder / "a").read_text() == "$Format:%H$\n"
    assert not canary.exists()


def _hooks(folder: Path, canary: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name in HOOKS:
        (folder / name).write_text(f"#!/bin/sh\ntouch {canary}\n")
        (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    "name",
    [
        ".git/config",
        ".GIT/config",
        "git~1/config",
        ".git/hooks/post-checkout",
        "sub/.git/config",
        ".gi\u200ct/config",
    ],
)
def test_a_tree_with_a_repository_in_it_is_refused(
    name: str, door: Door, server: GitServer, repositories: Path
) -> None:
    """Git's own commands write no such tree; a server may send it."""
    bare = repositories / "app.git"
    blob = _hash(bare, b"[core]\n\tfsmonitor = touch canary\n", "blob")
    parts = name.split("/")
    tree = _hash(bare, b"100644 %s\0%s" % (os.fsencode(parts[-1]), bytes.fromhex(blob)), "tree")
    for part in reversed(parts[:-1]):
        tree = _hash(bare, b"40000 %s\0%s" % (os.fsencode(part), bytes.fromhex(tree)), "tree")
    commit = git(bare, *AUTHOR, "commit-tree", tree, "-m", "hostile").strip()
    git(bare, "update-ref", "refs/heads/hostile", commit)
    door.refuse(f"{server.url}/app.git#hostile")


def _hash(bare: Path, data: bytes, kind: str) -> str:
    file = bare / "object"
    file.write_bytes(data)
    return git(bare, "hash-object", "-w", "--literally", "-t", kind, str(file)).strip()


def test_what_is_fetched_holds_no_repository(door: Door, server: GitServer) -> None:
    found = door.fetch(f"{server.url}/app.git#trunk")
    assert not list(found.root.rglob(".git"))


def test_a_local_folder_with_hostile_settings_is_only_looked_at(
    tmp_path: Path, repositories: Path
) -> None:
    """A folder is asked for its commit: `.git/config` of it may be from anybody."""
    canary, work = tmp_path / "canary", repositories / "app-work"
    with (work / ".git" / "config").open("a") as file:
        file.write(f"[core]\n\tfsmonitor = touch {canary}; false\n\tpager = touch {canary}\n")
        file.write(f'[filter "evil"]\n\tclean = touch {canary}\n\tprocess = touch {canary}\n')
        file.write(f"[diff]\n\texternal = touch {canary}\n")
    (work / ".git" / "info" / "attributes").write_text("* filter=evil\n")
    _hooks(work / ".git" / "hooks", canary)
    (work / "other").write_text("changed\n")
    head = head_of(work)
    assert head is not None
    assert len(head.commit) == 40
    assert not canary.exists()


def test_a_file_is_made_executable_or_not_and_nothing_more(
    door: Door, server: GitServer, repositories: Path
) -> None:
    work = repositories / "app-work"
    (work / "run").write_text("#!/bin/sh\n")
    (work / "run").chmod(0o4777)
    add_commit(work, {}, "mode")
    git(work, "push", "--quiet", "origin", "trunk")
    mode = (door.fetch(f"{server.url}/app.git#trunk").folder / "run").stat().st_mode
    assert stat.S_IMODE(mode) & 0o7022 == 0
    assert mode & stat.S_IXUSR
