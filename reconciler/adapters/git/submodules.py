"""Fetches the submodules of a commit, from hosts that are named and not more than a number.

What `.gitmodules` says is from whoever may push. Git's own `submodule` is not used: it would obey
it. Each submodule is fetched as a repository of its own, one commit of it and nothing below.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconciler.adapters.fetch_fault import FetchError, FetchFault
from reconciler.adapters.git.environment import Repository
from reconciler.adapters.git.program import GitProgram
from reconciler.base.text import one_line, plural
from reconciler.model.context import Submodules

if TYPE_CHECKING:
    from reconciler.adapters.git.fetch import Checkout

_SUBMODULE = "160000"  # the mode of a commit of another repository
_MOST_NAMES = 5  # in a note
_KEY = re.compile(r"submodule\.(?P<name>.+)\.(?P<field>path|url)", re.DOTALL)


# (repository, id of a commit, place that does not exist yet) -> its files
Fetch = Callable[[Repository, str, Path], "Checkout"]


def submodules_of(git: GitProgram, folder: str) -> dict[str, str]:
    """Paths of the submodules below a folder, and the ids of their commits."""
    below = [folder.strip("/")] if folder.strip("/") else []
    words = ("--literal-pathspecs", "ls-files", "--stage", "-z", "--", *below)
    with contextlib.closing(git.pieces(b"\0", *words)) as listed:
        return _gitlinks(entry.partition("\t") for entry in listed)


def _gitlinks(entries: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    return {name: head.split()[1] for head, _, name in entries if head.startswith(_SUBMODULE)}


def left_out(names: dict[str, str]) -> tuple[str, ...]:
    """A note of submodules that are not fetched."""
    if not names:
        return ()
    listed = list(names)
    shown = ", ".join(one_line(name, 80) for name in listed[:_MOST_NAMES])
    more = f" (and {len(names) - _MOST_NAMES:,} more)" if len(names) > _MOST_NAMES else ""
    verb = "is" if len(names) == 1 else "are"
    return (f"{plural(len(names), 'submodule')} {verb} not fetched: {shown}{more}",)


def fetch_submodules(
    git: GitProgram,
    repository: Repository,
    found: dict[str, str],
    wanted: Submodules,
    *,
    place: Path,
    fetch: Fetch,
) -> tuple[str, ...]:
    """Put the submodules into the work tree `place/tree`; notes. Raises FetchError."""
    if len(found) > wanted.max:
        fix = "raise context.submodules.max if that is meant"
        message = f"the repository has {plural(len(found), 'submodule')}, not at most {wanted.max}"
        raise FetchError(FetchFault.REFUSED, f"{message}; {fix}")
    urls = _urls(git)
    # All are judged before one is fetched.
    meant = {path: _repository(repository, path, urls.get(path), wanted) for path in found}
    notes: list[str] = []
    for number, (path, commit) in enumerate(found.items()):
        part = fetch(meant[path], commit, place / f"submodule-{number}")
        target = place / "tree" / path
        shutil.rmtree(target, ignore_errors=True)
        part.root.rename(target)
        shutil.rmtree(place / f"submodule-{number}", ignore_errors=True)
        notes += (f"{one_line(path, 80)}: {note}" for note in part.notes)
    return (f"{plural(len(found), 'submodule')} fetched", *notes)


def _urls(git: GitProgram) -> dict[str, str]:
    """The address of each path, as `.gitmodules` of the commit has it."""
    words = ("--null", "--blob", "FETCH_HEAD:.gitmodules", "--get-regexp", r"^submodule\.")
    try:
        told = git.run("config", *words)
    except FetchError as error:
        if error.fault in {FetchFault.STOPPED, FetchFault.DISK}:
            raise
        return {}
    fields: dict[str, dict[str, str]] = {}
    for name, field, value in _fields(told):
        fields.setdefault(name, {})[field] = value
    return {one["path"]: one["url"] for one in fields.values() if {"path", "url"} <= one.keys()}


def _fields(told: str) -> Iterator[tuple[str, str, str]]:
    for entry in told.split("\0"):
        key, _, value = entry.partition("\n")
        if match := _KEY.fullmatch(key):
            yield match["name"], match["field"], value


def _repository(parent: Repository, path: str, url: str | None, wanted: Submodules) -> Repository:
    """The repository of a submodule. The token goes along to the same place only."""
    shown = one_line(path, 80)
    if url is None:
        raise FetchError(FetchFault.MISSING, f".gitmodules has no address for {shown}")
    full = _absolute(parent.url, url)
    try:
        parts = urlsplit(full)
        host = (parts.hostname or "").lower()
        place = host if parts.port is None else f"{host}:{parts.port}"
    except ValueError:
        raise _no_address(shown) from None
    if parts.scheme not in {"https", "http"} or not host:
        raise _no_address(shown)
    if not {host, parts.netloc.lower()} & {name.lower() for name in wanted.hosts}:
        fix = f"name {one_line(place, 80)} in context.submodules.hosts if that is meant"
        message = f"the submodule {shown} is at {one_line(place, 80)}; {fix}"
        raise FetchError(FetchFault.REFUSED, message)
    own = urlsplit(parent.url)
    same = (parts.scheme, parts.netloc.lower()) == (own.scheme, own.netloc.lower())
    # Which commit it is says the repository itself; it may be on no branch.
    return replace(parent, url=full, token=parent.token if same else None, anywhere=True)


def _no_address(shown: str) -> FetchError:
    return FetchError(FetchFault.REFUSED, f"the address of the submodule {shown} is no https URL")


def _absolute(parent: str, url: str) -> str:
    """`../other` beside the parent, as git has it. An absolute address as it is."""
    if not url.startswith(("./", "../")):
        return url
    parts = urlsplit(parent)
    path = parts.path.rstrip("/").split("/")
    for word in url.split("/"):
        if word == "..":
            path = path[:-1] or [""]
        elif word not in {"", "."}:
            path.append(word)
    return parts._replace(path="/".join(path), query="", fragment="").geturl()
