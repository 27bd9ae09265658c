"""Which ref of a remote is meant by a name: a branch, a tag, a commit, a pull request."""

from __future__ import annotations

import re

from reconciler.adapters.git_fault import GitFault, GitFetchError
from reconciler.adapters.git_program import GitProgram
from reconciler.base.text import did_you_mean, one_line

SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PULL = re.compile(r"(refs/)?pull/\d{1,10}/(head|merge)")


def resolve(git: GitProgram, url: str, ref: str) -> tuple[str | None, str]:
    """(branch or None, what to fetch). The remote is asked; nothing is assumed of its names.

    Raises GitFetchError.
    """
    if SHA.fullmatch(ref):
        return None, ref
    if _PULL.fullmatch(ref):
        return None, ref if ref.startswith("refs/") else f"refs/{ref}"
    told = git.run("ls-remote", "--symref", "--end-of-options", url)
    refs = _parse_refs(told)
    if not ref:
        return _default_branch(refs, url)
    for name in (ref, f"refs/heads/{ref}", f"refs/tags/{ref}"):
        if name in refs:
            prefix = "refs/heads/"
            return name.removeprefix(prefix) if name.startswith(prefix) else None, name
    heads = [name.removeprefix("refs/heads/") for name in refs if name.startswith("refs/heads/")]
    near = did_you_mean(ref, heads)
    hint = f"; did you mean {one_line(near, 80)}?" if near else ""
    message = f"there is no branch or tag {one_line(ref, 80)} in {url}{hint}"
    raise GitFetchError(GitFault.MISSING, message)


def _parse_refs(text: str) -> dict[str, str]:
    """Names to ids; `HEAD` to the name of the default branch where the remote tells it."""
    refs: dict[str, str] = {}
    for line in text.splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: "):
            refs["HEAD"] = value.removeprefix("ref: ")
        elif name and not name.endswith("^{}"):
            refs.setdefault(name, value)
    return refs


def _default_branch(refs: dict[str, str], url: str) -> tuple[str | None, str]:
    head = refs.get("HEAD")
    if head is None:
        raise GitFetchError(GitFault.MISSING, f"the repository {url} is empty")
    if head.startswith("refs/heads/"):
        return head.removeprefix("refs/heads/"), head
    return None, "HEAD"
