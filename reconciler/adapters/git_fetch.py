"""Fetches one commit of a foreign repository: everything about it is hostile.

Git runs as `git_program` has it, in the environment of `git_environment`. The work tree gets links
as plain files and holds no `.git`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.git_environment import Repository
from reconciler.adapters.git_fault import GitFault, GitFetchError
from reconciler.adapters.git_program import GitProgram, Stopping, judged
from reconciler.adapters.git_reach import check_reachable
from reconciler.adapters.git_refs import SHA, resolve
from reconciler.adapters.git_submodules import fetch_submodules, left_out, submodules_of
from reconciler.base.text import did_you_mean, one_line
from reconciler.model.context import GIT_REF, Submodules


@dataclass(frozen=True, slots=True)
class Checkout:
    """A fetched commit: its files, its id, and the branch that was asked for (None: no branch).

    `notes` are what a person should know: a name with two meanings, submodules left out.
    """

    root: Path
    commit: str
    branch: str | None
    notes: tuple[str, ...] = ()


def fetch(
    repository: Repository,
    ref: str,
    folder: str,
    place: Path,
    stopping: Stopping,
    *,
    submodules: Submodules | None = None,
) -> Checkout:
    """Fetch `ref` ("" for the remote's default branch) into `place`, which must not exist.

    With `folder`, only the files below it are downloaded where the host can do that. No submodule
    is fetched without `submodules`. Raises GitFetchError.
    """
    target = judged(repository)
    url = target.url
    place.mkdir(mode=0o700)
    git = GitProgram(repository, target, place, stopping)
    wanted = resolve(git, url, _checked_ref(ref))
    tree = place / "tree"
    tree.mkdir()
    git.run("init", "--quiet", "--initial-branch=fetched", "--", str(tree))
    git.run("remote", "add", "--", "origin", url)
    _download(git, wanted.ref, folder)
    commit = git.run("rev-parse", "--verify", "FETCH_HEAD^{commit}").strip()
    if SHA.fullmatch(ref) and not repository.anywhere:
        check_reachable(git, url, commit)
    git.run("checkout", "--quiet", "--detach", commit, "--")
    if folder.strip("/") and ".." not in folder and not (tree / folder.strip("/")).is_dir():
        raise _no_folder(git, commit, folder)
    notes = list(wanted.notes)
    if found := submodules_of(git, folder):
        notes += (
            fetch_submodules(git, repository, found, submodules, place=place, fetch=_part(stopping))
            if submodules
            else left_out(found)
        )
    # What is built holds no repository: no remote, no history, nothing to leak.
    shutil.rmtree(tree / ".git", ignore_errors=True)
    return Checkout(tree, commit, wanted.branch, tuple(notes))


def _part(stopping: Stopping) -> Callable[[Repository, str, Path], Checkout]:
    return lambda repository, commit, place: fetch(repository, commit, "", place, stopping)


# ------------------------------------------------------------------ checking
def _checked_ref(ref: str) -> str:
    if ref and not GIT_REF.fullmatch(ref):
        message = f"{one_line(ref, 80)!r} is no branch, tag, commit or pull/N/head"
        raise GitFetchError(GitFault.REFUSED, message)
    return ref


def _no_folder(git: GitProgram, commit: str, folder: str) -> GitFetchError:
    names = git.run("ls-tree", "-r", "-d", "--name-only", commit).splitlines()
    near = did_you_mean(folder.strip("/"), names)
    hint = f"; did you mean {one_line(near, 80)}?" if near else ""
    message = f"the repository has no folder {one_line(folder, 120)}{hint}"
    return GitFetchError(GitFault.MISSING, message)


# --------------------------------------------------------------- downloading
def _download(git: GitProgram, wanted: str, folder: str) -> None:
    if folder:
        literal = re.sub(r"([*?\[\]\\!#])", r"\\\1", folder.strip("/"))
        git.run("sparse-checkout", "set", "--no-cone", "--end-of-options", f"/{literal}/")
        partial = ["--filter=blob:none"]
    else:
        partial = []
    words = ["--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules"]
    try:
        git.run("fetch", *words, *partial, "--end-of-options", "origin", wanted)
    except GitFetchError as error:
        if error.fault is not GitFault.BROKEN or not SHA.fullmatch(wanted):
            raise
        # A host that gives no single commits: take the branches, the commit is in one of them.
        git.run("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "origin")
        git.run("update-ref", "--end-of-options", "FETCH_HEAD", wanted)
