"""A daemon learns what tasks with contexts elsewhere stand on, without a run of them."""

from __future__ import annotations

import contextlib
import io
import json
import signal
import socket
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.event import Decided
from reconciler.model.tracked import TaskBases, TrackedBase
from reconciler.store.decisions import list_decisions
from reconciler.store.task_bases import observe_bases
from tests.flow.project import Project, new_project
from tests.flow.serving.desk import Daemon, daemon, eventually, state
from tests.listening import listening
from tests.live.git_server import GitServer, add_commit, git, make_repository, serve_git

TOKEN = "gitpat-0123456789-planted"
HUB = "docker.io/library"
FILES = {
    "Dockerfile": "ARG BASE=alpine:3\nFROM $BASE\n",
    "sub/app/Dockerfile": "FROM golang:1.22 AS b\nFROM debian:12\nCOPY --from=b / /\n",
    "acb.yaml": "version: v1.1.0\nsteps:\n  - build: -t $Registry/web:1 -f sub/app/Dockerfile .\n",
    "late.yaml": '{{ if eq .Run.Branch "x" }}\nsteps: [{build: "-t web:1 ."}]\n{{ end }}\n',
}


@dataclass
class Place:
    """A workspace, and a Git server with the repository `app` whose branch is main."""

    project: Project
    server: GitServer
    work: Path

    def write(self, name: str = "web-api", folder: str = "", **parts: Any) -> None:
        source = f"{self.server.url}/app.git#main{folder and f':{folder}'}"
        context = {"source": source, "token": {"secret": "env:GIT_PAT"}}
        parts = {"triggers": {"baseImage": {"type": "All"}}, "context": context} | parts
        self.project.write(name, **parts)

    def apply(self) -> None:
        outcome = self.project.run("apply", "--auto-approve")
        assert outcome.code == 0, outcome.err

    def bases(self, name: str = "web-api") -> Any:
        return json.loads(self.project.run("show", name, "-o", "json").out)["bases"]

    def read(self, name: str = "web-api") -> list[tuple[str, str]]:
        """The images and their places, once they are known."""

        def known() -> bool:
            found = self.bases(name)
            return found is not None and found["unknown"] is None

        eventually(known)
        found = self.bases(name)
        assert found["source"] == "declared"
        url = self.server.url
        return [
            (one["reference"].removeprefix(f"{HUB}/"), f"{one['file']}:{one['line']}"[len(url) :])
            for one in found["images"]
        ]

    def decided(self, name: str = "web-api") -> list[Decided]:
        with state(self.project.root) as opened:
            return list_decisions(opened, task=f"contoso/{name}")

    def told(self, *words: str) -> str:
        return " ".join(self.project.run(*words).out.split())

    @contextmanager
    def serving(self, token: str = TOKEN) -> Iterator[Daemon]:
        words = ("--no-worker", "--no-timers")
        with daemon(self.project.root, *words, GIT_PAT=token) as at:
            yield at


@pytest.fixture(name="place")
def with_git(tmp_path: Path) -> Iterator[Place]:
    work, _ = make_repository(tmp_path / "root", "app", FILES, branch="main")
    project = new_project(tmp_path / "workspace")
    with serve_git(tmp_path / "root", username="x-access-token", password=TOKEN) as server:
        trust(project, server.host)
        yield Place(project, server, work)


def trust(project: Project, *hosts: str) -> None:
    config = project.root / "reconciler.yaml"
    named = ", ".join(f'"{host}": {{insecure: true}}' for host in hosts)
    config.write_text(config.read_text() + f"hosts: {{{named}}}\n")


def of_task(at: Daemon, name: str = "web-api") -> list[dict[str, str]]:
    return [line for line in at.told("images") if line.get("task") == f"contoso/{name}"]


def test_tasks_are_known_by_their_files_before_any_run(place: Place) -> None:
    """With the arguments of the task, below a folder, by a task file, with steps of their own."""
    place.write(step={"docker": {"images": ["web:1"], "args": {"BASE": "busybox:1"}}})
    place.write("below-app", "sub/app", step={"docker": {"images": ["below:1"]}})
    place.write("by-file", step={"file": {"path": "acb.yaml"}})
    steps = [{"build": "-t $Registry/inline:1 ."}]
    place.write("by-steps", step={"inline": {"steps": steps}})
    place.apply()
    told = place.told("show", "web-api")
    assert "unknown until the daemon has read it, or its first run: its context is fetched" in told
    with place.serving() as at:
        assert place.read() == [("busybox:1", "/app.git#main:Dockerfile:2")]
        below = "/app.git#main:sub/app/Dockerfile"
        stages = [("golang:1.22", f"{below}:1"), ("debian:12", f"{below}:2")]
        assert place.read("below-app") == stages
        assert place.read("by-file") == stages
        assert place.read("by-steps") == [("alpine:3", "/app.git#main:Dockerfile:2")]
        eventually(lambda: of_task(at, "by-steps"))
        (line,) = of_task(at, "below-app")
        assert line["message"] == "2 base images, read from its context now"
        assert at.stop() == 0
    assert place.decided("below-app") == []
    assert "[contoso/web-api" in place.told("graph", "--base", "busybox:1").replace('"', "")
    assert "debian" in place.project.run("graph").out
    assert list((place.project.root / ".reconciler" / "work").iterdir()) == []


def test_whose_trigger_is_off_is_not_fetched(place: Place) -> None:
    place.write(triggers={"baseImage": {"status": "Disabled"}})
    place.write("silent-1", triggers={})
    place.write("task-off", status="Disabled")
    place.write("task-on")
    place.apply()
    with place.serving():
        place.read("task-on")
    for name in ("web-api", "silent-1", "task-off"):
        assert place.bases(name)["unknown"] == "its context is fetched by the run"
    assert "not known" not in place.told("tasks")


def test_what_cannot_be_fetched_is_told_everywhere_and_no_secret_is(place: Place) -> None:
    place.write()
    place.apply()
    wrong = "gitpat-of-somebody-else"
    for _ in range(2):  # once in the log of each daemon, and one decision
        with place.serving(wrong) as at:
            (line,) = eventually(lambda: of_task(at))
            assert at.stop() == 0
        assert line["verdict"] == "untracked"
        assert "the token is env:GIT_PAT" in line["error"]
    why = place.bases()["unknown"]
    assert why == line["error"]
    (found,) = place.decided()
    assert (found.verdict, found.trigger) == ("untracked", "baseImage")
    assert why in found.detail
    for words in (("show", "web-api"), ("tasks",), ("doctor",)):
        assert "the token is env:GIT_PAT" in place.told(*words)
    (row,) = json.loads(place.project.run("tasks", "-o", "json").out)["tasks"]
    assert row["untracked"] == why
    for path in place.project.root.rglob("state.db*"):
        assert wrong.encode() not in path.read_bytes()


def test_a_token_that_a_file_of_the_context_repeats_is_masked(place: Place) -> None:
    add_commit(place.work, {"Dockerfile": f"FROM {TOKEN}:!\n"}, "who has it may write it there")
    git(place.work, "push", "--quiet", "origin", "main")
    place.write()
    place.apply()
    with place.serving() as at:
        (line,) = eventually(lambda: of_task(at))
    assert line["error"].endswith("'***:!' is not an image reference")
    assert TOKEN not in str(at.lines)
    for path in place.project.root.rglob("state.db*"):
        assert TOKEN.encode() not in path.read_bytes()


def test_a_new_apply_is_read_at_once_also_of_what_failed(place: Place) -> None:
    place.write(context={"source": f"{place.server.url}/gone.git#main"})
    place.apply()
    with place.serving() as at:
        (line,) = eventually(lambda: of_task(at))
        assert line["verdict"] == "untracked"
        place.write()
        place.apply()
        assert [image for image, _ in place.read()] == ["alpine:3"]
    assert json.loads(place.project.run("tasks", "-o", "json").out)["tasks"][0]["untracked"] is None


def test_a_mended_token_is_tried_when_the_daemon_is_told_so(place: Place) -> None:
    secret = place.project.root / "token"
    secret.write_text("not this one, it is another")
    source = f"{place.server.url}/app.git#main"
    place.write(context={"source": source, "token": {"secret": "file:token"}})
    place.apply()
    with place.serving() as at:
        eventually(lambda: of_task(at))
        secret.write_text(TOKEN)
        at.process.send_signal(signal.SIGHUP)
        assert [image for image, _ in place.read()] == ["alpine:3"]


def test_files_that_do_not_tell_are_told_and_what_they_tell_counts(place: Place) -> None:
    place.write(step={"file": {"path": "late.yaml"}})
    docker = {"images": ["web:1"], "args": {"BASE": "base:{{.Run.ID}}"}}
    place.write("late-base", step={"docker": docker})
    place.write("missing", step={"docker": {"images": ["other:1"], "file": "Nowhere"}})
    place.apply()
    with place.serving() as at:
        names = ("web-api", "late-base", "missing")
        eventually(lambda: all(of_task(at, name) for name in names))
        whys = {name: of_task(at, name)[0]["error"] for name in names}
    shown = f"{place.server.url}/app.git#main"
    assert whys["web-api"] == f"{shown}: what it does depends on the run"
    assert whys["late-base"].startswith(f"{shown}: only a run knows what ")
    assert whys["missing"].startswith(f"{shown}: Nowhere: cannot read the file")
    assert {one.verdict for name in whys for one in place.decided(name)} == {"untracked"}


def test_what_runs_told_of_a_changed_build_is_read_anew(place: Place) -> None:
    place.write()
    place.apply()
    with place.project.opened() as opened, opened.database.write() as connection:
        base = TrackedBase(reference="old.example/base:1", platform="linux/amd64", kind="runtime")
        now = opened.clock()
        known = TaskBases(images=(base,))
        observe_bases(connection, "contoso/web-api", known, asked=now, at=now)
    place.write(step={"docker": {"images": ["web:1"], "args": {"BASE": "busybox:2"}}})
    place.apply()
    assert [one["reference"] for one in place.bases()["images"]] == ["old.example/base:1"]
    assert place.bases()["unknown"] is not None
    with place.serving():
        assert [image for image, _ in place.read()] == ["busybox:2"]


def test_a_host_that_does_not_answer_holds_up_neither_the_end_nor_files_that_are_here(
    place: Place,
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(100)  # the kernel takes connections, and nobody ever answers
        other = f"127.0.0.1:{silent.getsockname()[1]}"
        config = place.project.root / "reconciler.yaml"
        config.write_text(config.read_text().partition("hosts:")[0])
        trust(place.project, place.server.host, other)
        place.project.write(
            "here-app",
            context={"source": "web"},
            step={"docker": {"images": ["here:1"]}},
            triggers={"baseImage": {}},
        )
        place.apply()
        elsewhere = {"source": f"http://{other}/app.git#main"}
        place.write("silent-app", context=elsewhere)
        place.apply()
        (place.project.root / "web").mkdir()
        (place.project.root / "web" / "Dockerfile").write_text("FROM alpine:3\n")
        with place.serving() as at:
            eventually(lambda: place.bases("here-app")["unknown"] is None)
            silent.settimeout(60)
            connection, _ = silent.accept()
            with connection:
                assert at.stop() == 0
    assert place.decided("silent-app") == []
    assert list((place.project.root / ".reconciler" / "work").iterdir()) == []


@contextmanager
def archives(parts: Iterator[bytes]) -> Iterator[str]:
    """The host of a server that answers with these parts, one after the other."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):  # the other side hung up
                for part in parts:
                    self.wfile.write(part)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, listening(server):
        yield f"127.0.0.1:{server.server_port}"


def archived(tmp_path: Path, host: str) -> Project:
    project = new_project(tmp_path / "workspace")
    trust(project, host)
    project.write(
        context={"source": f"http://{host}/app.tar.gz"},
        step={"docker": {"images": ["web:1"]}},
        triggers={"baseImage": {}},
    )
    assert project.run("apply", "--auto-approve").code == 0
    return project


def test_an_archive_is_read_as_well(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(b"FROM alpine:3\n")
        archive.addfile(member, io.BytesIO(b"FROM alpine:3\n"))
    with archives(iter([packed.getvalue()])) as host:
        project = archived(tmp_path, host)
        with daemon(project.root, "--no-worker", "--no-timers") as at:
            (line,) = eventually(lambda: of_task(at))
    assert line["message"] == "1 base image, read from its context now"
    (image,) = json.loads(project.run("show", "web-api", "-o", "json").out)["bases"]["images"]
    assert image["file"] == f"http://{host}/app.tar.gz:Dockerfile"


def test_a_download_without_an_end_does_not_hold_up_the_end(tmp_path: Path) -> None:
    over, begun = threading.Event(), threading.Event()

    def endless() -> Iterator[bytes]:
        while not over.wait(0.05):
            yield b"x" * 1024
            begun.set()

    with archives(endless()) as host:
        project = archived(tmp_path, host)
        with daemon(project.root, "--no-worker", "--no-timers") as at:
            assert begun.wait(60)
            assert at.stop() == 0, "within the minute of the helper, not the five of a fetch"
        over.set()
    assert of_task(at) == []
    assert list((project.root / ".reconciler" / "work").iterdir()) == []


def test_a_link_of_the_repository_shows_nothing_of_this_machine(
    place: Place, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("FROM hidden:1\n")
    (place.work / "linked").symlink_to(tmp_path / "secret")
    add_commit(place.work, {}, "a link")
    git(place.work, "push", "--quiet", "origin", "main")
    place.write(step={"docker": {"images": ["web:1"], "file": "linked"}})
    place.apply()
    with place.serving() as at:
        (line,) = eventually(lambda: of_task(at))
    assert line["verdict"] == "untracked"
    assert "hidden" not in str(at.lines) + str(place.bases())
