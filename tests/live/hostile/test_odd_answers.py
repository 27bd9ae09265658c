"""Servers whose answers hold what is no address, no header and no name: told, never a crash."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reconciler.adapters.fetch_fault import Limits
from reconciler.adapters.web.registry import served_digest
from reconciler.adapters.web.registry_look import RegistryLooks
from reconciler.adapters.web.resolve import Guard
from reconciler.base.errors import RegistryRefused
from reconciler.operations.running.downloads import Downloads
from reconciler.runner.failure import Failure
from tests.live.hostile.places import Answer, Door, serving
from tests.live.hostile.registries import TITLE, Lies, layer, manifest

QUICK = replace(Limits(), pause_seconds=0)
LOCATIONS = (
    "https:x",
    "https:\\\\good.example\\x",
    "mailto:x",
    "https://xn--/",
    "https://[",
    "http://127.0.0.1:99999/",
    "http://127.0.0.1:x/",
    "//",
    "http://\xff/",
    "http:///x",
    "https://a b/",
)
odd = st.text(st.sampled_from("htps:/[]@.x-n%\\1 ?#\xe9\xff&="), max_size=20).map(
    lambda text: text.strip()
)
around = st.sampled_from(["", "https://", "http://", "http://127.0.0.1:", "https://xn--", "//"])
addresses = st.tuples(around, odd).map("".join) | st.sampled_from(LOCATIONS)
fuzzed = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@contextmanager
def raw(answer: Callable[[str], bytes]) -> Iterator[str]:
    """A server that answers with bytes as they are; its host and port."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            first = self.rfile.readline().decode("latin-1")
            while self.rfile.readline().strip():
                pass
            self.wfile.write(answer(first))

    class Listener(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Listener(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join(timeout=5)


def head(status: str, **headers: str) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    whole = "\r\n".join([f"HTTP/1.1 {status}", *lines, "Content-Length: 0", "Connection: close"])
    return (whole + "\r\n\r\n").encode("latin-1")


def downloads(place: Path, host: str) -> Downloads:
    return Downloads(place, Guard({host, "127.0.0.1"}), lambda _host: None, QUICK)


def told(fetch: Callable[[], Any]) -> Failure:
    """The failure of a fetch that anything else than a failure would break."""
    with pytest.raises(Failure) as caught:
        fetch()
    assert caught.value.reason in {"source-missing", "source-auth"}
    assert caught.value.message.isprintable()
    return caught.value


@fuzzed
@given(location=addresses)
@example(location="https:x")
@example(location="https:\\\\good.example\\x")
@example(location="mailto:x")
@example(location="https://xn--/")
def test_a_redirect_to_anything_is_told(location: str, tmp_path_factory: Any) -> None:
    place = tmp_path_factory.mktemp("place")
    with raw(lambda _line: head("302 Found", Location=location)) as host:
        told(lambda: downloads(place, host).archive(f"http://{host}/x", None, lambda: False))


@fuzzed
@given(realm=addresses.filter(lambda text: '"' not in text))
@example(realm="https://[")
@example(realm="http://127.0.0.1:99999/")
def test_a_challenge_with_anything_is_told(realm: str, tmp_path_factory: Any) -> None:
    place = tmp_path_factory.mktemp("place")
    challenge = f'Bearer realm="{realm}",service="\xff",scope="{realm}"'
    with raw(lambda _line: head("401 No", WWW_Authenticate=challenge)) as host:
        source = f"oci://{host}/x:1"
        told(lambda: downloads(place, host).artifact(source, None, lambda: False))
        with pytest.raises(RegistryRefused):
            served_digest(host, "x", "1")
        with pytest.raises(RegistryRefused):
            RegistryLooks(lambda _host: None).look(f"{host}/x:1", None)


@pytest.mark.parametrize("location", LOCATIONS)
def test_a_registry_that_redirects_to_anything_is_told(location: str) -> None:
    with raw(lambda _line: head("307 Away", Location=location)) as host:
        with pytest.raises(RegistryRefused):
            served_digest(host, "x", "1")
        with pytest.raises(RegistryRefused):
            RegistryLooks(lambda _host: None).look(f"{host}/x:1", None)


def test_a_realm_where_nobody_listens_is_asked_again_and_told(door: Door) -> None:
    with raw(lambda _line: b"") as gone:
        pass
    asked: list[str] = []

    def answer(line: str) -> bytes:
        asked.append(line)
        return head("401 No", WWW_Authenticate=f'Bearer realm="http://{gone}/token"')

    with raw(answer) as host:
        door.declared |= {host, gone}
        found = Downloads(door.place, Guard(door.declared), lambda _host: None, QUICK)
        failure = told(lambda: found.artifact(f"oci://{host}/x:1", None, lambda: False))
    assert f"http://{gone}/token cannot be downloaded: " in failure.message
    assert len(asked) == 2


def test_a_token_service_that_fails_once_is_asked_again(door: Door) -> None:
    asked: list[str] = []

    def answer(line: str) -> bytes:
        asked.append(line.split()[1])
        if "/token" in line:
            return head("503 Later")
        return head("401 No", WWW_Authenticate=f'Bearer realm="http://{place[0]}/token"')

    place: list[str] = []
    with raw(answer) as host:
        place.append(host)
        door.declared.add(host)
        failure = told(
            lambda: downloads(door.place, host).artifact(f"oci://{host}/x:1", None, lambda: False)
        )
    assert "it answers 503" in failure.message
    assert sum("/token" in path for path in asked) == 3


@pytest.mark.parametrize("title", ["a\ud800", "\udfff/x", "a\x00b", "x" * 5000])
def test_a_title_that_is_no_name_is_told(title: str, door: Door) -> None:
    described = layer(b"hello", kind="text/plain", annotations={TITLE: title})
    lies = Lies(manifest([described]), {described["digest"]: b"hello"})
    with serving(lies) as server:
        door.declared.add(server.host)
        assert "the artifact cannot be fetched" in door.refuse(f"oci://{server.host}/x:1")


@pytest.mark.parametrize("token", ["\u00fc", "a\nb", ["x"], "\ud800"])
def test_a_token_that_is_none_is_told_and_not_repeated(token: Any, door: Door) -> None:
    body = json.dumps({"token": token}).encode()

    def answer(line: str) -> bytes:
        if "/token" in line:
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        return head("401 No", WWW_Authenticate=f'Bearer realm="http://{place[0]}/token"')

    place: list[str] = []
    with raw(answer) as host:
        place.append(host)
        failure = told(
            lambda: downloads(door.place, host).artifact(f"oci://{host}/x:1", None, lambda: False)
        )
        assert failure.reason == "source-auth"
        with pytest.raises(RegistryRefused):
            served_digest(host, "x", "1")


def test_a_head_that_comes_byte_by_byte_has_an_end(door: Door) -> None:
    over = threading.Event()

    class Slow(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not over.wait(0.05):
                try:
                    self.wfile.write(b"X: y\r\n")
                except OSError:
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Slow) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        host = f"127.0.0.1:{server.server_address[1]}"
        limits = replace(QUICK, head_seconds=1, seconds=20)
        found = Downloads(door.place, Guard({host}), lambda _host: None, limits)
        failure = told(lambda: found.archive(f"http://{host}/x", None, lambda: False))
        over.set()
        server.shutdown()
    assert "took longer than 1 s to begin its answer" in failure.message


def test_the_files_of_one_artifact_have_one_time_together(door: Door) -> None:
    texts = [b"%d" % number for number in range(6)]
    described = [
        layer(data, kind="text/plain", annotations={TITLE: data.decode()}) for data in texts
    ]
    lies = Lies(
        manifest(described),
        {one["digest"]: data for one, data in zip(described, texts, strict=True)},
    )

    def late(path: str) -> Answer:
        threading.Event().wait(0.4)
        return lies(path)

    with serving(late) as server:
        found = Downloads(
            door.place, Guard({server.host}), lambda _host: None, replace(QUICK, seconds=1)
        )
        failure = told(lambda: found.artifact(f"oci://{server.host}/x:1", None, lambda: False))
    assert "longer than 1 s" in failure.message
