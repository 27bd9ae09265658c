"""Where the files of a run come from: wires a local folder or a Git repository to the runner."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from reconciler.adapters.git_environment import Repository
from reconciler.adapters.git_fault import GitFault, GitFetchError
from reconciler.adapters.git_fetch import fetch
from reconciler.base.text import one_line
from reconciler.model.context import ContextKind, context_kind, git_location
from reconciler.model.run import Reason
from reconciler.runner.context import LocalFolders
from reconciler.runner.failure import Failure, Stop, no_room
from reconciler.runner.ports import Fetched, Stopping

_REASONS = {
    GitFault.AUTH: Reason.SOURCE_AUTH,
    GitFault.MISSING: Reason.SOURCE_MISSING,
    GitFault.REFUSED: Reason.SOURCE_MISSING,
    GitFault.BROKEN: Reason.SOURCE_MISSING,
    GitFault.NO_GIT: Reason.SOURCE_MISSING,
    GitFault.TLS: Reason.SOURCE_MISSING,
}


@dataclass(frozen=True, slots=True)
class Contexts:
    """A Fetcher of every kind of source. `place` is an empty folder of this run.

    Plain http is used for the hosts in `insecure` only.
    """

    local: LocalFolders
    place: Path
    insecure: frozenset[str]

    def __call__(self, source: str, token: str | None, stopping: Stopping) -> Fetched:
        """The context of a source. Raises Failure or Stop."""
        kind = context_kind(source)
        if kind is ContextKind.LOCAL:
            return self.local(source, token, stopping)
        if kind is ContextKind.GIT:
            return self._git(source, token, stopping)
        message = f"this version runs folders and Git; the context is {one_line(source, 120)}"
        raise Failure(Reason.SOURCE_MISSING, f"{message} ({kind})")

    def _git(self, source: str, token: str | None, stopping: Stopping) -> Fetched:
        url, ref, folder = git_location(source)
        repository = Repository(url, token, insecure=_host(url) in self.insecure)
        place = self.place / f"git-{token_hex(8)}"  # steps may fetch at the same time
        try:
            found = fetch(repository, ref, folder, place, stopping)
        except GitFetchError as error:
            what = "the repository cannot be fetched"
            full = no_room(self.place.parent, what) if error.fault is GitFault.DISK else None
            # Half a repository is nothing, and on a full disk the record of the run needs the room.
            shutil.rmtree(place, ignore_errors=True)
            if full is not None:
                raise full from None
            if error.fault is GitFault.STOPPED:
                raise Stop(Reason.CANCELED, error.message) from None
            raise Failure(_REASONS[error.fault], error.message) from None
        return Fetched(
            _inside(found.root, folder),
            found.root,
            found.commit,
            found.branch,
            dirty=False,
            shown=f"{one_line(url, 120)}#{one_line(ref or found.branch or found.commit, 80)}",
            notes=found.notes,
        )


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].lower()


def _inside(root: Path, folder: str) -> Path:
    """The folder in a fetched tree. Raises Failure if it leads out."""
    path = (root / folder.strip("/")).resolve()
    if not path.is_relative_to(root.resolve()):
        message = f"the folder {one_line(folder, 120)} leads out of the repository"
        raise Failure(Reason.SOURCE_MISSING, message)
    return path
