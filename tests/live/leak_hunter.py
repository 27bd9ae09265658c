"""Looks for a planted value wherever a run leaves something: processes, output, files, images."""

from __future__ import annotations

import base64
import io
import tarfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import docker

_LOOK = 0.02  # seconds between two looks at the processes


def forms(value: str) -> tuple[bytes, ...]:
    """The value as it is, URL-encoded, in hexadecimal, and what base64 makes of its middle."""
    raw = value.encode()
    found = [raw, quote(value, safe="").encode(), raw.hex().encode()]
    # The letters at the ends of base64 depend on what stands beside the value.
    return (*found, *(base64.b64encode(b"x" * offset + raw)[4:-4] for offset in range(3)))


@dataclass
class Hunter:
    """Hunts one value. Inside its block it watches the arguments of all processes."""

    value: str
    heard: list[str] = field(default_factory=list)
    argv: set[str] = field(default_factory=set)
    looks: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_LOOK):
            self.looks += 1
            for place in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):
                    words = place.read_bytes()
                    if self.holds(words):
                        self.argv.add(words.replace(b"\0", b" ").decode(errors="replace")[:40])

    def hear(self, *texts: str) -> None:
        """Note what a command printed."""
        self.heard += texts

    def holds(self, data: bytes) -> bool:
        """True if the value stands in the data, in one of its forms."""
        return any(form in data for form in forms(self.value))

    def places(self, folder: Path, engine: docker.DockerClient, *images: str) -> list[str]:
        """Where the value was found: every kind of place once for each thing."""
        found = [f"argv: {words}" for words in sorted(self.argv)]
        found += ["output" for text in self.heard if self.holds(text.encode())]
        for path in sorted(folder.rglob("*")):
            if path.is_file() and self.holds(path.read_bytes() + str(path).encode()):
                found.append(f"file: {path.name}")
        for name in images:
            found += [f"image: {what}" for what, data in _image(engine, name) if self.holds(data)]
        return found


def _image(engine: docker.DockerClient, name: str) -> Iterator[tuple[str, bytes]]:
    """The parts of an image: what the engine tells of it, and every file of its archive."""
    api: Any = engine.api
    yield "settings", repr(api.inspect_image(name)).encode()
    yield "history", repr(api.history(name)).encode()
    data = b"".join(api.get_image(name))
    yield from _files("archive", data)


def _files(what: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    try:
        archive = tarfile.open(fileobj=io.BytesIO(data))  # noqa: SIM115  (it may be none)
    except tarfile.TarError:
        yield what, data
        return
    with archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            yield "layer", member.name.encode() + repr(member.pax_headers).encode()
            if file is not None:
                nested = "config" if member.name.endswith(".json") else "layer"
                yield from _files(nested, file.read())
