"""Writes the files of a fetched commit, or of one folder of it, after they were counted.

A few objects can be a tree of any number of files: each folder may be in a commit a million times.
Git would hold them all, so nothing is given to it that was not counted, and of a commit that a
folder is wanted of it sees that folder only.
"""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path

from reconciler.adapters.fetch_fault import FetchError, FetchFault
from reconciler.adapters.git.program import GitProgram
from reconciler.base.text import did_you_mean, one_line

MAX_ENTRIES = 200_000  # files and folders, as in an archive
_FOLDER, _LINK, _SUBMODULE = "040000", "120000", "160000"
_MOST_NAMES = 20_000  # looked through for a near name
_LS_TREE = ("--literal-pathspecs", "ls-tree", "-z")


def write_tree(git: GitProgram, commit: str, folder: str, tree: Path) -> None:
    """Write what a commit has in `folder` ("" for all of it) into the work tree `tree`.

    `folder` has no empty part. Raises FetchError: no such folder, or too many files.
    """
    if not folder:
        _count(git, commit)
        git.run("checkout", "--quiet", "--detach", commit, "--")
        return
    if ".." in folder.split("/"):
        message = f"the folder {one_line(folder, 120)} leads out of the repository"
        raise FetchError(FetchFault.REFUSED, message)
    mode, identifier = _entry(git, commit, folder)
    if mode == _SUBMODULE:
        git.run("update-index", "--add", "--cacheinfo", f"{mode},{identifier},{folder}")
        (tree / folder).mkdir(parents=True)
    elif mode == _FOLDER:
        _count(git, identifier)
        _keep_attributes(git, commit, folder)
        git.run("read-tree", "-u", f"--prefix={folder}/", identifier)
        (tree / folder).mkdir(parents=True, exist_ok=True)  # it may be empty
    elif mode == _LINK:
        fix = "name the folder itself: links of a fetched repository are not followed"
        message = f"{one_line(folder, 120)} is a symbolic link in the repository; {fix}"
        raise FetchError(FetchFault.MISSING, message)
    else:
        raise _no_folder(git, commit, folder)


def _entry(git: GitProgram, commit: str, path: str) -> tuple[str, str]:
    """Mode and id of what a commit has at a path; two empty texts if there is nothing."""
    found = git.run(*_LS_TREE, "--end-of-options", commit, path)
    mode, _, identifier = found.partition("\t")[0].partition(" ")
    return mode, identifier.partition(" ")[2]


def _count(git: GitProgram, tree: str) -> None:
    """Raises FetchError for too many files and folders; no more than that are listed."""
    # Folders count too: those of nothing but folders can be as many.
    words = ("ls-tree", "-r", "-t", "-z", "--full-tree", "--end-of-options", tree)
    with contextlib.closing(git.pieces(b"\0", *words)) as entries:
        if next(itertools.islice(entries, MAX_ENTRIES, None), None) is not None:
            message = f"the context has more than {MAX_ENTRIES:,} files and folders"
            raise FetchError(FetchFault.REFUSED, f"{message}: name a smaller folder of it")


def _keep_attributes(git: GitProgram, commit: str, folder: str) -> None:
    """`.gitattributes` above a folder hold for it: Git reads them from the index."""
    words = folder.split("/")
    for depth in range(len(words)):
        path = "/".join([*words[:depth], ".gitattributes"])
        mode, identifier = _entry(git, commit, path)
        if mode.startswith("100"):
            git.run("update-index", "--add", "--cacheinfo", f"{mode},{identifier},{path}")


def _no_folder(git: GitProgram, commit: str, folder: str) -> FetchError:
    words = ("ls-tree", "-r", "-d", "-z", "--name-only", "--end-of-options", commit)
    with contextlib.closing(git.pieces(b"\0", *words)) as listed:
        near = did_you_mean(folder, list(itertools.islice(listed, _MOST_NAMES)))
    hint = f"; did you mean {one_line(near, 80)}?" if near else ""
    message = f"the repository has no folder {one_line(folder, 120)}{hint}"
    return FetchError(FetchFault.MISSING, message)
