"""The context of a build and the Dockerfile in it, where there is no run. Builds nothing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.git.head import head_commit
from reconciler.base.credentials import holds_credential
from reconciler.base.errors import ReconcilerError, WrongUsage
from reconciler.base.inside import LeadsOutError, real_path
from reconciler.base.text import did_you_mean, one_line
from reconciler.loader.files import WorkspaceFiles
from reconciler.model.context import ContextKind, context_kind
from reconciler.taskfile.inputs import Manner


@dataclass(frozen=True, slots=True)
class Context:
    """A context on this machine: its folder, what it is called, its commit or "".

    `root` is what no file of a fetched repository may lead out of.
    """

    folder: Path
    shown: str
    revision: str
    root: Path | None = None


@contextlib.contextmanager
def open_context(source: str, start: Path) -> Iterator[Context]:
    """The context while it is needed; a repository is fetched, and gone afterwards.

    A folder is relative to `start`. Raises ReconcilerError.
    """
    if holds_credential(source):
        # As `build` says it, and not repeated.
        raise WrongUsage("this is no context: a location holds no user, token or signature")
    kind = _kind(source)
    if kind is ContextKind.LOCAL:
        folder = (start / source).resolve()
        if not folder.is_dir():
            why = "is not a folder" if folder.exists() else "does not exist"
            message = f"the context {one_line(source)} {why}"
            raise ReconcilerError(f"{message}; looked at {one_line(str(folder))}")
        yield Context(folder, source.rstrip("/"), head_commit(folder) or "")
    elif kind is not ContextKind.NONE:
        with _repository(source, start) as context:
            yield context
    else:
        raise ReconcilerError("there is nothing to look into: the context is /dev/null")


def _kind(source: str) -> ContextKind:
    try:
        return context_kind(source)
    except ValueError:
        hint = "check its host and its brackets"
        raise ReconcilerError(f"the context {one_line(source)} is no URL", hint=hint) from None


@contextlib.contextmanager
def _repository(source: str, start: Path) -> Iterator[Context]:
    """Fetched as a run fetches it: from https, or from hosts that the workspace declares."""
    from reconciler.adapters.files import private_folder  # noqa: PLC0415  (late: rarely needed)
    from reconciler.operations.running.contexts import Contexts  # noqa: PLC0415
    from reconciler.runner.context import LocalFolders  # noqa: PLC0415
    from reconciler.runner.failure import Failure, Stop  # noqa: PLC0415

    local = LocalFolders(start, None, lambda _folder: None)
    with private_folder() as place:
        try:
            fetched = Contexts(local, place, _insecure(start))(source, None, lambda: False)
        except (Failure, Stop) as failure:
            raise ReconcilerError(failure.message) from None
        shown = fetched.shown or one_line(source)
        yield Context(fetched.folder, shown, fetched.commit or "", fetched.root)


def _insecure(start: Path) -> frozenset[str]:
    from reconciler.loader.workspace import find_root, load_workspace  # noqa: PLC0415

    root = find_root(start)
    hosts = load_workspace(WorkspaceFiles(root)).value.hosts if root is not None else {}
    return frozenset(name for name, host in hosts.items() if host.insecure)


def find_dockerfile(
    context: Context, file: str | None, start: Path, manner: Manner
) -> tuple[Path, str]:
    """The Dockerfile and what to call it. Raises ReconcilerError with a near name.

    `file` is relative to the context; where ACR's scanner is followed, to `start` first. As in a
    run, neither it nor a link on its way leads out: what is read is told in messages.
    """
    name = file or "Dockerfile"
    if file is not None and manner is Manner.ACB and context.root is None:
        with contextlib.suppress(OSError):
            here = real_path(start.resolve(), file)
            if here.is_file():
                return here, file
    root = (context.root or context.folder).resolve()
    try:
        path = real_path(root, str(context.folder.resolve() / name))
    except LeadsOutError:
        what = "context" if context.root is None else "repository"
        message = f"the Dockerfile {one_line(name)} leads out of its {what}"
        raise ReconcilerError(message, hint=f"name a file of the {what}") from None
    except OSError:
        path = context.folder / name
        shown = _shown(path, name, context)
        raise _missing(name, path, shown, start) from None
    return path, _shown(path, name, context)


def _shown(path: Path, name: str, context: Context) -> str:
    """A Dockerfile as a person knows it: `URL#REF:PATH` for one that was fetched."""
    if context.root is not None:
        return f"{context.shown}:{os.path.relpath(path.absolute(), context.root)}"
    return name if context.shown == "." else f"{context.shown}/{name}"


def _missing(name: str, path: Path, shown: str, start: Path) -> ReconcilerError:
    near = None
    if path.parent.is_dir():
        files = [entry.name for entry in path.parent.iterdir() if entry.is_file()]
        near = did_you_mean(path.name, files)
    hint = f"did you mean {one_line(near)}?" if near else None
    if (start / name).is_file():
        hint = "-f is relative to the context"
    return ReconcilerError(f"there is no Dockerfile {one_line(shown)}", hint=hint)
