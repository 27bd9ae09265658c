"""The files of a build: found, kept inside their bounds, and measured. Changes none of them."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.base.inside import LeadsOutError, TooLargeError, read_real, real_path
from reconciler.base.text import did_you_mean, one_line
from reconciler.model.run import Reason
from reconciler.runner.failure import Failure
from reconciler.runner.ignorefile import ignore_rules
from reconciler.runner.largest import Largest
from reconciler.runner.ports import Fetched, HeadOf, Stopping
from reconciler.taskfile.dockerfile.ignore import IgnoreRules, Verdict

_LARGEST_DOCKERFILE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class LocalFolders:
    """A Fetcher of local folders. `root` (the workspace) is what a source may not lead out of.

    With `root` None any folder is right: a person named it on the command line.
    """

    start: Path
    root: Path | None
    head_of: HeadOf

    def __call__(self, source: str, _token: str | None, _stopping: Stopping) -> Fetched:
        """The folder of a source. Raises Failure (source-missing) if it is none."""
        folder = self._folder(source)
        head = self.head_of(folder)
        root = (self.root or folder).resolve()
        if head is None:
            return Fetched(folder, root)
        return Fetched(folder, root, head.commit, head.branch, head.dirty)

    def _folder(self, source: str) -> Path:
        written = self.start / source
        folder = written.resolve()
        if not folder.exists():
            message = f"the context {one_line(source)} does not exist; looked at {written}"
            raise Failure(Reason.SOURCE_MISSING, message)
        if not folder.is_dir():
            message = f"the context {one_line(source)} is not a folder"
            raise Failure(Reason.SOURCE_MISSING, message)
        if self.root is not None and not folder.is_relative_to(self.root.resolve()):
            message = f"the context {one_line(source)} leads out of the workspace"
            raise Failure(Reason.SOURCE_MISSING, message)
        return folder


def find_folder(root: Path, inside: str, shown: str) -> Path:
    """A folder inside another one, without links. Raises Failure (source-missing).

    `shown` is what to call it. Steps may have written there: no link is followed out of it.
    """
    try:
        path = real_path(root.resolve(), inside)
        found = stat.S_ISDIR(path.lstat().st_mode)
    except LeadsOutError:
        raise Failure(Reason.SOURCE_MISSING, f"{shown} leads out of the workspace") from None
    except OSError:
        found = False
    if not found:
        raise Failure(Reason.SOURCE_MISSING, f"{shown} is no folder")
    return path


def find_dockerfile(fetched: Fetched, name: str) -> Path:
    """The Dockerfile of a context, without links. Raises Failure (dockerfile-missing).

    No link is followed out of the context: its content may come from anybody.
    """
    root = fetched.root.resolve()
    folder = os.path.relpath(fetched.folder.resolve(), root)
    try:
        path = real_path(root, os.path.join(folder, name))  # noqa: PTH118  (keeps what links mean)
        if stat.S_ISREG(path.lstat().st_mode):
            return path
        why = ""
    except LeadsOutError:
        message = f"the Dockerfile {one_line(name)} leads out of its context"
        raise Failure(Reason.DOCKERFILE_MISSING, message) from None
    except FileNotFoundError:
        why = _near(root, folder, name)
    except OSError as error:
        why = f": {error.strerror}"
    place = _place_of(fetched.folder / name, fetched)
    message = f"there is no Dockerfile {one_line(name)}; looked at {place}{why}"
    raise Failure(Reason.DOCKERFILE_MISSING, message)


def _place_of(path: Path, fetched: Fetched) -> str:
    """A path as a person knows it: `URL#REF:PATH` for one that was fetched."""
    if fetched.shown is None:
        return str(path)
    return f"{fetched.shown}:{one_line(os.path.relpath(path, fetched.root), 120)}"


def _near(root: Path, folder: str, name: str) -> str:
    try:
        parent = real_path(root, os.path.join(folder, os.path.dirname(name)))  # noqa: PTH118, PTH120
        with os.scandir(parent) as entries:
            names = [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]
    except OSError:
        return ""
    likely = [name for name in names if "dockerfile" in name.lower()]
    near = did_you_mean(os.path.basename(name), likely or names)  # noqa: PTH119
    return f"; did you mean {one_line(near)}?" if near else ""


def read_dockerfile(path: Path) -> bytes:
    """The bytes of a Dockerfile. Raises Failure if it cannot be read or is over 1 MiB."""
    try:
        return read_real(path, _LARGEST_DOCKERFILE)
    except TooLargeError:
        raise Failure(Reason.DOCKERFILE_MISSING, f"{path.name} has more than 1 MiB") from None
    except OSError as error:
        message = f"the Dockerfile {path.name} cannot be read: {error.strerror}"
        raise Failure(Reason.DOCKERFILE_MISSING, message) from None


# ----------------------------------------------------------------- measuring
@dataclass(frozen=True, slots=True)
class Size:
    """What a builder is given: bytes of regular files, and how many files and links.

    `largest` are the paths that take the most room, with their bytes.
    """

    bytes: int
    files: int
    largest: tuple[tuple[str, int], ...] = ()


def measure(
    folder: Path,
    dockerfile: Path,
    check: Callable[[], None],
    *,
    root: Path | None = None,
    local: bool = False,
) -> Size:
    """The size of a context after its ignore rules. Raises Failure if it is unreadable.

    `root` is what its ignore file may not lead out of, the context itself unless given. `check` is
    called now and then; it raises when the run has to stop.
    """
    total = count = 0
    largest, rules = Largest(), ignore_rules(folder, dockerfile, root=root, local=local)
    for path, entry in _kept(folder, "", rules, check, Verdict()):
        count += 1
        length = _length(entry)
        total += length
        largest.add(path, length)
    return Size(total, count, tuple(largest.paths()))


def _kept(
    folder: Path,
    inside: str,
    rules: IgnoreRules,
    check: Callable[[], None],
    above: Verdict,
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    for entry in _entries(folder, inside):
        check()  # many rules take their time, for what is left out too
        path = inside + entry.name
        verdict = rules.judge(path, above)
        if entry.is_dir(follow_symlinks=False):
            if not verdict.ignored or rules.restores_any:
                yield from _kept(folder, path + "/", rules, check, verdict)
        elif not verdict.ignored:
            yield path, entry


def _entries(folder: Path, inside: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder / inside) as entries:
            return list(entries)
    except OSError as error:
        where = one_line(inside or ".")
        message = f"the context cannot be read: {where}: {error.strerror}"
        raise Failure(Reason.SOURCE_MISSING, message) from None


def _length(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size if not entry.is_symlink() else 0
    except OSError:
        return 0
