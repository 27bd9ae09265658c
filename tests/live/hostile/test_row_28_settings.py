"""Row 28: settings, hooks, filters and attributes that come with a context start nothing."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from reconciler.adapters.git.checkout import changed_files, head_of, last_changes
from reconciler.adapters.git.revisions import changed_since
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


# Each as `git config` takes it; CANARY is a command that leaves a trace.
PROGRAMS = {
    "a word like git-lfs": {"filter.evil.clean": "git-lfs ; CANARY; cat"},
    "git-lfs with more": {"filter.evil.clean": "git-lfs clean -- %f; CANARY; cat"},
    "a process like git-lfs": {"filter.evil.process": "git-lfs filter-process; CANARY"},
    "another git-lfs": {"filter.evil.clean": "./git-lfs clean -- %f"},
    "a name with a sign": {"filter.e=v.clean": "CANARY"},
    "a required filter": {"filter.evil.clean": "CANARY", "filter.evil.required": "true"},
    "an extension of git-lfs": {
        "filter.evil.clean": "git-lfs clean -- %f",
        "lfs.extension.evil.clean": "CANARY",
        "lfs.extension.evil.smudge": "CANARY",
        "lfs.extension.evil.priority": "0",
    },
    "settings of a worktree": {"extensions.worktreeConfig": "true"},
    "a monitor": {"core.fsmonitor": "CANARY; false"},
    "objects by ssh": {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": "ssh://127.0.0.1/app.git",
        "core.sshCommand": "CANARY",
    },
    "objects by a program": {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": "ext::CANARY",
        "protocol.ext.allow": "always",
        "protocol.allow": "always",
    },
    "others": {
        "core.pager": "CANARY",
        "pager.status": "CANARY",
        "alias.status": "!CANARY",
        "core.editor": "CANARY",
        "core.sshCommand": "CANARY",
        "core.gitProxy": "CANARY",
        "core.askPass": "CANARY",
        "core.alternateRefsCommand": "CANARY",
        "credential.helper": "!CANARY",
        "credential.https://127.0.0.1.helper": "!CANARY",
        "gpg.program": "CANARY",
        "log.showSignature": "true",
        "status.submoduleSummary": "true",
        "diff.external": "CANARY",
        "diff.evil.command": "CANARY",
        "diff.evil.textconv": "CANARY",
        "merge.evil.driver": "CANARY",
        "interactive.diffFilter": "CANARY",
        "sequence.editor": "CANARY",
        "trailer.evil.command": "CANARY",
        "uploadpack.packObjectsHook": "CANARY",
        "remote.origin.uploadpack": "CANARY",
        "submodule.evil.update": "!CANARY",
    },
}


@pytest.mark.parametrize("settings", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_settings_of_a_local_folder_start_no_program(
    settings: dict[str, str], tmp_path: Path, repositories: Path
) -> None:
    canary, work = tmp_path / "canary", repositories / "app-work"
    for name in ("evil", "e=v"):
        (work / f"{name}.txt").write_text("as committed\n")
    add_commit(work, {}, "files")
    (work / "git-lfs").write_text(f"#!/bin/sh\ntouch {canary}\n")
    (work / "git-lfs").chmod(0o755)
    (work / "evil.txt").write_text("as it is now\n")
    for key, value in settings.items():
        git(work, "config", key, value.replace("CANARY", f"touch {canary}"))
    (work / ".git" / "config.worktree").write_text(
        f'[filter "evil"]\n\tclean = touch {canary}\n[core]\n\tfsmonitor = touch {canary}\n'
    )
    attributes = "* filter=evil diff=evil\ne* filter=e=v\nevil* filter=evil\n"
    (work / ".git" / "info" / "attributes").write_text(attributes)
    if "extensions.partialClone" in settings:
        # A tree that is told to be elsewhere.
        tree = git(work, "rev-parse", "HEAD^{tree}").strip()
        (work / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    for name in ("e=v.txt", "evil.txt"):  # its time differs: Git compares the contents
        os.utime(work / name, (1, 1))
    head = head_of(work)
    assert not canary.exists(), head
    if "extensions.partialClone" not in settings:  # of a workspace, objects may be elsewhere
        asked = (changed_files(work), changed_since(work, "HEAD"), last_changes(work, ["a"]))
        assert not canary.exists(), asked
    assert head is not None
    assert head.dirty


def test_settings_of_a_submodule_start_no_program(tmp_path: Path, repositories: Path) -> None:
    canary, work = tmp_path / "canary", repositories / "app-work"
    inner = work / "inner"
    inner.mkdir()
    git(inner, "init", "--quiet")
    add_commit(inner, {"a": "1"}, "inner")
    add_commit(work, {}, "a repository in it")
    (inner / ".git" / "info" / "attributes").write_text("* filter=evil\n")
    git(inner, "config", "filter.evil.clean", f"touch {canary}; cat")
    os.utime(inner / "a", (1, 1))
    (inner / "a").write_text("2")
    git(work, "config", "submodule.inner.ignore", "none")
    git(work, "config", "diff.ignoreSubmodules", "none")
    head = head_of(work)
    asked = (changed_files(work), changed_since(work, "HEAD"))
    assert not canary.exists(), (head, asked)


def test_a_filter_of_git_lfs_is_used(
    tmp_path: Path, repositories: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else every file of git-lfs would seem to have been changed."""
    canary, work = tmp_path / "canary", repositories / "app-work"
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git-lfs").write_text(f"#!/bin/sh\ntouch {canary}\ncat\n")
    (programs / "git-lfs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    add_commit(work, {"a": "1"}, "a file")
    git(work, "config", "filter.lfs.clean", "git-lfs clean -- %f")
    (work / ".git" / "info" / "attributes").write_text("* filter=lfs\n")
    os.utime(work / "a", (1, 1))
    assert head_of(work) is not None
    assert canary.exists()


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
