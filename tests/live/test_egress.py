"""A task without egress: nothing of it reaches a listener outside of its run; see the control."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import docker
import pytest
import yaml

from tests.live.workshop import Workshop

# Everything at once: an address that does not answer costs its timeout.
PROBE = """\
gateway=$(ip route 2>/dev/null | sed -n 's/^default via \\([0-9.]*\\) .*/\\1/p')
for address in $gateway "$@"; do
  ( echo mine | nc -w 3 "$address" "$PORT" 2>/dev/null | grep -q outside &&
    echo "reached $address" ) &
  ( timeout 4 nslookup -port="$PORT" -type=a leak.example "$address" >/dev/null 2>&1 ) &
done
( timeout 6 nslookup leak-$PORT.example >/dev/null 2>&1 ) &
wait
echo "probed $gateway $*"
"""


EVERYWHERE = "0.0.0.0"  # noqa: S104  (that is what is looked at)


@dataclass
class Outside:
    """Listeners on every address of this machine, and who spoke to them."""

    port: int
    heard: list[str] = field(default_factory=list)


@contextlib.contextmanager
def listening() -> Iterator[Outside]:
    """TCP and UDP on one port, IPv4 and IPv6."""
    sockets = []
    first = socket.create_server((EVERYWHERE, 0))
    outside = Outside(first.getsockname()[1])
    sockets.append((first, "tcp"))
    both = {"family": socket.AF_INET6, "dualstack_ipv6": False}
    with contextlib.suppress(OSError):  # a machine without IPv6
        sockets.append((socket.create_server(("::", outside.port), **both), "tcp"))  # type: ignore[arg-type]
    for family, address in ((socket.AF_INET, EVERYWHERE), (socket.AF_INET6, "::")):
        with contextlib.suppress(OSError):
            one = socket.socket(family, socket.SOCK_DGRAM)
            if family is socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind((address, outside.port))
            sockets.append((one, "udp"))
    threads = [threading.Thread(target=_listen, args=(one, kind, outside)) for one, kind in sockets]
    for thread in threads:
        thread.start()
    try:
        yield outside
    finally:
        for one, _ in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in threads:
            thread.join()


def _listen(one: socket.socket, kind: str, outside: Outside) -> None:
    one.settimeout(0.2)
    while one.fileno() >= 0:
        try:
            if kind == "udp":
                _, sender = one.recvfrom(4096)
            else:
                connection, sender = one.accept()
                with connection:
                    connection.sendall(b"outside\n")
            outside.heard.append(f"{kind} from {sender[0]}")
        except TimeoutError:
            continue
        except OSError:
            return


@pytest.fixture
def outside() -> Iterator[Outside]:
    with listening() as found:
        yield found


@pytest.fixture
def neighbour(engine: docker.DockerClient, base_image: str, outside: Outside) -> Iterator[str]:
    """The address of a container of somebody else, on the engine's own network."""
    serve = f"while true; do echo outside | nc -l -p {outside.port}; done"
    container = engine.containers.run(base_image, ["sh", "-c", serve], init=True, detach=True)
    container.reload()
    yield str(container.attrs["NetworkSettings"]["Networks"]["bridge"]["IPAddress"])
    container.remove(force=True)


@pytest.fixture
def addresses(engine: docker.DockerClient, neighbour: str) -> list[str]:
    """Where listeners are: the engine's bridge, this machine's addresses, another container."""
    bridge = engine.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"]
    found = ["127.0.0.1", "::1", "224.0.0.1", "255.255.255.255", bridge, neighbour]
    for family, target in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as one:
            one.connect((target, 9))  # sends nothing: only asks for the way
            found.append(one.getsockname()[0])
    told = subprocess.run(
        ["ip", "-6", "-o", "addr", "show", "scope", "link"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found += [f"{line.split()[3].partition('/')[0]}%eth0" for line in told.stdout.splitlines()]
    return found


def run_task(workshop: Workshop, egress: str, step: dict[str, Any]) -> tuple[int, str]:
    """Apply a task and run it: exit code, and all it printed."""
    spec = {
        "apiVersion": "reconciler/v1",
        "kind": "Task",
        "metadata": {"name": f"task-{uuid.uuid4().hex[:8]}", "registry": "contoso"},
        "spec": {"context": {"source": "ctx"}, "network": {"egress": egress}, "step": step},
    }
    folder = workshop.root / "specs"
    folder.mkdir(exist_ok=True)
    (folder / f"{spec['metadata']['name']}.yaml").write_text(yaml.safe_dump(spec, width=1000))  # type: ignore[index]
    applied = workshop.call("apply", "--auto-approve")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    done = workshop.call("run", spec["metadata"]["name"])  # type: ignore[index]
    return done.returncode, done.stdout + done.stderr


def inline(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"inline": {"steps": list(steps), **more}}


@pytest.fixture
def probe(workshop: Workshop, outside: Outside, addresses: list[str]) -> dict[str, Any]:
    """A step that tries every address."""
    (workshop.context("ctx") / "probe.sh").write_text(PROBE)
    words = " ".join(addresses)
    return {
        "id": "probe",
        "cmd": f"{workshop.base} sh /workspace/probe.sh {words}",
        "env": [f"PORT={outside.port}"],
    }


def app(workshop: Workshop) -> dict[str, Any]:
    serve = "mkdir /www; echo by-name > /www/index.html; exec httpd -f -p 8080 -h /www"
    return {"id": "app", "cmd": f"{workshop.base} sh -c '{serve}'", "detach": True}


def ask(workshop: Workshop) -> dict[str, Any]:
    tries = "until wget -qO- http://app:8080/; do sleep 0.2; done"
    return {"id": "ask", "cmd": f"{workshop.base} timeout 20 sh -c '{tries}'"}


def reached(shown: str) -> set[str]:
    return {line.rpartition(" ")[2] for line in shown.splitlines() if "reached " in line}


# ---------------------------------------------------------------------- tests
def test_with_egress_the_same_probe_reaches_the_listeners(
    workshop: Workshop, outside: Outside, probe: dict[str, Any], addresses: list[str]
) -> None:
    code, shown = run_task(workshop, "any", inline(probe))
    assert code == 0, shown
    assert addresses[4] in reached(shown)
    assert {one.split()[0] for one in outside.heard} == {"tcp", "udp"}


def test_a_step_alone_reaches_nothing_at_all(
    workshop: Workshop, outside: Outside, probe: dict[str, Any]
) -> None:
    code, shown = run_task(workshop, "none", inline(probe))
    assert code == 0, shown
    assert "probed" in shown
    assert reached(shown) == set()
    assert outside.heard == []


def test_steps_side_by_side_reach_each_other_and_no_listener(
    workshop: Workshop, outside: Outside, probe: dict[str, Any], addresses: list[str]
) -> None:
    # What is sent to many is not held, and said; see docs/reference/egress.md.
    several = " 224.0.0.1 255.255.255.255"
    probe["cmd"] = probe["cmd"].replace(several, "")
    code, shown = run_task(workshop, "none", inline(app(workshop), ask(workshop), probe))
    assert code == 0, shown
    assert "| by-name" in shown
    assert "probed" in shown
    assert reached(shown) == set()
    assert outside.heard == []
    assert "broadcast or multicast" in " ".join(shown.split())


def test_a_step_cannot_make_frames_by_hand(workshop: Workshop) -> None:
    workshop.context("ctx")
    frames = "udhcpc -i eth0 -n -q -t 1 -T 1 2>&1"
    look = f"{workshop.base} sh -c 'grep CapEff /proc/self/status; {frames}'"
    steps = (app(workshop), {"id": "look", "cmd": look, "ignoreErrors": True})
    code, shown = run_task(workshop, "none", inline(*steps))
    assert code == 0, shown
    [line] = [line for line in shown.splitlines() if "CapEff:" in line]
    assert not int(line.rpartition(":")[2], 16) & 1 << 13  # NET_RAW
    assert "Operation not permitted" in shown


@pytest.mark.parametrize("buildkit", ["1", "0"])
def test_a_build_reaches_nothing(
    workshop: Workshop,
    outside: Outside,
    probe: dict[str, Any],
    addresses: list[str],
    buildkit: str,
) -> None:
    words = " ".join(addresses)
    lines = [
        "COPY probe.sh /probe.sh",
        f"RUN PORT={outside.port} RUN={uuid.uuid4().hex} sh /probe.sh {words}",
    ]
    (workshop.context("ctx", *lines) / "probe.sh").write_text(PROBE)
    step = {"id": "b", "build": "--no-cache .", "env": [f"DOCKER_BUILDKIT={buildkit}"]}
    code, shown = run_task(workshop, "none", inline(step))
    assert code == 0, shown
    assert "probed" in shown
    assert reached(shown) == set()
    assert outside.heard == []


@pytest.mark.parametrize("kind", ["docker", "inline"])
def test_a_build_adds_nothing_from_outside(
    workshop: Workshop, outside: Outside, addresses: list[str], kind: str
) -> None:
    workshop.context("ctx", f"ADD http://{addresses[4]}:{outside.port}/x /x")
    step = {"docker": {}} if kind == "docker" else inline({"id": "b", "build": "--no-cache ."})
    code, shown = run_task(workshop, "none", step)
    assert code == 4, shown
    assert "Dockerfile line 2 adds http://" in " ".join(shown.split())
    assert outside.heard == []


@pytest.mark.parametrize("buildkit", ["1", "0"])
@pytest.mark.parametrize("kind", ["docker", "inline"])
def test_a_variable_hides_no_address(
    workshop: Workshop, outside: Outside, addresses: list[str], kind: str, buildkit: str
) -> None:
    address = f"htt${{S}}://{addresses[4]}:{outside.port}/x"
    workshop.context("ctx", "ARG S=p", f"ADD {address} /x")
    env = [f"DOCKER_BUILDKIT={buildkit}"]
    build = inline({"id": "b", "build": "--no-cache .", "env": env})
    code, shown = run_task(workshop, "none", {"docker": {}} if kind == "docker" else build)
    assert code == 4, shown
    assert "Dockerfile line 3 adds htt${S}://" in " ".join(shown.split())
    assert outside.heard == []


@pytest.fixture
def left(engine: docker.DockerClient, workshop: Workshop) -> Iterator[Callable[[str], str]]:
    """Base images that leave an instruction to the builds from them."""
    made = []

    def make(instruction: str) -> str:
        name = f"reconciler-test-onbuild:{uuid.uuid4().hex[:8]}"
        engine.images.get(workshop.base).tag(name)
        container = engine.containers.create(name, "true")
        container.commit(*name.split(":"), changes=f"ONBUILD {instruction}")
        container.remove()
        made.append(name)
        return name

    yield make
    for name in made:
        engine.images.remove(name)


@pytest.mark.parametrize("buildkit", ["1", "0"])
@pytest.mark.parametrize("kind", ["docker", "inline"])
def test_what_a_base_image_leaves_to_the_build_is_judged(
    workshop: Workshop,
    outside: Outside,
    addresses: list[str],
    left: Callable[[str], str],
    kind: str,
    buildkit: str,
) -> None:
    dockerfile = workshop.context("ctx") / "Dockerfile"
    dockerfile.write_text(f"FROM {left(f'ADD http://{addresses[4]}:{outside.port}/x /x')}\n")
    env = [f"DOCKER_BUILDKIT={buildkit}"]
    build = inline({"id": "b", "build": "--no-cache .", "env": env})
    code, shown = run_task(workshop, "none", {"docker": {}} if kind == "docker" else build)
    assert code == 4, shown
    assert "by ONBUILD, which may lead out" in " ".join(shown.split())
    assert outside.heard == []


@pytest.mark.parametrize("kind", ["docker", "inline"])
def test_a_secret_that_a_base_image_mounts_must_be_given(
    workshop: Workshop, left: Callable[[str], str], kind: str
) -> None:
    dockerfile = workshop.context("ctx") / "Dockerfile"
    dockerfile.write_text(f"FROM {left('RUN --mount=type=secret,id=tok true')}\n")
    step = {"docker": {}} if kind == "docker" else inline({"id": "b", "build": "."})
    code, shown = run_task(workshop, "any", step)
    assert code != 0, shown
    told = "(by ONBUILD) of Dockerfile line 1 mounts the secret tok, and nobody gives it"
    assert told in " ".join(shown.split())


@pytest.mark.parametrize("kind", ["docker", "inline"])
def test_no_program_from_an_image_reads_the_dockerfile(workshop: Workshop, kind: str) -> None:
    dockerfile = workshop.context("ctx") / "Dockerfile"
    dockerfile.write_text(f"# other=1\n# syntax={workshop.base}\n{dockerfile.read_text()}")
    step = {"docker": {}} if kind == "docker" else inline({"id": "b", "build": "."})
    code, shown = run_task(workshop, "none", step)
    assert code == 4, shown
    assert "line 2: syntax=" in " ".join(shown.split())
    assert "remove the line" in " ".join(shown.split())
