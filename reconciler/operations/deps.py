"""`deps`: the base images of a build, from its Dockerfile. Builds nothing; asks no registry."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.adapters.git_head import head_commit
from reconciler.base.diagnostics import Diagnostic, Location
from reconciler.base.encoding import YamlError
from reconciler.base.errors import InvalidInput, ReconcilerError, WrongUsage
from reconciler.base.text import did_you_mean, one_line
from reconciler.loader.files import WorkspaceFiles
from reconciler.model.context import ContextKind, context_kind
from reconciler.model.platform import canonical_platform
from reconciler.taskfile.dockerfile.acbscan import scan
from reconciler.taskfile.dockerfile.entries import dependency_entries
from reconciler.taskfile.dockerfile.images import BaseImage, base_images
from reconciler.taskfile.dockerfile.logicallines import DockerfileError, decode
from reconciler.taskfile.inputs import Manner


@dataclass(frozen=True, slots=True)
class DepsWords:
    """The words as they were written. `folder` is where the person stands.

    `file` is relative to the context; where ACR's scanner is followed, to `folder` first.
    """

    source: str
    folder: Path
    file: str | None = None
    images: Sequence[str] = ()
    args: Sequence[str] = ()
    target: str | None = None
    platform: str = "linux/amd64"
    manner: Manner = Manner.STRICT


@dataclass(frozen=True, slots=True)
class Depends:
    """What a build stands on: the entries in ACR's shape, and each place in the Dockerfile.

    `file` is the Dockerfile as a person knows it. ACR's scanner tells no places.
    """

    file: str
    entries: tuple[dict[str, Any], ...]
    places: tuple[BaseImage, ...] = ()


@dataclass(frozen=True, slots=True)
class _Context:
    """A context on this machine: its folder, what it is called, its commit or "".

    `root` is what no file of a fetched repository may lead out of.
    """

    folder: Path
    shown: str
    revision: str
    root: Path | None = None


def find_dependencies(words: DepsWords) -> Depends:
    """The base images. Raises InvalidInput with the line, WrongUsage, ReconcilerError."""
    with _context(words) as context:
        path, shown = _dockerfile(words, context)
        try:
            data = WorkspaceFiles(context.folder).read(str(path))
            return _found(decode(data), shown, words, context.revision)
        except YamlError as error:
            raise _wrong(shown, error.message) from None
        except DockerfileError as error:
            raise _wrong(shown, error.message, error.line, _fix(words)) from None


def _found(text: str, shown: str, words: DepsWords, revision: str) -> Depends:
    if words.manner is Manner.ACB:
        entries = scan(
            text,
            build_args=words.args,
            tags=words.images,
            target=words.target,
            revision=revision,
        )
        return Depends(shown, tuple(entries))
    images = base_images(
        text,
        build_args=dict(map(_argument, words.args)),
        target=words.target,
        platform=_platform(words.platform),
        unneeded=True,
    )
    entries = dependency_entries(images, tags=words.images, revision=revision)
    return Depends(shown, tuple(entries), images.images)


def _argument(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise WrongUsage("--build-arg takes NAME=VALUE")
    return name, value


def _platform(text: str) -> str:
    try:
        return canonical_platform(text)
    except ValueError as error:
        raise WrongUsage(f"--platform: {error}") from None


def _wrong(file: str, message: str, line: int = 1, fix: str | None = None) -> InvalidInput:
    # 0: not the fault of a line of the file, but of what was asked of it.
    place = Location(file, line) if line else None
    return InvalidInput([Diagnostic(message, place, code="dockerfile", fix=fix)])


def _fix(words: DepsWords) -> str | None:
    if words.manner is Manner.STRICT:
        return None
    return "ACR's scanner stops here; ours may read on: leave out --compat"


# ------------------------------------------------------------------- context
@contextlib.contextmanager
def _context(words: DepsWords) -> Iterator[_Context]:
    """The context while it is needed; a repository is fetched, and gone afterwards."""
    kind = context_kind(words.source)
    if kind is ContextKind.LOCAL:
        folder = (words.folder / words.source).resolve()
        if not folder.is_dir():
            why = "is not a folder" if folder.exists() else "does not exist"
            message = f"the context {one_line(words.source)} {why}"
            raise ReconcilerError(f"{message}; looked at {one_line(str(folder))}")
        yield _Context(folder, words.source.rstrip("/"), head_commit(folder) or "")
    elif kind is ContextKind.GIT:
        with _repository(words) as context:
            yield context
    else:
        raise ReconcilerError(f"a folder or a Git repository is looked into, not {kind}")


@contextlib.contextmanager
def _repository(words: DepsWords) -> Iterator[_Context]:
    """Fetched as a run fetches it: from https, or from hosts that the workspace declares."""
    from reconciler.adapters.files import private_folder  # noqa: PLC0415  (late: rarely needed)
    from reconciler.operations.contexts import Contexts  # noqa: PLC0415
    from reconciler.runner.context import LocalFolders  # noqa: PLC0415
    from reconciler.runner.failure import Failure, Stop  # noqa: PLC0415

    local = LocalFolders(words.folder, None, lambda _folder: None)
    with private_folder() as place:
        try:
            fetched = Contexts(local, place, _insecure(words.folder))(
                words.source, None, lambda: False
            )
        except (Failure, Stop) as failure:
            raise ReconcilerError(failure.message) from None
        shown = fetched.shown or one_line(words.source)
        yield _Context(fetched.folder, shown, fetched.commit or "", fetched.root)


def _insecure(start: Path) -> frozenset[str]:
    from reconciler.loader.workspace import find_root, load_workspace  # noqa: PLC0415

    root = find_root(start)
    hosts = load_workspace(WorkspaceFiles(root)).value.hosts if root is not None else {}
    return frozenset(name for name, host in hosts.items() if host.insecure)


def _dockerfile(words: DepsWords, context: _Context) -> tuple[Path, str]:
    """The Dockerfile and what to call it. Raises ReconcilerError with a near name."""
    name = words.file or "Dockerfile"
    if words.file is not None and words.manner is Manner.ACB:
        here = (words.folder / words.file).resolve()
        if here.is_file() and context_kind(words.source) is ContextKind.LOCAL:
            return here, words.file
    path = (context.folder / name).resolve()
    shown = name if context.shown == "." else f"{context.shown}/{name}"
    if context.root is not None and not path.is_relative_to(context.root):
        raise ReconcilerError(f"the Dockerfile {one_line(name)} leads out of its repository")
    if not path.exists():
        raise _missing(name, path, shown, words)
    return path, shown


def _missing(name: str, path: Path, shown: str, words: DepsWords) -> ReconcilerError:
    near = None
    if path.parent.is_dir():
        files = [entry.name for entry in path.parent.iterdir() if entry.is_file()]
        near = did_you_mean(path.name, files)
    hint = f"did you mean {one_line(near)}?" if near else None
    if (words.folder / name).is_file():
        hint = "-f is relative to the context"
    return ReconcilerError(f"there is no Dockerfile {one_line(shown)}", hint=hint)
