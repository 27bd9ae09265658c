"""Unpacks archives from outside into a folder of their own; refuses what is not meant as files.

Two passes: files and folders first, links at the end, so that nothing is ever written through a
link. Links that lead out, devices, pipes, names that lead out, and a second content for a name are
refused: who packed that did not mean a context. A folder `.git` is left out: its settings start
programs.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from reconciler.adapters.archives.inflate import Meter, inflated
from reconciler.adapters.archives.tar_reader import Entry, entries
from reconciler.adapters.fetch_fault import FetchError, FetchFault
from reconciler.base.inside import LeadsOutError, real_path
from reconciler.base.room import is_full
from reconciler.base.text import one_line, plural

_LONGEST_PATH, _LONGEST_NAME, _DEEPEST = 4096, 255, 128
_CHUNK = 256 * 1024
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LATEST = 1 << 33  # seconds; later ones no file system keeps


class Extractor:
    """Fills one empty folder, which nobody else may write to, from several files.

    `check` is called now and then, and raises when the run stops. After an error the folder holds
    a part, and is to be deleted.
    """

    def __init__(self, folder: Path, meter: Meter, check: Callable[[], None]) -> None:
        self._folder, self._meter, self._check = folder.resolve(), meter, check
        self._made: dict[str, str] = {"": "folder"}
        self._links: list[tuple[str, str]] = []
        self._left_out = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of what was left out."""
        if not self._left_out:
            return ()
        return (f"{plural(self._left_out, 'entry', 'entries')} of a .git folder left out",)

    def unpack(self, file: BinaryIO) -> None:
        """Unpack a tar, plain or packed. Raises FetchError."""
        self._obey(lambda: self._entries(entries(inflated(file, self._meter))))

    def copy(self, file: BinaryIO, name: str) -> None:
        """Take over a single file. Raises FetchError."""

        def content() -> Iterator[bytes]:
            while data := file.read(_CHUNK):
                self._meter.packed += len(data)
                self._meter.grow(len(data))
                yield data

        self._obey(lambda: self._entries(iter([Entry(name, "file", 0o644, 0, "", content)])))

    def finish(self) -> None:
        """Make the links, and look where they lead. Raises FetchError."""
        self._obey(self._make_links)

    def _obey(self, work: Callable[[], None]) -> None:
        try:
            work()
        except OSError as error:
            fault = FetchFault.DISK if is_full(error) else FetchFault.REFUSED
            message = f"it cannot be unpacked: {error.strerror or error}"
            raise FetchError(fault, message) from None
        except ValueError:
            # A lone surrogate in JSON: text that has no bytes.
            message = "it cannot be unpacked: a name in it is no name of a file"
            raise FetchError(FetchFault.REFUSED, message) from None

    def _entries(self, found: Iterator[Entry]) -> None:
        for entry in found:
            self._check()
            self._meter.enter()
            path = _path_of(entry.name)
            if ".git" in path.lower().split("/"):
                self._left_out += 1
            elif path or entry.kind != "folder":
                self._take(entry, path)

    def _take(self, entry: Entry, path: str) -> None:
        self._make_folder(posixpath.dirname(path))
        if entry.kind == "folder":
            self._make_folder(path)
        elif entry.kind == "file":
            self._name(path, "file")
            self._write(entry, path)
        elif entry.kind == "link":
            self._name(path, "link")
            self._links.append((path, _target(entry, path)))
        elif entry.kind == "name":
            self._second_name(entry, path)
        else:
            shown = one_line(path, 120)
            what = "of an unknown kind" if entry.kind == "other" else f"a {entry.kind}"
            raise _refused(f"{shown} is {what}, and no file, folder or link")

    def _name(self, path: str, kind: str) -> None:
        if path in self._made or not path:
            raise _refused(f"it has {one_line(path or '.', 120)} twice")
        self._made[path] = kind

    def _make_folder(self, path: str) -> None:
        """A folder and those above it; each counts."""
        if self._made.get(path) == "folder":
            return
        if path in self._made:
            shown, kind = one_line(path, 120), self._made[path]
            raise _refused(f"{shown} is a {kind}, and something is to lie below it")
        self._make_folder(posixpath.dirname(path))
        self._meter.enter()
        self._made[path] = "folder"
        (self._folder / path).mkdir()

    def _write(self, entry: Entry, path: str) -> None:
        handle = os.open(self._folder / path, _NEW, 0o600)
        with os.fdopen(handle, "wb") as file:
            for data in entry.content():
                self._check()
                file.write(data)
            file.flush()
            os.fchmod(handle, entry.mode & 0o755 | 0o600)
            time = min(max(entry.modified, 0), _LATEST)
            os.utime(handle, (time, time))

    def _second_name(self, entry: Entry, path: str) -> None:
        target = _path_of(entry.link)
        if self._made.get(target) != "file":
            shown = one_line(entry.link, 120)
            raise _refused(f"{one_line(path, 120)} is a second name of {shown}, which is no file")
        self._name(path, "file")
        os.link(self._folder / target, self._folder / path, follow_symlinks=False)

    def _make_links(self) -> None:
        for path, target in self._links:
            self._check()
            (self._folder / path).symlink_to(target)
        for path, target in self._links:
            try:
                real_path(self._folder, path)
            except LeadsOutError:
                raise _leads_out(path, target) from None
            except OSError:
                continue  # it leads nowhere
        self._links.clear()


def _path_of(name: str) -> str:
    """A name as a path inside, without `.`; "" for the folder itself. Raises FetchError."""
    parts = [part for part in name.split("/") if part not in {"", "."}]
    path = "/".join(parts)
    shown = one_line(name, 120)
    if name.startswith("/") or ".." in parts:
        raise _refused(f"the name {shown} leads out of it")
    if any(letter < " " or letter == "\x7f" for letter in name):
        raise _refused(f"the name {shown} holds a control character")
    sizes = [len(os.fsencode(part)) for part in parts]
    longest, total = max(sizes, default=0), sum(sizes) + len(sizes)
    if longest > _LONGEST_NAME or total > _LONGEST_PATH or len(parts) > _DEEPEST:
        raise _refused(f"the name {shown} is too long or too deep")
    return path


def _target(entry: Entry, path: str) -> str:
    """Where a link leads, as it is written. Raises FetchError."""
    meant = posixpath.normpath(posixpath.join(posixpath.dirname(path), entry.link))
    if not entry.link or "\0" in entry.link or len(os.fsencode(entry.link)) > _LONGEST_PATH:
        raise _refused(f"the link {one_line(path, 120)} leads nowhere")
    if entry.link.startswith("/") or meant.split("/")[0] == "..":
        raise _leads_out(path, entry.link)
    return entry.link


def _leads_out(path: str, target: str) -> FetchError:
    return _refused(f"the link {one_line(path, 120)} leads out of it, to {one_line(target, 120)}")


def _refused(message: str) -> FetchError:
    return FetchError(FetchFault.REFUSED, message)
