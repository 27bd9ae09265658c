"""The daemon: messages of hooks in a second, and timers that are due together."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import re
import resource
import selectors
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.given import RECONCILER, Given
from bench.measure import Bar, Figure, Row
from reconciler.engine.clockwork import Clockwork, Ticking
from reconciler.model.trigger import TimerTrigger
from reconciler.store.claims import Room, claim
from reconciler.store.database import Database, open_database

_SIGNED_WITH = "a secret of the benchmark"
_CLIENTS = 32
_WORKSPACE = """\
apiVersion: reconciler/v1
kind: Workspace
registries: [{name: contoso, loginServer: registry.contoso.example}]
server:
  hooks:
    github: {secret: {secret: "env:HOOK_SECRET"}, repositories: ["github.com/contoso/*"]}
"""
_SPEC = """\
apiVersion: reconciler/v1
kind: Task
metadata: {name: web-api, registry: contoso}
spec:
  context: {source: "https://github.com/contoso/web.git#main", token: {secret: "env:PAT"}}
  step: {docker: {images: ["web:1"]}}
  triggers: {commit: {}}
"""
_DUE = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


# ----------------------------------------------------------------- deliveries
def deliveries(given: Given) -> Iterator[Row]:
    """Signed pushes of 20 kB, each with a commit of its own, from 32 clients; FULL on the disk."""
    folder = given.folder / "deliveries"
    (folder / "specs").mkdir(parents=True)
    (folder / "reconciler.yaml").write_text(_WORKSPACE)
    (folder / "specs" / "web.yaml").write_text(_SPEC)
    apply = [*RECONCILER, "apply", "--auto-approve"]
    subprocess.run(apply, cwd=folder, check=True, capture_output=True)
    count = 3200
    with _daemon(folder) as (port, pid):
        before = _cpu(pid)
        seconds, waits = _send(port, count)
        busy = _cpu(pid) - before
    each = Figure(1000 * seconds / count, 1000 * seconds / count, 1000 * seconds / count)
    note = f"{count / seconds:,.0f}/s; {1000 * busy / count:.2f} CPU s of the daemon"
    yield Row("1,000 deliveries, 32 clients", each, Bar(2.0, rule="500/s"), note=note)
    slow = statistics.quantiles(waits, n=100)[98]
    yield Row("  p99 of their answers", Figure(slow, min(waits), max(waits)), Bar(0.25))


@contextlib.contextmanager
def _daemon(folder: Path) -> Iterator[tuple[int, int]]:
    words = [*RECONCILER, "serve", "--no-worker", "--listen", "127.0.0.1:0"]
    environment = {**os.environ, "HOOK_SECRET": _SIGNED_WITH}
    log = (folder / "daemon.log").open("w+")
    process = subprocess.Popen(words, cwd=folder, env=environment, stderr=log)
    try:
        while not (found := re.search(r"127\.0\.0\.1:([0-9]+)", Path(log.name).read_text())):
            time.sleep(0.1)
        yield int(found[1]), process.pid
    finally:
        process.kill()
        process.wait()
        log.close()


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class _Client:
    """A connection that sends the next message when it has the answer to the one before."""

    socket: socket.socket
    began: float = 0.0
    answer: bytes = b""

    def send(self, message: bytes) -> None:
        self.began, self.answer = time.perf_counter(), b""
        self.socket.sendall(message)

    def answered(self) -> bool:
        """Read what has come; True if the answer is whole."""
        self.answer += self.socket.recv(65536)
        head, _, body = self.answer.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: ([0-9]+)", head)
        return length is not None and len(body) >= int(length[1])


def _send(port: int, count: int) -> tuple[float, list[float]]:
    """Seconds for all, and of each; one thread is all clients, for the machine is the daemon's."""
    messages = [_message(number) for number in range(1, count + 1)]
    waits: list[float] = []
    began, left = time.perf_counter(), iter(messages)
    with selectors.DefaultSelector() as waiting, contextlib.ExitStack() as stack:
        for _ in range(_CLIENTS):
            client = _Client(stack.enter_context(socket.create_connection(("127.0.0.1", port))))
            waiting.register(client.socket, selectors.EVENT_READ, client)
            client.send(next(left))
        while len(waits) < count:
            for key, _ in waiting.select(60):
                client = key.data
                if not client.answered():
                    continue
                waits.append(time.perf_counter() - client.began)
                if not client.answer.startswith(b"HTTP/1.1 202 "):
                    raise RuntimeError(f"not taken: {client.answer[:200]!r}")
                if (message := next(left, None)) is not None:
                    client.send(message)
    return time.perf_counter() - began, waits


def _message(number: int) -> bytes:
    repository = {"clone_url": "https://github.com/contoso/web.git", "default_branch": "main"}
    payload = {
        "ref": "refs/heads/main",
        "before": "f" * 40,
        "after": f"{number:040x}",
        "forced": False,
        "commits": [{"added": [], "removed": [], "modified": [f"api/{number}.py"]}],
        "repository": repository | {"padding": "x" * 20_000},
        "sender": {"login": "oncall"},
    }
    body = json.dumps(payload).encode()
    signature = hmac.new(_SIGNED_WITH.encode(), body, hashlib.sha256).hexdigest()
    head = (
        "POST /hooks/github HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: d{number}\r\n"
        f"X-Hub-Signature-256: sha256={signature}\r\n\r\n"
    )
    return head.encode() + body


# --------------------------------------------------------------------- timers
def timers(given: Given) -> Iterator[Row]:
    """Timers that are due in one moment, and a day of hourly ones on a clock of our own."""
    for count, late in ((10_000, 1.0), (100_000, 3.0)):
        with _state(given.folder / f"timers-{count}") as database:
            yield from _due_together(database, count, late)
    with _state(given.folder / "day") as database:
        yield _day(database)


@contextlib.contextmanager
def _state(folder: Path) -> Iterator[Database]:
    folder.mkdir()
    database = open_database("sqlite:///state.db", folder)
    try:
        yield database
    finally:
        database.close()


def _ticking(count: int, schedule: str) -> list[Ticking]:
    timer = TimerTrigger(schedule=schedule)
    return [Ticking(f"contoso/task-{number}", "t", "default", timer) for number in range(count)]


def _due_together(database: Database, count: int, bar: float) -> Iterator[Row]:
    everyone = _ticking(count, "0 3 * * *")
    before = _DUE - timedelta(seconds=30)
    Clockwork(database).wind(everyone, before)
    clockwork = Clockwork(database)
    began = time.perf_counter()
    clockwork.wind(everyone, before)
    while (wake := clockwork.next_wake) is not None and wake <= before:
        clockwork.tick(before)
    started = time.perf_counter() - began
    yield Row(f"start with {count:,} timers", Figure(started, started, started), Bar(8.0))
    lateness: list[float] = []
    began, cpu = time.perf_counter(), time.process_time()
    while len(lateness) < count:
        now = _DUE + timedelta(seconds=time.perf_counter() - began)
        queued = clockwork.tick(now)
        lateness += [time.perf_counter() - began] * queued
    late = statistics.quantiles(lateness, n=100)[98]
    note = f"{time.process_time() - cpu:.2f} CPU s for all"
    found = Figure(late, min(lateness), max(lateness))
    yield Row(f"{count:,} timers due at once: p99 late", found, Bar(bar), note=note)
    began = time.perf_counter()
    taken = claim(database, "bench", {"default": Room(4)}, 60.0, lambda: _DUE)
    seconds = time.perf_counter() - began
    if len(taken) != 4:
        raise RuntimeError(f"a worker took {len(taken)} runs")
    yield Row("  a worker takes four of their runs", Figure(seconds, seconds, seconds), Bar(0.2))


def _day(database: Database) -> Row:
    clockwork = Clockwork(database)
    clockwork.wind(_ticking(1000, "0 * * * *"), _DUE)
    end, fires, halfway = _DUE + timedelta(days=1), 0, 0
    began = time.perf_counter()
    while (wake := clockwork.next_wake) is not None and wake <= end:
        fires += clockwork.tick(wake)
        if halfway == 0 and fires >= 12_000:
            halfway = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = time.perf_counter() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - halfway) / 1024
    note = f"{fires:,} fires; {grown:.0f} MB more at its end than at noon"
    if fires != 24_000:
        note = f"WRONG: {note}"
    return Row(
        "a day of 1,000 hourly timers", Figure(seconds, seconds, seconds), Bar(60.0), note=note
    )
