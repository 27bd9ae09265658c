"""Runs on the real engine and registry, through the command as a person uses it."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import docker
import pytest

from reconciler.adapters.web.registry import served_digest
from tests.live.marked import running
from tests.live.workshop import Workshop

PLANTED = "pl4nted/s3cret+value"


def unique() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


# ------------------------------------------------------------------- success
def test_a_build_is_pushed_and_the_registry_serves_the_digest(workshop: Workshop) -> None:
    name = unique()
    workshop.context("app", "RUN echo streamed")
    done = workshop.call(
        "build", "app", "-r", "contoso", "-t", f"{name}:{{{{.Run.ID}}}}", "-t", name
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^build    \| .*streamed$", done.stdout, re.MULTILINE)
    record = workshop.last()
    tags = [output["reference"] for output in record["outputs"]]
    assert tags == [f"{workshop.registry}/{name}:{tag}" for tag in (record["id"], "latest")]
    digest = served_digest(workshop.registry, name, record["id"])
    assert digest == record["outputs"][0]["digest"]
    assert str(digest) in done.stdout


def test_the_record_says_what_the_run_stood_on(workshop: Workshop) -> None:
    folder = workshop.context("app", "COPY data /")
    (folder / "data").write_bytes(b"x" * 1000)
    workshop.call("build", "app")
    record = workshop.last()
    assert record["bases"][0]["reference"] == workshop.base
    assert record["bases"][0]["imageId"].startswith("sha256:")
    assert record["contextFiles"] == 2
    assert record["contextBytes"] > 1000
    assert record["actor"] == "dev@contoso.example"
    assert record["builder"] in {"buildkit", "classic"}


@pytest.mark.parametrize("restored", [False, True])
def test_the_history_of_a_folder_is_left_out_of_its_image(
    workshop: Workshop, restored: bool
) -> None:
    check = "test" if restored else "! test"
    folder = workshop.context("app", "COPY . /x", f"RUN {check} -e /x/.git/config && test -e /x/d")
    for name in (".git/config", "d/.git/config", "d/.reconciler/state.db", "d/kept"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(unique())
    rules = "hidden\n" + "!.git\n" * restored
    (folder / ".dockerignore").write_text(rules)
    (folder / "hidden").write_text("x")
    with (folder / "Dockerfile").open("a") as file:
        file.write("RUN ! test -e /x/d/.git && ! test -e /x/d/.reconciler && ! test -e /x/hidden\n")
    done = workshop.call("build", "app", "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr
    assert workshop.last()["contextFiles"] == 3 + restored
    steps = [{"id": "a", "build": "--no-cache -t a:1 ."}]
    (folder / "task.yaml").write_text(f"version: v1.1.0\nsteps: {json.dumps(steps)}\n")
    done = workshop.call("run", "-f", "task.yaml", "app")
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_a_name_nothing_is_pushed_and_that_is_said(workshop: Workshop) -> None:
    workshop.context("app")
    done = workshop.call("build", "app")
    assert done.returncode == 0
    assert "nothing was pushed" in done.stdout


def test_the_image_carries_its_run(workshop: Workshop, engine: docker.DockerClient) -> None:
    name = unique()
    workshop.context("app")
    workshop.call("build", "app", "-t", name, "--no-push")
    record = workshop.last()
    labels = engine.images.get(f"{workshop.registry}/{name}").labels
    assert labels["io.reconciler.run"] == record["id"]
    assert labels["org.opencontainers.image.base.name"] == workshop.base


def test_a_pulled_base_is_recorded_with_the_registrys_digest(
    workshop: Workshop, engine: docker.DockerClient
) -> None:
    name = f"{workshop.registry}/{unique()}:1"
    engine.images.get(workshop.base).tag(name)
    engine.images.push(name)
    engine.images.remove(name)
    (workshop.context("app") / "Dockerfile").write_text(f"FROM {name}\n")
    assert workshop.call("build", "app").returncode == 0
    repository, _, tag = name.removeprefix(f"{workshop.registry}/").partition(":")
    assert workshop.last()["bases"][0]["digest"] == served_digest(
        workshop.registry, repository, tag
    )


def test_outside_of_any_workspace_the_state_is_the_persons(workshop: Workshop) -> None:
    workshop.context("app")
    (workshop.root / "reconciler.yaml").unlink()
    assert workshop.call("build", "app").returncode == 0
    assert (Path(os.environ["XDG_STATE_HOME"]) / "reconciler" / "state.db").exists()


# ------------------------------------------------------------------ failures
def test_a_failing_build_is_exit_4_and_says_why(workshop: Workshop) -> None:
    workshop.context("app", "RUN echo before; exit 42")
    done = workshop.call("build", "app", "-t", unique())
    assert done.returncode == 4
    assert "exited with 42" in done.stderr
    assert "(reason: step)" in done.stderr
    assert "not run: push" in done.stderr
    assert "before" in workshop.call("logs", workshop.last()["id"], "--step", "build").stdout


@pytest.mark.parametrize(
    ("words", "reason", "said"),
    [
        (["none"], "source-missing", "none"),
        (["oci://r.contoso.invalid/a:1"], "source-missing", "the artifact cannot be fetched"),
        (["app", "-f", "Dockerfil"], "dockerfile-missing", "did you mean Dockerfile?"),
        (["app", "--secret", "T=env:NOT_SET_HERE"], "secret-denied", "NOT_SET_HERE is not set"),
        (["missing-base"], "base-pull", "Dockerfile line 1"),
    ],
)
def test_wrong_input_is_a_failed_run_with_its_reason(
    workshop: Workshop, words: list[str], reason: str, said: str
) -> None:
    workshop.context("app")
    folder = workshop.context("missing-base")
    (folder / "Dockerfile").write_text(f"FROM {workshop.registry}/not-there:1\n")
    done = workshop.call("build", *words)
    assert done.returncode == 4
    assert workshop.last()["reason"] == reason
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_registry_that_refuses_is_push_auth(workshop: Workshop, registry_htpasswd: Any) -> None:
    workshop.context("app")
    done = workshop.call("build", "app", "-r", registry_htpasswd.address, "-t", "team/app:1")
    assert done.returncode == 4
    assert workshop.last()["reason"] == "push-auth"
    assert f"docker login {registry_htpasswd.address}" in " ".join(done.stderr.split())
    assert "team/app" in done.stderr


def test_a_login_of_the_docker_settings_is_used(workshop: Workshop, registry_htpasswd: Any) -> None:
    import base64

    pair = f"{registry_htpasswd.username}:{registry_htpasswd.password}".encode()
    login = {"auths": {registry_htpasswd.address: {"auth": base64.b64encode(pair).decode()}}}
    workshop.environment["DOCKER_AUTH_CONFIG"] = json.dumps(login)
    workshop.context("app")
    done = workshop.call("build", "app", "-r", registry_htpasswd.address, "-t", "team/app:2")
    assert done.returncode == 0, done.stderr
    assert "not read back" not in done.stdout


def test_no_engine_is_exit_1_with_the_fix(workshop: Workshop) -> None:
    workshop.context("app")
    workshop.environment["DOCKER_HOST"] = f"unix://{workshop.root}/none.sock"
    workshop.environment["PATH"] = str(workshop.root)  # no buildah, which needs no engine
    done = workshop.call("build", "app")
    assert done.returncode == 1
    assert "DOCKER_HOST" in done.stderr
    assert (workshop.last()["status"], workshop.last()["reason"]) == ("Error", "engine")


def test_an_engine_that_dies_during_the_build_is_an_engine_error(workshop: Workshop) -> None:
    workshop.context("app", "RUN echo begun; sleep 300")
    with Bridge(workshop.root / "engine.sock") as bridge:
        workshop.environment["DOCKER_HOST"] = f"unix://{bridge.path}"
        process = workshop.start("build", "app", "--no-cache")
        wait_for_line(process, "begun")
        bridge.collapse()
        process.communicate(timeout=60)
    assert process.returncode == 1
    assert (workshop.last()["status"], workshop.last()["reason"]) == ("Error", "engine")


# ------------------------------------------------------------------ stopping
def eventually(true: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.05)
    return true()


def wait_for_line(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if re.search(rf"^build    \| #\d+ [\d.]+ {text}", line):
            return
    pytest.fail(f"the run ended without printing {text}")


@pytest.fixture
def sleeper(workshop: Workshop) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A run whose build sleeps, and a word by which its command is known."""
    mark = str(100_000 + uuid.uuid4().int % 100_000)
    workshop.context("slow", f"RUN echo begun; sleep {mark}")
    process = workshop.start("build", "slow", "--no-cache")
    wait_for_line(process, "begun")
    yield process, mark
    if process.poll() is None:
        process.kill()
    process.communicate()


Sleeper = tuple[subprocess.Popen[str], str]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_the_build_and_is_exit_130(
    workshop: Workshop, sleeper: Sleeper, number: signal.Signals
) -> None:
    process, mark = sleeper
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert eventually(lambda: not running(mark))
    assert (workshop.last()["status"], workshop.last()["reason"]) == ("Canceled", "canceled")


def test_cancel_from_elsewhere_stops_the_build_and_is_exit_4(
    workshop: Workshop, sleeper: Sleeper
) -> None:
    process, mark = sleeper
    done = workshop.call("cancel", workshop.last()["id"])
    assert (done.returncode, done.stdout) == (0, f"run {workshop.last()['id']}: canceled\n")
    process.communicate(timeout=30)
    assert process.returncode == 4
    assert eventually(lambda: not running(mark))
    assert workshop.last()["message"] == "canceled by dev@contoso.example"


def test_a_run_out_of_time_is_a_timeout(workshop: Workshop) -> None:
    workshop.context("slow", "RUN sleep 300")
    done = workshop.call("build", "slow", "--no-cache", "--timeout", "2")
    assert done.returncode == 4
    assert (workshop.last()["status"], workshop.last()["reason"]) == ("Timeout", "timeout")
    assert workshop.last()["steps"][0]["status"] == "timed-out"


def test_a_killed_run_is_found_lost_by_the_next_command(
    workshop: Workshop, sleeper: Sleeper
) -> None:
    process, mark = sleeper
    process.kill()
    process.wait()
    listed = workshop.call("runs")
    assert "is lost" in listed.stderr
    assert "Failed lost" in listed.stdout
    assert "is lost" not in workshop.call("runs").stderr
    # The kernel ended the client with its parent, and the engine what the client had it do.
    assert eventually(lambda: not running(mark))


def test_a_log_is_followed_from_another_process_until_the_end(
    workshop: Workshop, sleeper: Sleeper
) -> None:
    process, _ = sleeper
    run_id = workshop.last()["id"]
    follower = workshop.start("logs", "-f", run_id)
    wait_for_line(follower, "begun")
    assert follower.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    follower.communicate(timeout=30)
    assert follower.returncode == 0


def test_ctrl_c_ends_the_following_only(workshop: Workshop, sleeper: Sleeper) -> None:
    process, _ = sleeper
    follower = workshop.start("logs", "-f", workshop.last()["id"])
    wait_for_line(follower, "begun")
    follower.send_signal(signal.SIGINT)
    follower.communicate(timeout=30)
    assert follower.returncode == 0
    assert process.poll() is None
    assert workshop.last()["status"] == "Running"


def test_a_reader_that_leaves_does_not_end_the_run(workshop: Workshop) -> None:
    workshop.context("app", "RUN for i in 1 2 3 4 5 6 7 8 9; do echo line $i; sleep 0.1; done")
    process = workshop.start("build", "app", "--no-cache")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert workshop.last()["status"] == "Succeeded"
    assert "line 9" in workshop.call("logs", workshop.last()["id"]).stdout


# ------------------------------------------------------------------- secrets
def test_a_planted_secret_is_found_nowhere(workshop: Workshop, tmp_path: Path) -> None:
    # Of this test alone: others that run beside it may show theirs.
    planted = f"pl4nted/{unique()}+value"
    secret = tmp_path.parent / f"{unique()}.txt"
    secret.write_text(planted + "\n")
    workshop.context(
        "app",
        "RUN --mount=type=secret,id=TOK cat /run/secrets/TOK; base64 < /run/secrets/TOK; "
        "echo begun; sleep 3",
    )
    process = workshop.start("build", "app", "--no-cache", "--secret", f"TOK=file:{secret}")
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if re.search(r"^build    \| #\d+ [\d.]+ begun", line):
            seen += subprocess.run(
                ["ps", "auxeww"], capture_output=True, text=True, check=True
            ).stdout
    process.communicate(timeout=60)
    assert process.returncode == 0, seen
    assert "***" in seen
    stored = b"".join(path.read_bytes() for path in workshop.root.rglob("*") if path.is_file())
    # Without the last letters, which depend on what follows.
    for form in (planted, base64.b64encode(planted.encode()).decode()[:-4]):
        assert form not in seen
        assert form.encode() not in stored
    assert list(Path("/dev/shm").glob(f"reconciler-private-{process.pid}-*")) == []
    assert workshop.last()["secrets"][0]["fingerprint"]


def test_a_secret_of_a_killed_build_is_removed_by_the_next_look(workshop: Workshop) -> None:
    workshop.environment["PLANTED_TOKEN"] = PLANTED
    workshop.context("slow", "RUN --mount=type=secret,id=PLANTED_TOKEN echo begun; sleep 3")
    process = workshop.start("build", "slow", "--no-cache", "--secret", "PLANTED_TOKEN")
    wait_for_line(process, "begun")
    process.kill()
    process.communicate(timeout=60)
    mine = f"reconciler-private-{process.pid}-*"
    assert list(Path("/dev/shm").glob(mine))
    assert workshop.last()["reason"] == "lost"
    assert list(Path("/dev/shm").glob(mine)) == []


def test_a_secret_of_the_environment_does_not_reach_the_client(workshop: Workshop) -> None:
    workshop.environment["PLANTED_TOKEN"] = PLANTED
    workshop.context("slow", "RUN --mount=type=secret,id=PLANTED_TOKEN echo begun; sleep 3")
    process = workshop.start("build", "slow", "--no-cache", "--secret", "PLANTED_TOKEN")
    wait_for_line(process, "begun")
    children = [pid for pid in Path("/proc").glob("[0-9]*") if parent(pid) == process.pid]
    environments = [(pid / "environ").read_bytes() for pid in children]
    process.communicate(timeout=60)
    assert environments
    assert not [text for text in environments if PLANTED.encode() in text]


def parent(process: Path) -> int:
    with suppress(OSError, IndexError):
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    return 0


def test_a_secret_written_into_the_image_is_not_pushed(workshop: Workshop) -> None:
    name = unique()
    workshop.environment["TOK"] = PLANTED
    workshop.context("app", f"LABEL leaked={PLANTED}", "RUN --mount=type=secret,id=TOK true")
    done = workshop.call("build", "app", "-t", f"{name}:1", "--secret", "TOK")
    assert done.returncode == 4
    assert workshop.last()["reason"] == "secret-denied"
    assert served_digest(workshop.registry, name, "1") is None
    assert PLANTED not in done.stdout + done.stderr


# ------------------------------------------------------------------- the task
def test_an_applied_task_is_run_by_its_name(workshop: Workshop) -> None:
    name = unique()
    workshop.context("app", "ARG RUN_ID", "RUN echo id-$RUN_ID")
    put_task(workshop, name)
    done = workshop.call("run", "web-api")
    assert done.returncode == 0, done.stderr
    record = workshop.last()
    assert record["task"] == "contoso/web-api"
    assert f"id-{record['id']}" in done.stdout
    assert served_digest(workshop.registry, name, record["id"]) == record["outputs"][0]["digest"]


def put_task(workshop: Workshop, image: str) -> None:
    document = {
        "apiVersion": "reconciler/v1",
        "kind": "Task",
        "metadata": {"name": "web-api", "registry": "contoso"},
        "spec": {
            "context": {"source": "app"},
            "step": {
                "docker": {
                    "images": [f"{image}:{{{{.Run.ID}}}}"],
                    "args": {"RUN_ID": "{{.Run.ID}}"},
                }
            },
        },
    }
    workshop.call("runs")  # makes the state
    with sqlite3.connect(workshop.root / ".reconciler" / "state.db") as database:
        database.execute(
            "insert into live_tasks values (?, ?, '2026-11-21T03:00:00Z', 'dev')",
            ("contoso/web-api", json.dumps(document)),
        )
    database.close()


def test_an_unknown_task_is_exit_1_with_what_to_do(workshop: Workshop) -> None:
    done = workshop.call("run", "nothing-here")
    assert done.returncode == 1
    assert "once it is applied" in done.stderr


# ------------------------------------------------------------------- helpers
class Bridge:
    """A socket in front of the engine's own, that can collapse like an engine that is killed."""

    def __init__(self, path: Path, listener: socket.socket | None = None) -> None:
        self.path = path
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = listener or socket.socket(socket.AF_UNIX)
        if listener is None:
            self._listener.bind(str(path))
            self._listener.listen()
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.collapse()

    def collapse(self) -> None:
        """Stop answering, and cut every connection."""
        self.path.unlink(missing_ok=True)
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        ends = [end for pair in self._pairs for end in pair]
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=5)
        for end in ends:
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect("/var/run/docker.sock")
                self._pairs.append((near, far))
                self._start(_pump, near, far)
                self._start(_pump, far, near)

    def _start(self, work: Callable[..., None], *words: socket.socket) -> None:
        thread = threading.Thread(target=work, args=words, daemon=True)
        self._threads.append(thread)
        thread.start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def test_an_unknown_run_variable_is_wrong_usage_before_anything_is_done(workshop: Workshop) -> None:
    workshop.context("app")
    done = workshop.call("build", "app", "-t", "a:{{.Run.Idd}}")
    assert done.returncode == 64
    assert "{{.Run.ID}}?" in done.stderr
    assert workshop.records() == []


def test_a_password_in_the_registry_is_not_repeated(workshop: Workshop) -> None:
    done = workshop.call("build", "app", "-r", "https://u:pl4nted@h:5000", "-t", "a")
    assert done.returncode == 64
    assert "pl4nted" not in done.stderr + done.stdout


def test_a_secret_given_as_argument_too_is_refused_and_forgotten(workshop: Workshop) -> None:
    workshop.context("app", "ARG V", "RUN echo $V")
    workshop.environment["TOK"] = PLANTED
    done = workshop.call("build", "app", "--secret", "TOK", "--build-arg", f"V=x{PLANTED}")
    assert done.returncode == 4
    assert workshop.last()["reason"] == "secret-denied"
    assert PLANTED not in done.stdout + done.stderr + json.dumps(workshop.records())
    for path in (Path(os.environ["XDG_STATE_HOME"]), workshop.root / ".reconciler"):
        for file in path.rglob("*"):
            if file.is_file():
                assert PLANTED.encode() not in file.read_bytes(), file
