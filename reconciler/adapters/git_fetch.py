"""Fetches one commit of a foreign repository: everything about it is hostile.

Git runs as `git_program` has it, in the environment of `git_environment`. The work tree gets links
as plain files and holds no `.git`.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.adapters.git_environment import Repository
from reconciler.adapters.git_fault import GitFault, GitFetchError
from reconciler.adapters.git_program import GitProgram, Stopping
from reconciler.adapters.git_refs import SHA, resolve
from reconciler.base.text import did_you_mean, one_line, plural

_REF = re.compile(r"(?!-)(?!.*(?:\.\.|//|@\{|\.lock(?:/|$)))[A-Za-z0-9][A-Za-z0-9._/@+=-]{0,250}")

_SUBMODULE = "160000"  # the mode of a commit of another repository
_MOST_NAMES = 5  # in a note


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
    repository: Repository, ref: str, folder: str, place: Path, stopping: Stopping
) -> Checkout:
    """Fetch `ref` ("" for the remote's default branch) into `place`, which must not exist.

    With `folder`, only the files below it are downloaded where the host can do that. Raises
    GitFetchError.
    """
    url = _checked_url(repository)
    place.mkdir(mode=0o700)
    git = GitProgram(repository, url, place, stopping)
    wanted = resolve(git, url, _checked_ref(ref))
    tree = place / "tree"
    tree.mkdir()
    git.run("init", "--quiet", "--initial-branch=fetched", "--", str(tree))
    git.run("remote", "add", "--", "origin", url)
    _download(git, wanted.ref, folder)
    commit = git.run("rev-parse", "--verify", "FETCH_HEAD^{commit}").strip()
    git.run("checkout", "--quiet", "--detach", commit, "--")
    if folder.strip("/") and ".." not in folder and not (tree / folder.strip("/")).is_dir():
        raise _no_folder(git, commit, folder)
    notes = (*wanted.notes, *_submodules(git, folder))
    # What is built holds no repository: no remote, no history, nothing to leak.
    shutil.rmtree(tree / ".git", ignore_errors=True)
    return Checkout(tree, commit, wanted.branch, notes)


# ------------------------------------------------------------------ checking
def _checked_url(repository: Repository) -> str:
    url = repository.url
    if url.startswith("github.com/"):
        url = f"https://{url}"
    parts = urlsplit(url)
    allowed = ("https", "http") if repository.insecure else ("https",)
    if parts.scheme not in allowed or not parts.hostname:
        hint = "; plain http is allowed for hosts with `insecure: true` in reconciler.yaml"
        told = hint if parts.scheme == "http" else ""
        message = f"{one_line(url, 120)}: a repository is fetched by https{told}"
        raise GitFetchError(GitFault.REFUSED, message)
    if parts.username or parts.password:
        raise GitFetchError(GitFault.REFUSED, "a repository address holds no user or token")
    return url


def _checked_ref(ref: str) -> str:
    if ref and not _REF.fullmatch(ref):
        message = f"{one_line(ref, 80)!r} is no branch, tag, commit or pull/N/head"
        raise GitFetchError(GitFault.REFUSED, message)
    return ref


def _no_folder(git: GitProgram, commit: str, folder: str) -> GitFetchError:
    names = git.run("ls-tree", "-r", "-d", "--name-only", commit).splitlines()
    near = did_you_mean(folder.strip("/"), names)
    hint = f"; did you mean {one_line(near, 80)}?" if near else ""
    message = f"the repository has no folder {one_line(folder, 120)}{hint}"
    return GitFetchError(GitFault.MISSING, message)


def _submodules(git: GitProgram, folder: str) -> tuple[str, ...]:
    """A note of the submodules below a folder: each is a host that nobody asked for."""
    below = [folder.strip("/")] if folder.strip("/") else []
    listed = git.run("--literal-pathspecs", "ls-files", "--stage", "-z", "--", *below)
    names = [entry.partition("\t")[2] for entry in listed.split("\0") if entry[:6] == _SUBMODULE]
    if not names:
        return ()
    shown = ", ".join(one_line(name, 80) for name in names[:_MOST_NAMES])
    more = f" (and {len(names) - _MOST_NAMES:,} more)" if len(names) > _MOST_NAMES else ""
    verb = "is" if len(names) == 1 else "are"
    return (f"{plural(len(names), 'submodule')} {verb} not fetched: {shown}{more}",)


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
