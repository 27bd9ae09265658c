"""Row 29: a server that never ends, sends a little at a time, or too much, is left."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.adapters.fetch_fault import Limits
from reconciler.adapters.git import program
from reconciler.adapters.web.resolve import Guard
from reconciler.operations.running.downloads import Downloads
from reconciler.runner.failure import Failure, Stop
from tests.live.git_server import GitServer, add_commit, git, make_repository, serve_git
from tests.live.hostile.places import Answer, Door, serving
from tests.live.trouble import Stall

FAST = replace(Limits(), slow_seconds=0.3, slow_bytes=1000)


def trickle(over: threading.Event) -> Iterator[bytes]:
    while not over.wait(0.05):
        yield b"x"


def endless(head: bytes = b"") -> Iterator[bytes]:
    yield head
    yield from itertools.repeat(b"0000" * 16_000)


def downloads(door: Door, limits: Limits) -> Downloads:
    return Downloads(door.place, Guard(door.declared), lambda _host: None, limits)


def test_a_trickle_is_too_slow(door: Door) -> None:
    over = threading.Event()
    with serving(lambda _path: (200, {}, trickle(over))) as server:
        door.declared.add(server.host)
        with pytest.raises(Failure, match=r"too slow: fewer than 1,000 bytes in 0\.3 s"):
            downloads(door, FAST).archive(f"{server.url}/x", None, lambda: False)
        over.set()


def test_a_download_has_an_end(door: Door) -> None:
    over = threading.Event()

    def silent(_path: str) -> Answer:
        over.wait(20)
        return 200, {}, iter(())

    with serving(silent) as server:
        door.declared.add(server.host)
        with pytest.raises(Failure, match="longer than 1 s"):
            downloads(door, replace(Limits(), seconds=1)).archive(
                f"{server.url}/x", None, lambda: False
            )
        over.set()


def test_a_silent_server_does_not_keep_a_run_that_stops(door: Door) -> None:
    over, asked = threading.Event(), threading.Event()

    def silent(_path: str) -> Answer:
        asked.set()
        over.wait(20)
        return 200, {}, iter(())

    with serving(silent) as server:
        door.declared.add(server.host)
        with pytest.raises(Stop):
            downloads(door, Limits()).archive(f"{server.url}/x", None, asked.is_set)
        over.set()
    assert not [path for path in door.place.rglob("*") if path.is_file()]


def test_an_endless_head_is_cut(door: Door) -> None:
    def long_head(_path: str) -> Answer:
        return 200, {f"X-{number}": "y" * 4000 for number in range(1000)}, iter(())

    with serving(long_head) as server:
        door.declared.add(server.host)
        assert "cannot be downloaded" in door.refuse(f"{server.url}/x.tar")


def test_an_error_that_never_ends_is_told_in_short(door: Door) -> None:
    with serving(lambda _path: (404, {}, endless(b"gone\x1b[2J "))) as server:
        door.declared.add(server.host)
        message = door.refuse(f"{server.url}/x.tar")
    assert "answers 404: gone" in message
    assert len(message) < 400
    assert message.isprintable()


def test_a_server_that_fails_is_asked_three_times(door: Door) -> None:
    with serving(lambda _path: (503, {"Content-Length": "0"}, iter(()))) as server:
        door.declared.add(server.host)
        assert "it answers 503" in door.refuse(f"{server.url}/x.tar")
        assert len(server.requests) == 3


def test_what_breaks_off_is_not_taken_for_whole(door: Door) -> None:
    with serving(lambda _path: (200, {"Content-Length": "100000"}, iter([b"x"]))) as server:
        door.declared.add(server.host)
        assert "cannot be downloaded" in door.refuse(f"{server.url}/x.tar")


def test_a_repository_that_is_too_large_is_left(
    door: Door, server: GitServer, repositories: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "MAX_BYTES", 64 * 1024)
    monkeypatch.setattr(program, "_DISK_SECONDS", 0.0)
    work = repositories / "app-work"
    noise = "".join(f"{number * 7919 % 104729:x}" for number in range(300_000))
    add_commit(work, {"large": noise}, "large")
    git(work, "push", "--quiet", "origin", "trunk")
    assert "has more than" in door.refuse(f"{server.url}/app.git#trunk")


@pytest.mark.parametrize("first", [b"001e# service=git-upload-pack\n0000", b""])
def test_an_endless_answer_does_not_keep_a_run_that_stops(first: bytes, door: Door) -> None:
    asked = threading.Event()

    def answers(_path: str) -> Answer:
        asked.set()
        kind = {"Content-Type": "application/x-git-upload-pack-advertisement"}
        return 200, kind, endless(first)

    with serving(answers) as server:
        door.declared.add(server.host)
        door.stopping = asked.is_set
        with pytest.raises((Stop, Failure)):
            door.fetch(f"{server.url}/app.git#trunk")


def test_git_that_hears_nothing_does_not_keep_a_run_that_stops(
    door: Door, server: GitServer
) -> None:
    with Stall(server.host, b"POST /app.git/git-upload-pack") as stall:
        door.declared.add(stall.address)
        door.stopping = stall.reached.is_set
        with pytest.raises(Stop):
            door.fetch(f"http://{stall.address}/app.git#trunk")


def test_git_leaves_a_server_that_trickles(
    door: Door, server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reconciler.adapters.git import environment

    monkeypatch.setattr(environment, "SLOW_SECONDS", 1)
    over = threading.Event()
    with serving(lambda _path: (200, {"Content-Type": "text/plain"}, trickle(over))) as slow:
        door.declared.add(slow.host)
        started = time.monotonic()
        door.refuse(f"{slow.url}/app.git#trunk")
        over.set()
    assert time.monotonic() - started < 25  # it would never end


def test_many_refs_are_listed_and_one_is_found(door: Door, repositories: Path) -> None:
    make_repository(repositories, "many", {"a": "1"})
    bare = repositories / "many.git"
    commit = git(bare, "rev-parse", "trunk").strip()
    lines = "".join(f"{commit} refs/heads/b{number:06}\n" for number in range(100_000))
    packed = f"# pack-refs with: peeled fully-peeled sorted \n{lines}{commit} refs/heads/trunk\n"
    (bare / "refs" / "heads" / "trunk").unlink(missing_ok=True)
    (bare / "packed-refs").write_text(packed)
    with serve_git(repositories) as server:
        door.declared.add(server.host)
        message = door.refuse(f"{server.url}/many.git#b999999")
        assert door.fetch(f"{server.url}/many.git#trunk").commit == commit
    assert len(message) < 400
