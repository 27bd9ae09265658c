"""Runs git on a foreign repository: fixed words, its own environment, an end in size and time.

GitPython only reads the user's own repositories: it adds its process's whole environment to what
git is given, and nothing of ours is for a git that talks to strangers, or for what git starts.
"""

from __future__ import annotations

import collections
import contextlib
import os
import select
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from reconciler.adapters.fetch_fault import FetchError, FetchFault
from reconciler.adapters.git.environment import Repository, environment_of, secret_words
from reconciler.adapters.git.fault import explained
from reconciler.adapters.processes.process import end_group, has_ended, start
from reconciler.adapters.web.resolve import AddressRefused, HostUnknown, Place

MAX_BYTES = 2 * 1024 * 1024 * 1024
MAX_SECONDS = 15 * 60.0  # of all git commands of one fetch together
MAX_OUTPUT = 32 * 1024 * 1024  # bytes of what is read as a whole
MAX_MEMORY = 2 * 1024 * 1024 * 1024  # of each git, in bytes
_LONGEST_PIECE = 8192  # bytes; a path on Linux has 4,096
_CHUNK = 64 * 1024
# Where a shell cannot bound memory, git runs without.
_BOUNDED = ("sh", "-c", 'ulimit -v "$0" 2>/dev/null; exec "$@"')
_POLL_SECONDS = 0.05
_DISK_SECONDS = 1.0
_GRACE_SECONDS = 2.0

Stopping = Callable[[], bool]


def judged(repository: Repository) -> Place:
    """Where the repository is. Raises FetchError."""
    url = repository.url
    if url.startswith("github.com/"):
        url = f"https://{url}"
    try:
        return repository.guard.judge(url)
    except AddressRefused as error:
        raise FetchError(FetchFault.REFUSED, str(error)) from None
    except HostUnknown as error:
        raise FetchError(FetchFault.BROKEN, str(error)) from None


class GitProgram:
    """Runs git in one place with one environment. Stops with the run, at a time and at a size.

    `end` is when all of its work has to be done, in seconds of the monotonic clock.
    """

    def __init__(
        self,
        repository: Repository,
        target: Place,
        place: Path,
        stopping: Stopping,
        end: float | None = None,
    ) -> None:
        self._place, self._url, self._stopping = place, target.url, stopping
        self._secrets = secret_words(repository.token)
        self._environment = environment_of(repository, target, place)
        self.end = time.monotonic() + MAX_SECONDS if end is None else end
        self._look = 0.0

    def run(self, *words: str) -> str:
        """Standard output of a git command, whole. Raises FetchError, also if it is too long."""
        with contextlib.closing(self._told(words)) as chunks:
            output = bytearray()
            for chunk in chunks:
                output += chunk
                if len(output) > MAX_OUTPUT:
                    raise self._too_much(f"git tells more than {MAX_OUTPUT >> 20} MiB of")
        return output.decode("utf-8", "replace")

    def pieces(self, end: bytes, *words: str) -> Generator[str, None, None]:
        """Standard output of a git command, cut at `end`, however much it is; the caller closes it.

        Raises FetchError, also if one piece is too long.
        """
        rest = b""
        with contextlib.closing(self._told(words)) as chunks:
            for chunk in chunks:
                *whole, rest = (rest + chunk).split(end)
                if len(rest) > _LONGEST_PIECE or any(len(one) > _LONGEST_PIECE for one in whole):
                    raise self._too_much("there is a name too long for a file in")
                yield from (one.decode("utf-8", "surrogateescape") for one in whole)
        if rest:
            yield rest.decode("utf-8", "surrogateescape")

    def speaks_git(self, url: str) -> bool:
        """False if what answers is a web page: to git it looks like a repository with no refs."""
        # Packets are told of on standard error; a page has none.
        watched = {**self._environment, "GIT_TRACE_PACKET": "1"}
        words = ("ls-remote", "--end-of-options", url)
        with self._process(words, watched) as (process, complaints):
            collections.deque(self._output(process), maxlen=0)
        return b" packet: " in complaints.first

    def _told(self, words: Sequence[str]) -> Generator[bytes, None, None]:
        with self._process(words, self._environment) as (process, complaints):
            yield from self._output(process)
        if process.returncode != 0:
            raise explained(complaints.text(), self._url, self._secrets)

    @contextlib.contextmanager
    def _process(
        self, words: Sequence[str], environment: Mapping[str, str]
    ) -> Iterator[tuple[subprocess.Popen[bytes], _Complaints]]:
        """A git and what it complains of; at the end of the block it is ended, with all of its."""
        tree = self._place / "tree"
        folder = tree if tree.is_dir() else self._place
        try:
            argv = [*_BOUNDED, str(MAX_MEMORY >> 10), _git(environment), *words]
            process = start(argv, environment=environment, folder=folder)
        except (FileNotFoundError, PermissionError):
            message = "there is no git program: install git, or put its folder into PATH"
            raise FetchError(FetchFault.NO_GIT, message) from None
        complaints = _Complaints()
        thread = threading.Thread(target=complaints.read, args=(process.stderr,), daemon=True)
        thread.start()
        try:
            yield process, complaints
        finally:
            end_group(process, grace=_GRACE_SECONDS)
            thread.join(timeout=_GRACE_SECONDS)
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()

    def _output(self, process: subprocess.Popen[bytes]) -> Iterator[bytes]:
        stream = process.stdout
        while stream is not None:
            self._check()
            ready, _, _ = select.select([stream], [], [], _POLL_SECONDS)
            if ready and (chunk := os.read(stream.fileno(), _CHUNK)):
                yield chunk
            # A child may keep the pipe open after its parent has ended, and the other way round.
            elif has_ended(process):
                return
            elif ready:
                time.sleep(_POLL_SECONDS)

    def _check(self) -> None:
        if self._stopping():
            raise FetchError(FetchFault.STOPPED, "stopped")
        now = time.monotonic()
        if now > self.end:
            raise self._too_much(f"it takes longer than {MAX_SECONDS // 60:.0f} minutes to fetch")
        if now >= self._look + _DISK_SECONDS:
            self._look = now
            if _size(self._place) > MAX_BYTES:
                message = f"{self._url} has more than {MAX_BYTES >> 30} GiB"
                raise FetchError(FetchFault.REFUSED, message)

    def _too_much(self, what: str) -> FetchError:
        return FetchError(FetchFault.REFUSED, f"{what} {self._url}")


class _Complaints:
    """What git wrote to standard error: its beginning and its end. It never waits for us."""

    def __init__(self) -> None:
        self.first, self._last = bytearray(), b""

    def read(self, stream: IO[bytes] | None) -> None:
        """Until its end; runs in a thread."""
        with contextlib.suppress(ValueError, OSError):
            while stream is not None and (chunk := stream.read(_CHUNK)):
                room = max(0, _CHUNK - len(self.first))
                self.first += chunk[:room]
                self._last = (self._last + chunk[room:])[-_CHUNK:]

    def text(self) -> str:
        """Both; what was between them is left out."""
        return (bytes(self.first) + self._last).decode("utf-8", "replace")


def _git(environment: Mapping[str, str]) -> str:
    found = shutil.which("git", path=environment.get("PATH"))
    if found is None:
        raise FileNotFoundError
    return found


def _size(folder: Path) -> int:
    total = 0
    # By handles of folders: no path of up to millions of files is put together.
    for _, _, names, handle in os.fwalk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.stat(name, dir_fd=handle, follow_symlinks=False).st_size
    return total
