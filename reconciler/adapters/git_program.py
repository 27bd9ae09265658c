"""Runs git on a foreign repository: fixed argument lists, its own environment, a bound in size.

GitPython only reads the user's own repositories: it adds its process's whole environment to what
git is given, and nothing of ours is for a git that talks to strangers, or for what git starts.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from reconciler.adapters.git_environment import Repository, environment_of, secret_words
from reconciler.adapters.git_fault import GitFault, GitFetchError, explained
from reconciler.adapters.process import end_group, has_ended, start
from reconciler.adapters.resolve import AddressRefused, HostUnknown, Place

MAX_BYTES = 2 * 1024 * 1024 * 1024
_POLL_SECONDS = 0.05
_DISK_SECONDS = 1.0
_GRACE_SECONDS = 2.0

Stopping = Callable[[], bool]


def judged(repository: Repository) -> Place:
    """Where the repository is. Raises GitFetchError."""
    url = repository.url
    if url.startswith("github.com/"):
        url = f"https://{url}"
    try:
        return repository.guard.judge(url)
    except AddressRefused as error:
        raise GitFetchError(GitFault.REFUSED, str(error)) from None
    except HostUnknown as error:
        raise GitFetchError(GitFault.BROKEN, str(error)) from None


class GitProgram:
    """Runs git in one place with one environment. Stops with the run, and at a size."""

    def __init__(
        self, repository: Repository, target: Place, place: Path, stopping: Stopping
    ) -> None:
        self._place, self._url, self._stopping = place, target.url, stopping
        self._secrets = secret_words(repository.token)
        self._environment = environment_of(repository, target, place)

    def run(self, *words: str) -> str:
        """Standard output of a git command. Raises GitFetchError."""
        code, output, errors = self._execute(["git", *words])
        if code != 0:
            raise explained(errors.decode("utf-8", "replace"), self._url, self._secrets)
        return output.decode("utf-8", "replace")

    def speaks_git(self, url: str) -> bool:
        """False if what answers is a web page: to git it looks like a repository with no refs."""
        # Packets are told of on standard error; a page has none.
        watched = {**self._environment, "GIT_TRACE_PACKET": "1"}
        _, _, errors = self._execute(["git", "ls-remote", "--end-of-options", url], watched)
        return b" packet: " in errors

    def _execute(
        self, argv: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, bytes]:
        tree = self._place / "tree"
        folder = tree if tree.is_dir() else self._place
        try:
            process = start(argv, environment=environment or self._environment, folder=folder)
        except (FileNotFoundError, PermissionError):
            message = "there is no git program: install git, or put its folder into PATH"
            raise GitFetchError(GitFault.NO_GIT, message) from None
        with _collected(process) as (output, errors):
            self._wait(process)
        return process.returncode, bytes(output), bytes(errors)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        look = time.monotonic() + _DISK_SECONDS
        while not has_ended(process):
            if self._stopping():
                raise GitFetchError(GitFault.STOPPED, "stopped")
            if time.monotonic() >= look:
                look = time.monotonic() + _DISK_SECONDS
                if _size(self._place) > MAX_BYTES:
                    message = f"{self._url} has more than {MAX_BYTES >> 30} GiB"
                    raise GitFetchError(GitFault.REFUSED, message)
            time.sleep(_POLL_SECONDS)


@contextlib.contextmanager
def _collected(process: subprocess.Popen[bytes]) -> Iterator[tuple[bytearray, bytearray]]:
    """Standard output and error, read by threads so that neither ever blocks git.

    At the end of the block git and everything it started is ended.
    """
    buffers = bytearray(), bytearray()
    streams = (process.stdout, process.stderr)
    threads = [
        threading.Thread(target=_drain, args=(stream, buffer), daemon=True)
        for stream, buffer in zip(streams, buffers, strict=True)
    ]
    for thread in threads:
        thread.start()
    try:
        yield buffers
    finally:
        end_group(process, grace=_GRACE_SECONDS)
        for thread in threads:
            thread.join(timeout=_GRACE_SECONDS)
        for stream in streams:
            if stream is not None:
                stream.close()


def _drain(stream: IO[bytes] | None, buffer: bytearray, limit: int = 8 * 1024 * 1024) -> None:
    if stream is None:  # it was not asked for
        return
    with contextlib.suppress(ValueError, OSError):
        while chunk := stream.read(65536):
            if len(buffer) < limit:
                buffer += chunk


def _size(folder: Path) -> int:
    total = 0
    # By handles of folders: no path of up to millions of files is put together.
    for _, _, names, handle in os.fwalk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.stat(name, dir_fd=handle, follow_symlinks=False).st_size
    return total
