#!/usr/bin/env python3
"""Ask a container engine simple things over its API; knows nothing of the product or its packages.

The standard library only: it runs before anything is installed, and it does not trust the docker
client that happens to come first on PATH. Addresses are `unix:///path` or `tcp://host:port` (with
TLS when DOCKER_TLS_VERIFY is set, certificates from DOCKER_CERT_PATH, as the docker client does).

    engine.py ping ADDRESS              0 when an engine answers; prints its version
    engine.py remove-images ADDRESS LABEL  removes the images that carry a label
    engine.py has-image ADDRESS NAME    0 when the image is there
    engine.py import-busybox ADDRESS NAME BUSYBOX
    engine.py load-busybox ADDRESS NAME BUSYBOX ARCHITECTURE   for another architecture
    engine.py pull-as ADDRESS NAME SOURCE
    engine.py registry HOST:PORT        0 when a registry answers at /v2/ (401 is an answer)
    engine.py free-port PREFERRED       prints a loopback port nobody listens on
"""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
import socket
import ssl
import subprocess  # noqa: TID251 - nothing of the package is installed yet
import sys
import tarfile
from pathlib import Path
from urllib.parse import quote, urlencode

TIMEOUT_SECONDS = 10
PULL_SECONDS = 120


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        """Connect to the socket instead of a host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def connection(address: str, timeout: float = TIMEOUT_SECONDS) -> http.client.HTTPConnection:
    """Open the kind of connection the address asks for; raises ValueError for others (ssh://)."""
    scheme, _, place = address.partition("://")
    if scheme == "unix":
        return UnixConnection(place, timeout)
    if scheme not in ("tcp", "http", "https"):
        raise ValueError(f"{address}: only unix:// and tcp:// can be probed")
    if scheme == "https" or os.environ.get("DOCKER_TLS_VERIFY"):
        return http.client.HTTPSConnection(place, timeout=timeout, context=client_tls())
    return http.client.HTTPConnection(place, timeout=timeout)


def client_tls() -> ssl.SSLContext:
    """TLS as the docker client does it: ca.pem, cert.pem and key.pem of DOCKER_CERT_PATH."""
    folder = Path(os.environ.get("DOCKER_CERT_PATH") or Path.home() / ".docker")
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.load_cert_chain(str(folder / "cert.pem"), str(folder / "key.pem"))
    return context


def ask(
    address: str,
    path: str,
    method: str = "GET",
    body: bytes | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> tuple[int, bytes]:
    """One request; status and body. Raises OSError when nobody answers."""
    link = connection(address, timeout)
    try:
        headers = {"Content-Type": "application/x-tar"} if body else {}
        link.request(method, path, body=body, headers=headers)
        answer = link.getresponse()
        return answer.status, answer.read()
    finally:
        link.close()


def ping(address: str) -> str:
    """Version of the engine at the address; raises OSError when it is not a container engine."""
    status, body = ask(address, "/version")
    if status != http.client.OK:
        raise OSError(f"{address} answered {status}")
    return str(json.loads(body)["Version"])


def rootfs(busybox: Path) -> bytes:
    """Tar of a root file system: busybox, a link per applet, /tmp, /etc/passwd; no clock in it."""
    applets = subprocess.run(  # the list comes from the very binary that is packed
        [str(busybox), "--list"], capture_output=True, text=True, check=True
    ).stdout.split()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        add(tar, "bin", kind=tarfile.DIRTYPE)
        add(tar, "bin/busybox", busybox.read_bytes())
        for applet in sorted(set(applets) - {"busybox"}):
            add(tar, f"bin/{applet}", kind=tarfile.SYMTYPE, target="busybox")
        add(tar, "tmp", kind=tarfile.DIRTYPE, mode=0o1777)
        add(tar, "etc", kind=tarfile.DIRTYPE)
        add(tar, "etc/passwd", b"root:x:0:0:root:/:/bin/sh\n", mode=0o644)
    return out.getvalue()


def add(
    tar: tarfile.TarFile,
    name: str,
    data: bytes = b"",
    *,
    kind: bytes = tarfile.REGTYPE,
    target: str = "",
    mode: int = 0o755,
) -> None:
    """Add one entry, owned by root, at time zero."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.mode, entry.size = kind, target, mode, len(data)
    tar.addfile(entry, io.BytesIO(data))


def create_image(address: str, query: dict[str, str | list[str]], body: bytes | None) -> None:
    """POST /images/create; the engine reports errors inside a 200, so the body is read too."""
    path = f"/images/create?{urlencode(query, doseq=True)}"
    status, answer = ask(address, path, "POST", body, PULL_SECONDS)
    if status != http.client.OK or b'"error"' in answer:
        raise OSError(answer.decode(errors="replace").strip()[-400:])


def import_busybox(address: str, name: str, busybox: str) -> None:
    """Make the image `name` from scratch: a static busybox and nothing else."""
    repository, _, tag = name.rpartition(":")
    changes = ['CMD ["/bin/sh"]', "ENV PATH=/bin"]
    query = {"fromSrc": "-", "repo": repository, "tag": tag, "changes": changes}
    create_image(address, query, rootfs(Path(busybox)))


def load_busybox(address: str, name: str, busybox: str, architecture: str) -> None:
    """The same for another architecture: an engine of version 20.10 imports for its own only."""
    layer = rootfs(Path(busybox))
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        add(tar, "config.json", json.dumps(config).encode())
        add(tar, "layer.tar", layer)
        add(tar, "manifest.json", json.dumps(manifest).encode())
    status, answer = ask(address, "/images/load?quiet=1", "POST", out.getvalue(), PULL_SECONDS)
    require(status == http.client.OK and b'"error"' not in answer, answer.decode(errors="replace"))


def pull_as(address: str, name: str, source: str) -> None:
    """Pull `source` from its hub and give it the name `name`."""
    repository, _, tag = source.rpartition(":")
    create_image(address, {"fromImage": repository, "tag": tag}, None)
    target, _, target_tag = name.rpartition(":")
    tagging = urlencode({"repo": target, "tag": target_tag})
    ask(address, f"/images/{quote(source)}/tag?{tagging}", "POST")


def remove_images(address: str, label: str) -> int:
    """Remove every image that carries a label (`name=value` or `name`); how many there were."""
    filters = quote(json.dumps({"label": [label]}))
    images = json.loads(ask(address, f"/images/json?filters={filters}")[1])
    for image in images:
        ask(address, f"/images/{quote(image['Id'])}?force=true", "DELETE")
    return len(images)


def require(condition: bool, problem: str) -> None:
    """Raise OSError with the problem unless the condition holds."""
    if not condition:
        raise OSError(problem)


def free_port(preferred: int) -> int:
    """The preferred loopback port when it is free, else any free one."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free loopback port")


def main(arguments: list[str]) -> str:
    """Do one verb; the text to print."""
    match arguments:
        case ["ping", address]:
            return ping(address)
        case ["has-image", address, name]:
            require(ask(address, f"/images/{quote(name)}/json")[0] == http.client.OK, "no image")
        case ["import-busybox", address, name, busybox]:
            import_busybox(address, name, busybox)
        case ["load-busybox", address, name, busybox, architecture]:
            load_busybox(address, name, busybox, architecture)
        case ["pull-as", address, name, source]:
            pull_as(address, name, source)
        case ["registry", place]:
            answered = ask(f"http://{place}", "/v2/")[0]
            require(answered in (200, 401), f"/v2/ answered {answered}")
        case ["remove-images", address, label]:
            remove_images(address, label)
        case ["free-port", preferred]:
            return str(free_port(int(preferred)))
        case _:
            raise ValueError(__doc__)
    return ""


if __name__ == "__main__":
    try:
        text = main(sys.argv[1:])
    except (OSError, ValueError, http.client.HTTPException) as problem:
        sys.exit(f"{problem}")
    if text:
        sys.stdout.write(f"{text}\n")
