"""Whether a commit belongs to a repository: it is on a branch or a tag, and not only fetchable.

A host gives the commits of every fork by their id, and those of every pull request: an id alone
does not say who wrote what is built.
"""

from __future__ import annotations

import contextlib

from reconciler.adapters.fetch_fault import FetchError, FetchFault
from reconciler.adapters.git.program import GitProgram

_FETCH = ("--quiet", "--no-tags", "--no-recurse-submodules", "--filter=tree:0")
_ALL = ("+refs/heads/*:refs/known/heads/*", "+refs/tags/*:refs/known/tags/*")


def check_reachable(git: GitProgram, url: str, commit: str) -> None:
    """Raises FetchError unless a branch or a tag of the repository leads to a commit.

    Its history is downloaded for that, without any file, unless a branch or tag is the commit.
    """
    words = ("ls-remote", "--heads", "--tags", "--end-of-options", url)
    with contextlib.closing(git.pieces(b"\n", *words)) as tips:
        if any(line.startswith(commit) for line in tips):
            return
    git.run("fetch", *_FETCH, "--end-of-options", "origin", *_ALL)
    if git.run("for-each-ref", "--count=1", "--contains", commit, "refs/known"):
        return
    message = (
        f"the commit {commit} is on no branch and no tag of {url}: it may be that of a fork; "
        "name a branch, a tag or pull/N/head"
    )
    raise FetchError(FetchFault.REFUSED, message)
