"""A thousand tags that are watched at a real registry: how many requests that costs it.

The requests are real, and counted on their way to the registry; an hour of the watch is made to
pass as fast as they are answered.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.given import Given, registry
from bench.measure import Bar, Figure, Row
from reconciler.adapters.web.registry_look import RegistryLooks
from reconciler.engine.watcher import Watcher, asked
from reconciler.store.database import open_database

_TAGS, _INTERVAL, _HOUR = 1000, 900.0, 3600
_KIND = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = b"{}"


def watch(given: Given) -> Iterator[Row]:
    """The first sight of all tags, and then their turns, every fifteen minutes."""
    address, name = registry(), f"bench-{uuid.uuid4().hex[:8]}/base"
    (given.folder / "watch").mkdir()
    database = open_database("sqlite:///state.db", given.folder / "watch")
    with _served(address, name), _counting(address) as counting:
        looks, now = RegistryLooks(lambda _host: None), 0.0
        watcher = Watcher(database, _INTERVAL, 120.0)
        watcher.keep({f"{counting.host}/{name}:{tag}": () for tag in range(_TAGS)}, {}, now)

        seconds, began, cpu = list[float](), time.perf_counter(), time.process_time()
        for _ in range(_HOUR):
            before = counting.requests
            now += 1.0
            while (image := watcher.begin(now)) is not None:
                watcher.end(image, asked(looks.look, image), now)
            seconds.append(counting.requests - before)
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    database.close()
    total, quarter = sum(seconds), int(_INTERVAL)
    steady = sum(seconds[quarter:]) / (_HOUR - quarter)
    note = f"{total:,.0f} of an hour, {counting.unchanged:,} answered 304; "
    note += f"{1000 * cpu / total:.1f} CPU ms each with the counting, {wall:.0f} s for all"
    first = Figure(sum(seconds[:quarter]) / quarter, min(seconds), max(seconds))
    bar = Bar(2.0, unit="/s")
    yield Row(
        f"{_TAGS:,} watched tags, requests, first 15 min", first, bar, note="requests to a registry"
    )
    yield Row("  and from then on", Figure(steady, min(seconds), max(seconds)), bar, note=note)


@contextlib.contextmanager
def _served(address: str, name: str) -> Iterator[None]:
    """A smallest image under many tags."""
    connection = http.client.HTTPConnection(address, timeout=60)

    def ask(method: str, path: str, body: bytes = b"", kind: str = "") -> tuple[int, str]:
        connection.request(method, path, body, {"Content-Type": kind} if kind else {})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.getheader("Location", "")

    digest = "sha256:" + hashlib.sha256(_CONFIG).hexdigest()
    place = ask("POST", f"/v2/{name}/blobs/uploads/")[1]
    place = place.removeprefix(f"http://{address}")
    ask("PUT", f"{place}{'&' if '?' in place else '?'}digest={digest}", _CONFIG)
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": 2}
    manifest = {"schemaVersion": 2, "mediaType": _KIND, "config": config, "layers": []}
    body = json.dumps(manifest).encode()
    for tag in range(_TAGS):
        status, _ = ask("PUT", f"/v2/{name}/manifests/{tag}", body, _KIND)
        if status != http.client.CREATED:
            raise RuntimeError(f"the registry does not take an image: {status}")
    try:
        yield
    finally:
        ask("DELETE", f"/v2/{name}/manifests/sha256:{hashlib.sha256(body).hexdigest()}")
        connection.close()


class _Counting:
    """Passes requests on to a registry, and counts them."""

    def __init__(self) -> None:
        self.host, self.requests, self.unchanged = "", 0, 0


@contextlib.contextmanager
def _counting(address: str) -> Iterator[_Counting]:
    found = _Counting()

    class Passing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            connection = http.client.HTTPConnection(address, timeout=60)
            headers = {key: value for key, value in self.headers.items() if key != "Host"}
            connection.request(self.command, self.path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            found.requests += 1
            found.unchanged += answer.status == http.client.NOT_MODIFIED
            self.send_response(answer.status)
            for key, value in answer.getheaders():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)
            connection.close()

        def do_GET(self) -> None:
            self.do_HEAD()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Passing)
    found.host = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
