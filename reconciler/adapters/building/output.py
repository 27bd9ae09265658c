"""What builders have in common: the ignore file, secrets as files, the end of the output."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from reconciler.adapters.files import private_folder, write_private
from reconciler.adapters.processes.process import Ended
from reconciler.base.inside import real_file
from reconciler.base.spellings import to_bytes
from reconciler.model.build import BuildRequest, BuildResult
from reconciler.taskfile.dockerfile.ignore import for_old_clients

_ERROR_LINE = re.compile(
    r"^(?:ERROR: |error: )?((?:failed to|executor failed|process \").*)", re.MULTILINE
)
# The client itself always ends with 1; the code of the RUN that failed stands in its words.
_EXIT_CODE = re.compile(r"exit code: (\d+)")
_KEPT_BYTES = 8192


class Tail:
    """Hands output on and keeps the end of it: there the builder says what went wrong."""

    def __init__(self, on_output: Callable[[bytes], None]) -> None:
        self._on_output = on_output
        self._bytes = b""

    def __call__(self, chunk: bytes) -> None:
        """Take the next piece."""
        self._bytes = (self._bytes + chunk)[-_KEPT_BYTES:]
        self._on_output(chunk)

    def text(self) -> str:
        """The last 8 KiB."""
        return self._bytes.decode("utf-8", "replace")


def ignore_file(request: BuildRequest) -> Path | None:
    """`NAME.dockerignore` beside the Dockerfile, else `.dockerignore` of the context."""
    own = request.dockerfile.with_name(request.dockerfile.name + ".dockerignore")
    places = (own, request.context / ".dockerignore")
    found = (real_file(path.parent, path.name) for path in places)
    return next(filter(None, found), None)


def for_old_client(request: BuildRequest, folder: Path) -> Path:
    """The Dockerfile for a client before 23: a copy where its ignore file has to be respelled.

    The copy lies in `folder`, a private one, with the ignore file beside it.
    """
    found = ignore_file(request)
    if found is None:
        return request.dockerfile
    text = found.read_text("utf-8", "surrogateescape")
    spelled = for_old_clients(text)
    if spelled == text:
        return request.dockerfile
    place = folder / "dockerfile"
    place.mkdir(mode=0o700)
    copy = place / request.dockerfile.name
    copy.write_bytes(request.dockerfile.read_bytes())
    copy.with_name(copy.name + ".dockerignore").write_text(spelled, "utf-8", "surrogateescape")
    return copy


@contextmanager
def secret_files(secrets: Mapping[str, str]) -> Iterator[dict[str, Path]]:
    """The values as private files in memory, by name, for as long as the block lasts."""
    if not secrets:
        yield {}
        return
    with private_folder() as folder:
        files = {name: folder / str(number) for number, name in enumerate(secrets)}
        for name, path in files.items():
            write_private(path, to_bytes(secrets[name]))
        yield files


def ended_result(ended: Ended, tail: Tail) -> BuildResult | None:
    """The result of a client of BuildKit that did not succeed; None if it did."""
    if ended.stopped:
        return BuildResult(exit_code=130, stopped=True)
    if ended.exit_code == 0:
        return None
    found = _ERROR_LINE.findall(tail.text())
    message = str(found[-1]).strip() if found else None
    code = _EXIT_CODE.search(message or "")
    return BuildResult(exit_code=int(code[1]) if code else ended.exit_code, message=message)
