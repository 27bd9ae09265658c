"""The daemon on the real engine: a push to a real Git server becomes an image, once, whatever dies.

What is believed is what the work itself told a listener of the test, not what the daemon says.
"""

from __future__ import annotations

import contextlib
import http.server
import os
import random
import signal
import sqlite3
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from reconciler.model.container import INSTANCE_LABEL, RUN_LABEL
from reconciler.store.queue import depths
from reconciler.store.runs import list_runs
from tests.flow.serving.desk import Daemon, daemon, eventually, state
from tests.live.git_server import GitServer, add_commit, git, make_repository, serve_git
from tests.live.workshop import Workshop
from tests.unit.wire.payloads import push, repository, user

USER, TOKEN = "x-access-token", "gitpat-0123456789-planted"
# What a forge does when somebody has pushed: the payload of GitHub, signed, to our hook.
POST_RECEIVE = """#!{python}
import sys
sys.path.insert(0, "{tests}")
import urllib.request, uuid
from tests.flow.serving.desk import signature
from tests.unit.wire.payloads import body, push, repository, user
for line in sys.stdin:
    before, after, ref = line.split()
    pushed = repository(clone_url="{url}/app.git")
    sent = body(push(before, after, ref=ref, commits=[], repository=pushed, sender=user("pusher")))
    headers = {{"content-type": "application/json", "x-github-event": "push",
               "x-github-delivery": str(uuid.uuid4()), "x-hub-signature-256": signature(sent)}}
    request = urllib.request.Request("{hook}", sent, headers)
    urllib.request.build_opener(urllib.request.ProxyHandler({{}})).open(request, timeout=30).read()
"""


class Listener:
    """Hears of every beginning and end from inside the containers (they share our network)."""

    def __init__(self) -> None:
        self.events: list[str] = []
        events = self.events

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                events.append(self.path.strip("/"))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def overlaps(self) -> list[str]:
        """Words of a work that were heard after the next one of its run had begun."""
        newest: dict[str, str] = {}
        found = []
        for event in list(self.events):
            word, run, container = event.split("/")
            if word == "begin":
                newest[run] = container
            elif newest[run] != container:
                found.append(event)
        return found

    def ended(self) -> Counter[str]:
        """How often each run came to its end."""
        words = [event.split("/") for event in list(self.events)]
        return Counter(run for word, run, _ in words if word == "end")

    def tries(self) -> Counter[str]:
        """How often each run was begun."""
        words = [event.split("/") for event in list(self.events)]
        return Counter(run for word, run, _ in words if word == "begin")


@pytest.fixture(name="listener")
def listening() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture(name="forge")
def with_repository(tmp_path: Path, base_image: str) -> Iterator[tuple[GitServer, Path]]:
    root = tmp_path / "repositories"
    dockerfile = f"FROM {base_image}\nCOPY . /app\nRUN cat /app/version\n"
    files = {"Dockerfile": dockerfile, "version": f"one {uuid.uuid4()}\n"}
    work, _ = make_repository(root, "app", files, branch="main")
    with serve_git(root, username=USER, password=TOKEN) as server:
        yield server, work


def workspace(workshop: Workshop, *specs: str, extra: str = "") -> None:
    """Add the hook to a workspace, and apply its specs."""
    config = workshop.root / "reconciler.yaml"
    hook = "server:\n  hooks:\n    github:\n      secret: {secret: 'env:HOOK_SECRET'}\n"
    config.write_text(config.read_text() + hook + "      repositories: ['*']\n" + extra)
    (workshop.root / "specs").mkdir(exist_ok=True)
    for number, spec in enumerate(specs):
        (workshop.root / "specs" / f"task-{number}.yaml").write_text(spec)
    done = workshop.call("apply", "--auto-approve")
    assert done.returncode == 0, done.stderr + done.stdout


def spec(name: str, body: str) -> str:
    return (
        "apiVersion: reconciler/v1\nkind: Task\n"
        f"metadata: {{name: {name}, registry: contoso}}\nspec:\n{body}"
    )


def runs(workshop: Workshop) -> list[dict[str, Any]]:
    with state(workshop.root) as opened:
        found = [record.model_dump(mode="json") for record in list_runs(opened, limit=1000)]
    return sorted(found, key=lambda record: str(record["queued"]))


def all_ended(workshop: Workshop, count: int) -> list[dict[str, Any]]:
    def ended() -> list[dict[str, Any]]:
        found = runs(workshop)
        final = [record for record in found if record["status"] not in {"Queued", "Running"}]
        return found if len(final) == len(found) == count else []

    return list(eventually(ended, 120 + 5 * count))


def left_on(engine: docker.DockerClient, root: Path) -> list[str]:
    """Containers, networks and volumes of the runs of a workspace."""
    with state(root) as opened:
        instance = opened.setting("state_id")
    wanted: dict[str, Any] = {"label": f"{INSTANCE_LABEL}={instance}"}
    return [
        *[
            str(item.name)
            for item in engine.containers.list(all=True, ignore_removed=True, filters=wanted)
        ],
        *[str(item.name) for item in engine.networks.list(filters=wanted)],
        *[str(item.name) for item in engine.volumes.list(filters=wanted)],
    ]


def test_a_push_becomes_an_image_at_its_commit(
    workshop: Workshop, forge: tuple[GitServer, Path], engine: docker.DockerClient
) -> None:
    server, work = forge
    source = f"  context: {{source: '{server.url}/app.git#main', token: {{secret: 'env:PAT'}}}}\n"
    step = '  step: {docker: {images: ["pushed:{{.Run.ID}}"]}}\n'
    listens = spec("on-push", source + step + "  triggers: {commit: {}}\n")
    branch = spec("on-dev", source + step + "  triggers: {commit: {branch: dev}}\n")
    hosts = f'hosts: {{"{server.host}": {{insecure: true}}}}\n'
    workshop.environment["PAT"] = TOKEN
    workspace(workshop, listens, branch, extra=hosts)
    with daemon(workshop.root, PAT=TOKEN, RECONCILER_ACTOR="daemon") as at:
        install_hook(server, at)
        first = add_commit(work, {"version": f"two {uuid.uuid4()}\n"}, "second")
        git(work, "push", "--quiet", "origin", "main")
        (record,) = all_ended(workshop, 1)
        assert record["status"] == "Succeeded", record
        assert (record["task"], record["trigger"]) == ("contoso/on-push", "commit")
        assert (record["actor"], record["commit"], record["branch"]) == ("pusher", first, "main")
        assert record["outputs"][0]["digest"].startswith("sha256:")
        git(work, "checkout", "--quiet", "-b", "dev")
        second = add_commit(work, {"version": f"three {uuid.uuid4()}\n"}, "third")
        git(work, "push", "--quiet", "origin", "dev")
        found = all_ended(workshop, 2)
        assert [item["task"] for item in found] == ["contoso/on-push", "contoso/on-dev"]
        assert (found[1]["commit"], found[1]["status"]) == (second, "Succeeded")
        assert at.stop() == 0
    assert left_on(engine, workshop.root) == []


def install_hook(server: GitServer, at: Daemon) -> None:
    path = server.root / "app.git" / "hooks" / "post-receive"
    path.parent.mkdir(exist_ok=True)
    words = {"python": sys.executable, "tests": Path(__file__).parents[2], "url": server.url}
    path.write_text(POST_RECEIVE.format(**words, hook=f"{at.url}/hooks/github"))
    path.chmod(0o755)


# ----------------------------------------------------------------------- what dies
def telling(listener: Listener, base: str, ticks: int, triggers: str) -> str:
    """A task whose work tells the listener that it begins, goes on (each 0.1 s) and ends."""
    tell = f"wget -q -O /dev/null {listener.url}"
    run = "{{.Run.ID}}/$(hostname)"
    script = (
        f"{tell}/begin/{run}; for i in $(seq {ticks}); do sleep 0.1; {tell}/tick/{run}; done; "
        f"{tell}/end/{run}"
    )
    return spec(
        "telling",
        "  context: {source: /dev/null}\n  step:\n    inline:\n      version: v1.1.0\n"
        f"      steps:\n        - cmd: {base} sh -c '{script}'\n          network: host\n"
        f"  triggers:\n    {triggers}\n",
    )


PUSHED = (
    "commit: {repository: 'https://git.contoso.example/app.git', branch: '*',"
    " token: {secret: 'env:PAT'}}"
)


def send(at: Daemon, number: int) -> str:
    """Push to a branch of its own; the id of its run. Raises httpx.HTTPError."""
    payload = push(
        "f" * 40,
        f"{number:040x}",
        ref=f"refs/heads/b{number}",
        commits=[],
        repository=repository(clone_url="https://git.contoso.example/app.git"),
        sender=user("pusher"),
    )
    answer = at.post(payload, delivery=f"d{number}")
    assert answer.status_code in {200, 202}, answer.text
    (run,) = answer.json()["runs"]
    return str(run)


def test_a_daemon_that_is_told_to_stop_ends_what_it_does_first(
    workshop: Workshop, listener: Listener, base_image: str, engine: docker.DockerClient
) -> None:
    workspace(workshop, telling(listener, base_image, 20, PUSHED))
    with daemon(workshop.root, "--lease", "6") as at:
        run = send(at, 1)
        eventually(lambda: listener.events)
        assert at.stop() == 0
    assert listener.ended() == {run: 1}
    assert [record["status"] for record in runs(workshop)] == ["Succeeded"]
    assert left_on(engine, workshop.root) == []


def test_work_that_takes_too_long_to_wait_for_is_begun_anew_by_the_next_daemon(
    workshop: Workshop, listener: Listener, base_image: str, engine: docker.DockerClient
) -> None:
    workspace(workshop, telling(listener, base_image, 40, PUSHED))
    with daemon(workshop.root, "--lease", "6", "--drain", "1") as at:
        run = send(at, 1)
        eventually(lambda: listener.events)
        assert at.stop() == 0
    assert left_on(engine, workshop.root) == []
    assert [record["status"] for record in runs(workshop)] == ["Running"]
    with daemon(workshop.root, "--lease", "6"):
        all_ended(workshop, 1)
    assert (listener.tries(), listener.ended()) == ({run: 2}, {run: 1})
    assert listener.overlaps() == []


def test_told_to_stop_a_second_time_it_waits_for_nothing(
    workshop: Workshop, listener: Listener, base_image: str, engine: docker.DockerClient
) -> None:
    workspace(workshop, telling(listener, base_image, 600, PUSHED))
    with daemon(workshop.root, "--lease", "6") as at:
        send(at, 1)
        eventually(lambda: listener.events)
        at.process.send_signal(signal.SIGTERM)
        eventually(lambda: at.told("serve")[-1]["message"].startswith("stopping"))
        assert at.process.poll() is None
        assert at.stop() == 0
    assert left_on(engine, workshop.root) == []
    with state(workshop.root) as opened:
        assert depths(opened)["default"].waiting == 1


@pytest.mark.parametrize("victim", ["daemon", "guardian", "run"])
def test_whatever_is_killed_the_run_is_done_once_at_a_time(
    workshop: Workshop,
    listener: Listener,
    base_image: str,
    engine: docker.DockerClient,
    victim: str,
) -> None:
    workspace(workshop, telling(listener, base_image, 30, PUSHED))
    with daemon(workshop.root, "--lease", "6") as at:
        run = send(at, 1)
        eventually(lambda: listener.events)
        kill(at, victim)
        if victim == "daemon":
            # Its guardian ends the work, and removes it from the engine, before anybody comes.
            eventually(lambda: not containers(engine, workshop.root, run))
            with daemon(workshop.root, "--lease", "6"):
                all_ended(workshop, 1)
        else:
            all_ended(workshop, 1)
            assert at.stop() == 0
    assert [record["status"] for record in runs(workshop)] == ["Succeeded"]
    assert (listener.tries(), listener.ended()) == ({run: 2}, {run: 1})
    assert listener.overlaps() == []
    assert left_on(engine, workshop.root) == []


def test_who_was_frozen_touches_nothing_of_who_has_the_run_now(
    workshop: Workshop, listener: Listener, base_image: str, engine: docker.DockerClient
) -> None:
    # Nobody ends the container of the frozen one before its lease is over: the work is longer.
    workspace(workshop, telling(listener, base_image, 200, PUSHED))
    with daemon(workshop.root, "--lease", "6") as frozen:
        run = send(frozen, 1)
        eventually(lambda: listener.events)
        pids = [frozen.process.pid, *descendants(frozen.process.pid)]
        try:
            freeze(pids, workshop.root)
            with daemon(workshop.root, "--lease", "6") as at:
                eventually(lambda: listener.tries()[run] == 2)
                send_all(pids, signal.SIGCONT)
                # Its guardian ends what it had, and clears up, while the other one's work goes on.
                eventually(lambda: taken_over(frozen, run))
                all_ended(workshop, 1)
                assert at.stop() == 0
        finally:
            send_all(pids, signal.SIGCONT)
        meters = frozen.client.get(f"{frozen.url}/metrics").text
        assert not [line for line in meters.splitlines() if line.startswith(ENDED)]
        assert frozen.stop() == 0
    assert [record["status"] for record in runs(workshop)] == ["Succeeded"], runs(workshop)
    assert (listener.tries(), listener.ended()) == ({run: 2}, {run: 1})
    assert listener.overlaps() == []
    assert left_on(engine, workshop.root) == []


ENDED = "reconciler_runs_ended_total{"


def freeze(pids: list[int], root: Path) -> None:
    """Stop processes at a moment when none of them is writing the state: that would stop others."""
    for _ in range(50):
        send_all(pids, signal.SIGSTOP)
        with contextlib.closing(sqlite3.connect(root / ".reconciler/state.db", timeout=1)) as found:
            try:
                found.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                send_all(pids, signal.SIGCONT)
            else:
                return
    raise AssertionError("they never stop writing")


def send_all(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def taken_over(at: Daemon, run: str) -> bool:
    words = ("taken over by another worker", run)
    return words in [(line["message"], line.get("run")) for line in at.told("worker")]


def descendants(pid: int) -> list[int]:
    """All processes that a process has started, and those they have."""
    found = children(pid)
    return found + [one for child in found for one in descendants(child)]


def containers(engine: docker.DockerClient, root: Path, run: str) -> list[Any]:
    return list(
        engine.containers.list(
            all=True, ignore_removed=True, filters={"label": f"{RUN_LABEL}={run}"}
        )
    )


def kill(at: Daemon, victim: str) -> None:
    """`kill -9` of the daemon, its guardian, or the program of a run."""
    if victim == "daemon":
        at.kill()
        return
    (guardian,) = children(at.process.pid)
    if victim == "guardian":
        os.kill(guardian, signal.SIGKILL)
        return
    for program in children(guardian):
        os.kill(program, signal.SIGKILL)


def children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def test_a_storm_of_kills_loses_no_event_and_does_none_twice_at_once(
    workshop: Workshop, listener: Listener, base_image: str, engine: docker.DockerClient
) -> None:
    storm(workshop, listener, base_image, events=EVENTS, kills=KILLS)
    assert left_on(engine, workshop.root) == []


# `make storm` asks for fifty, over three hundred events.
KILLS = int(os.environ.get("STORM_KILLS", "10"))
EVENTS = int(os.environ.get("STORM_EVENTS", str(KILLS * 3)))


def storm(workshop: Workshop, listener: Listener, base: str, *, events: int, kills: int) -> None:
    """Send events while the daemon, its guardian or a run is killed again and again."""
    workspace(
        workshop,
        telling(listener, base, 5, PUSHED),
        extra="  pools: {default: {slots: 3}}\n",
    )
    chance = random.Random(20261121)  # the same storm every time
    taken: dict[int, str] = {}
    programs = 0
    waiting = list(range(1, events + 1))
    for number in range(kills + 1):
        with daemon(workshop.root, "--lease", "3") as at:
            share = len(waiting) // (kills + 1 - number) if number < kills else len(waiting)
            for event in waiting[:share]:
                taken[event] = send(at, event)
            waiting = waiting[share:]
            if number < kills:
                time.sleep(chance.uniform(0.2, 2.0))
                victim = chance.choice(["daemon", "guardian", "run"])
                programs += victim == "run"
                with contextlib.suppress(ValueError, OSError):  # there may be none just now
                    kill(at, victim)
                time.sleep(chance.uniform(0.0, 1.0))
                at.kill()
            else:
                found = all_ended(workshop, events)
                assert at.stop() == 0
    assert len(set(taken.values())) == events, "two events have one run"
    status = Counter(record["status"] for record in found)
    lost = [record["id"] for record in found if record["reason"] == "lost"]
    # Only a run whose own program was killed three times is given up, and says so.
    assert status["Succeeded"] + len(lost) == events, status
    assert not lost or programs >= 3, status
    assert listener.overlaps() == []
    assert {run for run, count in listener.ended().items() if count} >= {
        record["id"] for record in found if record["status"] == "Succeeded"
    }
