"""Contexts: packing a folder beside tar, and what is fetched of a repository for a subfolder."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from bench.given import Given
from bench.measure import Bar, Figure, Row, summary
from reconciler.adapters.archives.pack import by_rules, packed
from reconciler.adapters.git.environment import Repository
from reconciler.adapters.git.fetch import fetch
from reconciler.adapters.web.resolve import Guard
from reconciler.runner.ignorefile import ignore_rules
from tests.live.git_server import make_repository, serve_git

_SMALL, _LARGE = 50_000, 1_000_000_000
_PIECE = 1 << 20
_REPOSITORY = 15_000_000
_RULES = "**/*.pyc\nnode_modules\n**/tmp\n!keep\n"


def packing(given: Given) -> Iterator[Row]:
    """A local context as it is sent to an engine: small files, and large ones."""
    small, large = given.folder / "small", given.folder / "large"
    for number in range(_SMALL // 100):
        folder = small / f"{number % 25}" / f"{number}"
        folder.mkdir(parents=True)
        for other in range(100):
            (folder / f"{other}.txt").write_bytes(b"x" * 200)
    large.mkdir()
    for number in range(10):
        with (large / str(number)).open("wb") as file:
            piece = os.urandom(_PIECE)  # only not to be all zeros
            for _ in range(_LARGE // 10 // _PIECE):
                file.write(piece)
    yield _beside_tar(f"packing {_SMALL:,} small files", small, 0.15)
    yield _beside_tar("packing 1 GB of large files", large, 0.7)


def _beside_tar(name: str, folder: Path, share: float) -> Row:
    (folder / ".dockerignore").write_text(_RULES)
    ours, theirs = [], []
    for _ in range(4):
        theirs.append(_tar(folder))
        ours.append(_packed(folder))
    peer, figure = summary(theirs[1:]), summary(ours[1:])
    bar = Bar(peer.seconds / share, rule=f"{share} x the speed")
    return Row(name, figure, bar, "tar, into a pipe", peer)


def _tar(folder: Path) -> float:
    """tar into a pipe: into /dev/null it would read no file."""
    started = time.perf_counter()
    argv = ["tar", "--create", "--file=-", "--directory", str(folder), "."]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        while process.stdout and os.read(process.stdout.fileno(), _PIECE):
            pass
    return time.perf_counter() - started


def _packed(folder: Path) -> float:
    started = time.perf_counter()
    rules = ignore_rules(folder, folder / "Dockerfile")
    for _ in packed(folder, by_rules(rules), lambda: None):
        pass
    return time.perf_counter() - started


def subfolder(given: Given) -> Iterator[Row]:
    """One folder of a repository of 15 MB, from a server that can send parts."""
    root = given.folder / "repositories"
    # Text of hexadecimal digits is packed to half its size.
    noise = {f"data/{number}": os.urandom(_REPOSITORY // 30).hex() for number in range(30)}
    make_repository(root, "app", {"api/Dockerfile": "FROM scratch\n", **noise})
    whole = _fetched(given, root, "")
    part = _fetched(given, root, "api")
    share = part.megabytes / whole.megabytes
    note = f"{part.megabytes * 1e6:,.0f} of {whole.megabytes * 1e6:,.0f} bytes: {share:.2%}"
    bar = Bar(megabytes=0.02 * whole.megabytes, rule="2 % of the bytes")
    yield Row("bytes of a subfolder from Git", part, bar, "the whole repository", whole, note)


def _fetched(given: Given, root: Path, folder: str) -> Figure:
    with serve_git(root) as server:
        repository = Repository(f"{server.url}/app.git", guard=Guard({server.host}))
        started = time.perf_counter()
        place = given.folder / f"clone-{folder or 'whole'}"
        fetch(repository, "trunk", folder, place, lambda: False)
        seconds = time.perf_counter() - started
        return Figure(seconds, seconds, seconds, server.sent / 1e6)
