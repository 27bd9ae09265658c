"""Which ref of a remote is meant by a name: a branch, a tag, a commit, a pull request."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.adapters.fetch_fault import FetchError, FetchFault
from reconciler.adapters.git.fault import no_repository
from reconciler.adapters.git.program import GitProgram
from reconciler.base.text import did_you_mean, one_line

SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT_SHA = re.compile(r"[0-9a-f]{7,39}")
_PULL = re.compile(r"(refs/)?pull/\d{1,10}/(head|merge)")
_HEADS, _TAGS = "refs/heads/", "refs/tags/"
_MOST_NAMES = 5  # in a message
_MOST_LINES = 20_000  # looked through for a near name


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to fetch, the branch it is (None: no branch), and what a person should know of it."""

    ref: str
    branch: str | None = None
    notes: tuple[str, ...] = ()


def resolve(git: GitProgram, url: str, ref: str) -> Wanted:
    """What a name means. The remote is asked; nothing is assumed of its names.

    A branch goes before a tag. Raises FetchError.
    """
    if SHA.fullmatch(ref):
        return Wanted(ref)
    if _PULL.fullmatch(ref):
        return Wanted(ref if ref.startswith("refs/") else f"refs/{ref}")
    if not ref:
        return _default_branch(git, url)
    names = (ref, _HEADS + ref, _TAGS + ref)
    # Of the other refs, of which there may be millions, nothing is told.
    whole = ref == "HEAD" or ref.startswith("refs/")
    kinds, patterns = ((), names) if whole else (("--heads", "--tags"), names[1:])
    told = git.run("ls-remote", *kinds, "--end-of-options", url, *patterns)
    refs = parse_refs(told.splitlines())
    for name in names:
        if name in refs:
            branch = name.removeprefix(_HEADS) if name.startswith(_HEADS) else None
            return Wanted(name, branch, _notes(name, ref, refs))
    raise _unknown(git, ref, url)


def _notes(name: str, ref: str, refs: dict[str, str]) -> tuple[str, ...]:
    tag = _TAGS + ref
    if name != _HEADS + ref or tag not in refs:
        return ()
    return (f"{ref} is a branch and a tag: the branch was taken (the tag is {tag})",)


def _unknown(git: GitProgram, ref: str, url: str) -> FetchError:
    refs = _some_refs(git, url)
    near = did_you_mean(ref, _branches(refs))
    hint = f"; did you mean {one_line(near, 80)}?" if near else ""
    if _SHORT_SHA.fullmatch(ref):
        hint += "; a commit is named by its full id, all 40 digits"
    message = f"there is no branch or tag {one_line(ref, 80)} in {url}{hint}"
    return FetchError(FetchFault.MISSING, message)


def _some_refs(git: GitProgram, url: str) -> dict[str, str]:
    """Branches and tags, not more than can be looked through. Raises FetchError for a page."""
    words = ("ls-remote", "--heads", "--tags", "--end-of-options", url)
    with contextlib.closing(git.pieces(b"\n", *words)) as lines:
        refs = parse_refs(itertools.islice(lines, _MOST_LINES))
    if not refs and not git.speaks_git(url):
        raise no_repository(url)
    return refs


def _branches(refs: dict[str, str]) -> list[str]:
    return [name.removeprefix(_HEADS) for name in refs if name.startswith(_HEADS)]


def parse_refs(lines: Iterable[str]) -> dict[str, str]:
    """Names to ids; `HEAD` to the name of the default branch where the remote tells it."""
    refs: dict[str, str] = {}
    for line in lines:
        value, _, name = line.partition("\t")
        if value.startswith("ref: "):
            refs["HEAD"] = value.removeprefix("ref: ")
        elif name and not name.endswith("^{}"):
            refs.setdefault(name, value)
    return refs


def _default_branch(git: GitProgram, url: str) -> Wanted:
    # `*/HEAD` is meant by it, and there may be branches of that name: it comes first.
    told = git.run("ls-remote", "--symref", "--end-of-options", url, "HEAD")
    head = parse_refs(told.splitlines()).get("HEAD")
    if head is None:
        raise _no_default(_some_refs(git, url), url)
    if head.startswith(_HEADS):
        return Wanted(head, head.removeprefix(_HEADS))
    return Wanted("HEAD")


def _no_default(refs: dict[str, str], url: str) -> FetchError:
    if not refs:
        return FetchError(FetchFault.MISSING, f"the repository {url} is empty")
    names = sorted(_branches(refs) or [name.removeprefix(_TAGS) for name in refs])
    shown = ", ".join(f"#{one_line(name, 80)}" for name in names[:_MOST_NAMES])
    more = f" (and {len(names) - _MOST_NAMES:,} more)" if len(names) > _MOST_NAMES else ""
    message = f"the repository {url} has no default branch; name one: {shown}{more}"
    return FetchError(FetchFault.MISSING, message)
