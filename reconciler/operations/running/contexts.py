"""Where the files of a run come from: wires folders, Git and downloads to the runner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from reconciler.adapters.fetch_fault import FetchError
from reconciler.adapters.git.environment import Repository
from reconciler.adapters.git.fetch import fetch
from reconciler.adapters.web.resolve import Guard, Resolver, system_resolver
from reconciler.base.text import one_line
from reconciler.model.build import Login
from reconciler.model.context import (
    ContextKind,
    Submodules,
    context_kind,
    git_location,
    unsupported,
)
from reconciler.model.run import Reason
from reconciler.operations.running.unfetched import unfetched
from reconciler.runner.context import LocalFolders
from reconciler.runner.failure import Failure
from reconciler.runner.ports import Fetched, Stopping

if TYPE_CHECKING:  # late: httpx is slow to import
    from reconciler.operations.running.downloads import Downloads


@dataclass(frozen=True, slots=True)
class OwnSource:
    """The context of a run. `known`: its commit was built before, and may be on no branch now.

    `files` are those of a context of nothing: text by name.
    """

    source: str
    submodules: Submodules | None = None
    known: bool = False
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Contexts:
    """A Fetcher of every kind of source. `place` is an empty folder of this run.

    Plain http and private addresses are for the hosts in `insecure` only. `own` is what holds for
    the context of the run itself; a task file may name other ones. `login` tells the login of a
    registry.
    """

    local: LocalFolders
    place: Path
    insecure: frozenset[str]
    own: OwnSource | None = None
    login: Callable[[str], Login | None] = lambda _registry: None
    resolver: Resolver = system_resolver

    def __call__(self, source: str, token: str | None, stopping: Stopping) -> Fetched:
        """The context of a source. Raises Failure or Stop."""
        if (why := unsupported(source)) is not None:
            raise Failure(Reason.SOURCE_MISSING, f"this is no context: {why}")
        kind = context_kind(source)
        if kind is ContextKind.LOCAL:
            return self.local(source, token, stopping)
        if kind is ContextKind.GIT:
            return self._git(source, token, stopping)
        if kind is ContextKind.ARCHIVE:
            return self._downloads().archive(source, token, stopping)
        if kind is ContextKind.ARTIFACT:
            return self._downloads().artifact(source, token, stopping)
        return self._nothing(source)

    def _downloads(self) -> Downloads:
        from reconciler.operations.running.downloads import Downloads  # noqa: PLC0415  (httpx)

        return Downloads(self.place, self._guard(), self.login)

    def _guard(self) -> Guard:
        return Guard(self.insecure, self.resolver)

    def _nothing(self, source: str) -> Fetched:
        """The context of `/dev/null`: empty, but for the one file that a build was given."""
        folder = self.place / f"empty-{token_hex(8)}"
        folder.mkdir(mode=0o700)
        if self.own is not None and self.own.source == source:
            for name, text in self.own.files.items():
                (folder / name).write_text(text, "utf-8")
        return Fetched(folder, folder, shown="/dev/null")

    def _git(self, source: str, token: str | None, stopping: Stopping) -> Fetched:
        url, ref, folder = git_location(source)
        if ".." in folder.split("/"):
            message = f"the folder {one_line(folder, 120)} leads out of the repository"
            raise Failure(Reason.SOURCE_MISSING, message)
        own = self.own if self.own is not None and self.own.source == source else None
        known = own is not None and own.known
        repository = Repository(url, token, self._guard(), anywhere=known)
        submodules = own.submodules if own else None
        place = self.place / f"git-{token_hex(8)}"  # steps may fetch at the same time
        try:
            found = fetch(repository, ref, folder, place, stopping, submodules=submodules)
        except FetchError as error:
            what = "the repository cannot be fetched"
            raise unfetched(error, place, what, error.message) from None
        return Fetched(
            _inside(found.root, folder),
            found.root,
            found.commit,
            found.branch,
            dirty=False,
            shown=f"{one_line(url, 120)}#{one_line(ref or found.branch or found.commit, 80)}",
            notes=found.notes,
        )


def _inside(root: Path, folder: str) -> Path:
    """The folder in a fetched tree. Raises Failure if it leads out."""
    path = (root / folder.strip("/")).resolve()
    if not path.is_relative_to(root.resolve()):
        message = f"the folder {one_line(folder, 120)} leads out of the repository"
        raise Failure(Reason.SOURCE_MISSING, message)
    return path
