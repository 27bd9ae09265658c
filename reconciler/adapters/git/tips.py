"""Where the branches and tags of a foreign repository are: one `git ls-remote`, nothing fetched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.fetch_fault import FetchError, FetchFault
from reconciler.adapters.git.environment import Repository
from reconciler.adapters.git.fault import no_repository
from reconciler.adapters.git.program import GitProgram, Stopping, judged
from reconciler.adapters.git.refs import SHA, parse_refs

_HEADS, _TAGS = "refs/heads/", "refs/tags/"
_MOST = 50_000


@dataclass(frozen=True, slots=True)
class Tips:
    """The commit of each branch, and of each tag if asked; the default branch, if there is one."""

    refs: Mapping[str, str]
    default_branch: str | None


def read_tips(repository: Repository, folder: Path, stopping: Stopping, *, tags: bool) -> Tips:
    """Ask a repository where its refs are. `folder` is empty and private. Raises FetchError.

    What answers and is no repository has not lost its branches: that is an error.
    """
    target = judged(repository)
    git = GitProgram(repository, target, folder, stopping)
    patterns = ["HEAD", f"{_HEADS}*", *([f"{_TAGS}*"] if tags else [])]
    words = ("ls-remote", "--symref", "--end-of-options", target.url, *patterns)
    found = parse_refs(git.run(*words).splitlines())
    if not found:
        if not git.speaks_git(target.url):
            raise no_repository(target.url)
        # What answered first may have been a page all the same: a host that was just coming back.
        found = parse_refs(git.run(*words).splitlines())
    if len(found) > _MOST:
        message = f"{target.url} has more than {_MOST:,} refs: it cannot be polled"
        raise FetchError(FetchFault.REFUSED, message)
    wanted = (_HEADS, _TAGS) if tags else (_HEADS,)
    refs = {name: value for name, value in found.items() if name.startswith(wanted)}
    head = found.get("HEAD", "")
    branch = head.removeprefix(_HEADS) if head.startswith(_HEADS) else None
    return Tips({name: value for name, value in refs.items() if SHA.fullmatch(value)}, branch)
