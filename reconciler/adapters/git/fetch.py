"""Fetches one commit of a foreign repository: everything about it is hostile.

Git runs as `program` has it, in the environment of `environment`. The work tree gets links
as plain files and holds no `.git`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.fetch_fault import FetchError, FetchFault
from reconciler.adapters.git.environment import Repository
from reconciler.adapters.git.program import GitProgram, Stopping, judged
from reconciler.adapters.git.reach import check_reachable
from reconciler.adapters.git.refs import SHA, resolve
from reconciler.adapters.git.submodules import fetch_submodules, left_out, submodules_of
from reconciler.adapters.git.tree import write_tree
from reconciler.base.text import one_line
from reconciler.model.context import GIT_REF, GIT_REF_RULE, Submodules


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
    end: float | None = None,
) -> Checkout:
    """Fetch `ref` ("" for the remote's default branch) into `place`, which must not exist.

    With `folder`, only the files below it are downloaded where the host can do that. No submodule
    is fetched without `submodules`. All of it is done by `end` (of the monotonic clock), or within
    15 minutes. Raises FetchError.
    """
    target = judged(repository)
    url = target.url
    place.mkdir(mode=0o700)
    git = GitProgram(repository, target, place, stopping, end)
    wanted = resolve(git, url, _checked_ref(ref))
    tree = place / "tree"
    tree.mkdir()
    git.run("init", "--quiet", "--initial-branch=fetched", "--", str(tree))
    git.run("remote", "add", "--", "origin", url)
    folder = "/".join(word for word in folder.split("/") if word not in {"", "."})
    _download(git, wanted.ref, partial=bool(folder))
    commit = git.run("rev-parse", "--verify", "FETCH_HEAD^{commit}").strip()
    if SHA.fullmatch(ref) and not repository.anywhere:
        check_reachable(git, url, commit)
    write_tree(git, commit, folder, tree)
    notes = list(wanted.notes)
    if found := submodules_of(git, folder):
        notes += (
            fetch_submodules(
                git, repository, found, submodules, place=place, fetch=_part(stopping, git.end)
            )
            if submodules
            else left_out(found)
        )
    # What is built holds no repository: no remote, no history, nothing to leak.
    shutil.rmtree(tree / ".git", ignore_errors=True)
    return Checkout(tree, commit, wanted.branch, tuple(notes))


def _part(stopping: Stopping, end: float) -> Callable[[Repository, str, Path], Checkout]:
    return lambda repository, commit, place: fetch(repository, commit, "", place, stopping, end=end)


# ------------------------------------------------------------------ checking
def _checked_ref(ref: str) -> str:
    if ref and not GIT_REF.fullmatch(ref):
        message = f"{one_line(ref, 80)!r} is no branch, tag, commit or pull/N/head; {GIT_REF_RULE}"
        raise FetchError(FetchFault.REFUSED, message)
    return ref


# --------------------------------------------------------------- downloading
def _download(git: GitProgram, wanted: str, *, partial: bool) -> None:
    without = ["--filter=blob:none"] if partial else []
    words = ["--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules"]
    try:
        git.run("fetch", *words, *without, "--end-of-options", "origin", wanted)
    except FetchError as error:
        if error.fault is not FetchFault.BROKEN or not SHA.fullmatch(wanted):
            raise
        # A host that gives no single commits: take the branches, the commit is in one of them.
        git.run("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "origin")
        git.run("update-ref", "--end-of-options", "FETCH_HEAD", wanted)
