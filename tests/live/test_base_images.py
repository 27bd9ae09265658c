"""A base is pushed to a real registry, which tells the daemon: the right tasks build, in waves.

The numbers are those of the cases that a watch must survive. What is believed is what the registry
itself told a listener of the test, and the records of runs.
"""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import httpx
import pytest

from reconciler.adapters.web.registry import served_digest
from reconciler.model.event import Decided
from reconciler.store.decisions import list_decisions
from reconciler.store.images import list_images
from tests.flow.serving.desk import Daemon, daemon, eventually, state
from tests.live.conftest import free_port, running_registry
from tests.live.test_pinned_bases import unique
from tests.live.workshop import Workshop

SECRET = "between the registry and us"
INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
TASK = """\
apiVersion: reconciler/v1
kind: Task
metadata: {{name: {name}, registry: contoso}}
spec:
  context: {{source: {name}}}
  step: {{docker: {{images: ["{image}"]}}}}
  triggers: {{baseImage: {trigger}}}
"""


@dataclass
class Told:
    """Events that the registry told the test: the same that it tells the daemon."""

    port: int
    events: list[dict[str, Any]] = field(default_factory=list)

    def heads(self, repository: str) -> int:
        """How many times a tag was looked at; a look is a pull, for the registry."""
        return sum(
            event["action"] == "pull"
            and event["request"]["method"] == "HEAD"
            and event["target"]["repository"] == repository
            for event in list(self.events)
        )


@contextmanager
def listening() -> Iterator[Told]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.events += json.loads(body)["events"]
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told = Told(server.server_port)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield told
        server.shutdown()
        thread.join()


@dataclass
class Yard:
    """A workspace, its registry, what that told, and the engine."""

    workshop: Workshop
    told: Told
    port: int
    engine: docker.DockerClient
    repository: str = field(default_factory=unique)
    quiet: str = "2s"
    interval: str = "1h"

    @property
    def base(self) -> str:
        return f"{self.workshop.registry}/{self.repository}/base:1"

    def name(self, image: str) -> str:
        return f"{self.workshop.registry}/{self.repository}/{image}:1"

    def setup(self) -> None:
        (self.workshop.root / "reconciler.yaml").write_text(
            "apiVersion: reconciler/v1\nkind: Workspace\nregistries:\n"
            f'  - {{name: contoso, loginServer: "{self.workshop.registry}"}}\n'
            "server:\n"
            f"  watch: {{interval: {self.interval}, quiet: {self.quiet}}}\n"
            "  registries:\n    main:\n"
            f'      loginServer: "{self.workshop.registry}"\n'
            '      secret: {secret: "env:REGISTRY_SECRET"}\n'
        )

    def publish(self, content: str) -> str:
        """Serve another base; the engine's own copy of the tag stays what it is. Its digest."""
        folder = self.workshop.root / f"made-{content}"
        folder.mkdir()
        # An image of its own: what is the same is one on the engine, and others remove theirs.
        lines = f"FROM {self.workshop.base}\nRUN echo {content} > /base # {self.repository}\n"
        (folder / "Dockerfile").write_text(lines)
        old = self.engine.images.list(name=self.base)
        image, _ = self.engine.images.build(path=str(folder), tag=self.base, rm=True)
        self.engine.images.push(self.base)
        if old:
            old[0].tag(self.base)
            self.engine.images.remove(str(image.id), force=True)
        return self.served("base")

    def served(self, image: str) -> str:
        repository = f"{self.repository}/{image}"
        return str(served_digest(self.workshop.registry, repository, "1"))

    def task(self, name: str, base: str, trigger: str = "{}", line: str = "RUN id") -> None:
        (self.workshop.context(name) / "Dockerfile").write_text(f"FROM {base}\n{line}\n")
        specs = self.workshop.root / "specs"
        specs.mkdir(exist_ok=True)
        image = f"{self.repository}/{name}:1"
        text = TASK.format(name=name, image=image, trigger=trigger)
        (specs / f"{name}.yaml").write_text(text)

    def apply(self) -> None:
        done = self.workshop.call("apply", "--auto-approve")
        assert done.returncode == 0, done.stdout + done.stderr

    def run(self, name: str) -> None:
        done = self.workshop.call("run", name)
        assert done.returncode == 0, done.stdout + done.stderr

    @contextmanager
    def serving(self, *words: str) -> Iterator[Daemon]:
        listen = ("--listen", f"127.0.0.1:{self.port}")
        with daemon(self.workshop.root, *listen, *words, REGISTRY_SECRET=SECRET) as at:
            yield at

    def seen(self, *images: str) -> None:
        """Wait until tags have been looked at for the first time."""

        def known() -> bool:
            with state(self.workshop.root) as opened:
                found = {one.reference for one in list_images(opened) if one.served is not None}
            return {self.name(image) for image in images} <= found

        eventually(known)

    def decided(self, name: str) -> list[Decided]:
        with state(self.workshop.root) as opened:
            return list_decisions(opened, task=f"contoso/{name}")

    def woken(self) -> list[dict[str, Any]]:
        """The runs that base images woke, oldest first."""
        records = [one for one in self.workshop.records() if one["trigger"] == "baseImage"]
        return records[::-1]

    def built(self, *names: str) -> list[dict[str, Any]]:
        """Those runs, once as many as tasks are named have ended."""

        def ended() -> list[dict[str, Any]]:
            found = self.woken()
            done = [one for one in found if one["status"] not in {"Queued", "Running"}]
            return found if len(done) >= len(names) else []

        found: list[dict[str, Any]] = eventually(ended, 120)
        assert [one["task"] for one in found] == [f"contoso/{name}" for name in names]
        return found


@pytest.fixture(name="yard")
def with_registry(tmp_path: Path, base_image: str, engine: docker.DockerClient) -> Iterator[Yard]:
    port, folder = free_port(), tmp_path / "registry"
    folder.mkdir()
    with listening() as told:
        endpoints = (
            (f"http://127.0.0.1:{port}/registry/main", f"Bearer {SECRET}"),
            (f"http://127.0.0.1:{told.port}/", "Bearer test"),
        )
        notifications = "notifications:\n  endpoints:\n" + "".join(
            f"    - {{name: e{number}, url: '{url}', timeout: 5s, threshold: 3, backoff: 1s, "
            f"headers: {{Authorization: ['{header}']}}}}\n"
            for number, (url, header) in enumerate(endpoints)
        )
        with running_registry(folder, auth=notifications) as address:
            root = tmp_path / "workspace"
            root.mkdir()
            yard = Yard(Workshop(root, address, base_image), told, port, engine)
            yard.setup()
            yield yard
            for image in engine.api.images(filters={"reference": f"{address}/*/*"}):
                engine.api.remove_image(image["Id"], force=True)


def test_a_push_of_a_base_builds_the_right_tasks_in_waves_once_each(yard: Yard) -> None:
    yard.publish("first")
    yard.task("app-image", yard.base, line="RUN echo app-$(cat /base) > /app")
    yard.task("page-image", yard.name("app-image"), line="RUN cat /app")
    yard.task("tool-image", yard.workshop.base)
    yard.apply()
    yard.run("app-image")
    yard.run("page-image")
    with yard.serving() as at:
        yard.seen("base", "app-image")
        stale = yard.engine.images.get(yard.base).id
        moved = yard.publish("second")
        assert yard.engine.images.get(yard.base).id == stale
        app, page = yard.built("app-image", "page-image")
        assert [one["status"] for one in (app, page)] == ["Succeeded"] * 2
        assert [(one["digest"], one["pinned"]) for one in app["bases"]] == [(moved, True)]
        made = app["outputs"][0]["digest"]
        assert made == yard.served("app-image")
        assert [(one["digest"], one["pinned"]) for one in page["bases"]] == [(made, True)]
        assert app["finished"] <= page["started"]
        assert "app-second" in yard.workshop.call("logs", page["id"]).stdout
        # Every push of theirs was told of, and looked at: nothing is built for it again.
        time.sleep(6)
        yard.built("app-image", "page-image")
        assert at.stop() == 0
    assert [one.verdict.value for one in yard.decided("page-image")] == ["queued"]
    assert yard.decided("tool-image") == []


def test_the_first_push_of_tags_that_were_looked_for_builds_all_who_stand_on_them(
    yard: Yard,
) -> None:
    """Nobody had pushed the base, nor the parents' images; each push is told of at once."""
    names = ("a", "b")
    for name in names:
        line = f"RUN echo {name}-$(cat /base) > /app"
        yard.task(f"app-{name}", yard.base, line=line)
        yard.task(f"page-{name}", yard.name(f"app-{name}"), line="RUN cat /app")
    yard.apply()
    with yard.serving() as at:

        def absent() -> bool:
            with state(yard.workshop.root) as opened:
                return [one.absent for one in list_images(opened)] == [True] * 3

        eventually(absent)
        assert f"{yard.base} is not seen" in " ".join(yard.workshop.call("tasks").stdout.split())
        moved = yard.publish("first")

        def ended() -> list[dict[str, Any]]:
            found = yard.woken()
            return found if len(found) == 4 and all(one["finished"] for one in found) else []

        records = {str(one["task"]): one for one in eventually(ended, 180)}
        assert {one["status"] for one in records.values()} == {"Succeeded"}
        time.sleep(6)
        assert len(yard.woken()) == 4, "each once"
        assert at.stop() == 0
    for name in names:
        app, page = records[f"contoso/app-{name}"], records[f"contoso/page-{name}"]
        assert app["event"] == [{"image": yard.base, "from": None, "to": moved}]
        made = app["outputs"][0]["digest"]
        assert page["event"] == [{"image": yard.name(f"app-{name}"), "from": None, "to": made}]
        assert [one.verdict.value for one in yard.decided(f"page-{name}")] == ["queued"]
    told = [line for line in at.lines if "queued" in line]
    assert {name for line in told for name in line["tasks"].split(", ")} == set(records)
    assert yard.base in told[0]["images"]


def test_a_poll_finds_what_no_notification_told(yard: Yard) -> None:
    yard.interval = "3s"
    yard.setup()
    yard.publish("first")
    yard.task("app-image", yard.base)
    yard.apply()
    with yard.serving("--no-worker"):
        yard.seen("base")
    yard.publish("second")  # nobody is there to be told
    with yard.serving("--no-worker"):
        (record,) = eventually(yard.woken)
    assert record["status"] == "Queued"


# ------------------------------------------------------------------------ rows
def notify(at: Daemon, repository: str, secret: str = SECRET, **more: Any) -> httpx.Response:
    target = {"mediaType": MANIFEST, "repository": repository, "tag": "1", "digest": "sha256:0"}
    event = {"id": unique(), "action": "push", "target": target | more.pop("target", {})} | more
    headers = {"authorization": f"Bearer {secret}"}
    url = f"{at.url}/registry/main"
    return httpx.post(url, json={"events": [event]}, headers=headers, trust_env=False)


def looks(yard: Yard, seconds: float) -> int:
    """How many times the one watched tag is looked at in the next seconds."""
    found, end = set(), time.monotonic() + seconds
    while time.monotonic() < end:
        with state(yard.workshop.root) as opened:
            (image,) = list_images(opened)
        found.add(image.checked_at)
        time.sleep(0.2)
    return len(found) - 1


def test_row_20_a_forged_event_costs_one_look_and_builds_nothing(yard: Yard) -> None:
    yard.publish("first")
    yard.task("app-image", yard.base)
    yard.apply()
    repository = f"{yard.repository}/base"
    time.sleep(1)
    pushing = yard.told.heads(repository)
    with yard.serving("--no-worker") as at:
        yard.seen("base")
        time.sleep(8)
        # Looks are pulls, which the registry tells: they set off no look of their own. There is one
        # for the first sight, and one for the push that nobody was there to be told of.
        assert yard.told.heads(repository) - pushing <= 2
        assert looks(yard, 4) == 0
        assert notify(at, repository, secret="a guess").status_code == 401
        assert httpx.post(f"{at.url}/registry/main", json={}, trust_env=False).status_code == 401
        ignored: tuple[dict[str, Any], ...] = (
            {"action": "pull"},
            {"action": "delete"},
            {"target": {"tag": ""}},
            {"target": {"mediaType": "application/octet-stream"}},
            {"target": {"repository": "nobody/stands-on-it"}},
            {"target": {"repository": "../x"}},
        )
        for more in ignored:
            assert notify(at, repository, **more).json()["verdict"] == "ignored"
        assert looks(yard, 4) == 0
        for _ in range(20):
            assert notify(at, repository).json()["verdict"] == "looking"
        assert 1 <= looks(yard, 8) <= 2
        assert yard.woken() == []


def put(yard: Yard, tag: str, kind: str, body: bytes) -> str:
    url = f"http://{yard.workshop.registry}/v2/{yard.repository}/base/manifests/{tag}"
    sent = httpx.put(url, content=body, headers={"Content-Type": kind}, trust_env=False)
    sent.raise_for_status()
    return "sha256:" + hashlib.sha256(body).hexdigest()


def test_row_31_another_platform_of_a_list_moves_nothing(yard: Yard) -> None:
    """A registry that is asked for too few kinds answers with the digest of one platform."""
    yard.publish("first")
    url = f"http://{yard.workshop.registry}/v2/{yard.repository}/base/manifests/1"
    one = httpx.get(url, headers={"Accept": MANIFEST}, trust_env=False).content
    other = one + b"\n"  # the same image, and another digest

    def listed(intel: bytes, arm: bytes) -> str:
        entries = [
            {
                "mediaType": MANIFEST,
                "size": len(body),
                "digest": put(yard, f"{machine}-child", MANIFEST, body),
                "platform": {"os": "linux", "architecture": machine},
            }
            for machine, body in (("amd64", intel), ("arm64", arm))
        ]
        whole = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
        return put(yard, "1", INDEX, json.dumps(whole).encode())

    first = listed(one, one)
    yard.task("app-image", yard.base)
    yard.apply()
    with yard.serving("--no-worker"):
        yard.seen("base")
        with state(yard.workshop.root) as opened:
            (image,) = list_images(opened)
        assert image.served is not None
        assert image.served.digest == first
        assert set(image.served.platforms or ()) == {"linux/amd64", "linux/arm64"}
        listed(one, other)
        decided = eventually(lambda: yard.decided("app-image"))
        assert [one.verdict.value for one in decided] == ["same-digest"]
        assert yard.woken() == []
        moved = listed(other, other)
        (record,) = eventually(yard.woken)
    with state(yard.workshop.root) as opened:
        newest = list_decisions(opened, task="contoso/app-image")[0]
    assert (newest.version, newest.run_id) == (moved, record["id"])
