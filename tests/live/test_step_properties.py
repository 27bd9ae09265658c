"""Every property of a task file has its effect on the engine, and does not where it is left out.

Each case says what shows the effect. It is played twice: as written, where it must show, and with
the property taken out, where it must not: so no case can pass with a property that is ignored.
"""

from __future__ import annotations

import copy
import json
import re
import signal
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import docker
import pytest

from reconciler.adapters.web.registry import served_digest
from reconciler.model.container import RUN_LABEL, STEP_LABEL
from reconciler.taskfile.steps import assemble, step
from tests.live.test_steps import of_run, task
from tests.live.workshop import Workshop

IMAGE = "{{.Run.Registry}}/NAME:1"  # NAME is another one for each play
# Waits at most five seconds for a file that another step makes.
WAIT = "i=0; until test -e FILE; do i=$$(($$i+1)); test $$i -lt 50 || exit 9; sleep 0.1; done"
HELD = {"id": "held", "cmd": "sh -c 'echo held; sleep 60'"}
DEFAULT_RETRY_DELAY, LONGER = 5, 10


@dataclass
class Played:
    """What a run left: its output and record; while it was held, what the engine had of it."""

    workshop: Workshop
    name: str
    code: int
    text: str
    record: dict[str, Any]
    containers: dict[str, dict[str, Any]]
    reached: str

    def lines(self, name: str) -> list[str]:
        found = (line.partition("|") for line in self.text.splitlines())
        return [line.strip() for step_, bar, line in found if bar and step_.strip() == name]

    def said(self, name: str, *lines: str) -> bool:
        return self.lines(name) == [*lines]

    def said_at_last(self, name: str, line: str) -> bool:
        """True if a step's last line is that one: before it the run may tell of its pulls."""
        return self.lines(name)[-1:] == [line]

    def status(self, name: str) -> str:
        return next(str(one["status"]) for one in self.record["steps"] if one["name"] == name)

    def exit_code(self, name: str) -> int | None:
        found: list[int | None] = [
            one["exitCode"] for one in self.record["steps"] if one["name"] == name
        ]
        return found[0]

    def seconds_between(self, first: str, second: str) -> float:
        times = {one["name"]: one for one in self.record["steps"]}
        ended, started = times[first]["finished"], times[second]["started"]
        return (datetime.fromisoformat(started) - datetime.fromisoformat(ended)).total_seconds()

    def seconds_between_attempts(self, name: str) -> float:
        told = self.workshop.call("logs", self.record["id"], "-o", "json").stdout.splitlines()
        lines = [json.loads(line) for line in told]
        times = {
            one["attempt"]: datetime.fromisoformat(one["t"])
            for one in lines
            if one["step"] == name and one["stream"] == "out"
        }
        return (times[2] - times[1]).total_seconds()

    @property
    def message(self) -> str:
        return str(self.record["message"])


@dataclass(frozen=True)
class Case:
    """Steps, the rest of the task file, and what shows that the property had its effect.

    `held`: the run is looked at while a step that prints `held` goes on. `inside` is the key of
    the task file's list whose items have the property. `files` lie in the context, `flags` are
    those of the command.
    """

    shows: Callable[[Played], bool]
    steps: tuple[dict[str, Any], ...]
    top: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    held: bool = False
    inside: str = "steps"
    flags: tuple[str, ...] = ()


def case(shows: Callable[[Played], bool], *steps: dict[str, Any], **more: Any) -> Case:
    return Case(shows, steps, **more)


def sh(name: str, script: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "cmd": f"sh -c '{script}'", **more}


def wait(file: str) -> str:
    return WAIT.replace("FILE", file)


FAILS_ONCE = "echo try; test -e tried || { touch tried; exit 3; }"
APPEARS_LATER = (
    {"id": "make", "build": f"-t {IMAGE} .", "when": ["-"], "startDelay": 3},
    {"id": "send", "push": [IMAGE]},
)
LATE = {"id": "late", "cmd": f"{IMAGE} echo there", "pull": True, "when": ["-"]}
MOUNT = [{"name": "v", "mountPath": "/keys"}]
VOLUMES = [{"name": "v", "secret": {"k": "dGhlIGtleQ=="}}]
VAULT = "https://kv.vault.azure.net/secrets/tok"

STEP_CASES: dict[str, Case] = {
    "id": case(lambda run: run.status("named") == "succeeded", sh("named", "true")),
    "cmd": case(lambda run: run.said("a", "here"), sh("a", "echo here")),
    "build": case(
        lambda run: run.said("try", "built"),
        {"id": "make", "build": f"-t {IMAGE} -f Built ."},
        {"id": "try", "cmd": f"{IMAGE} cat /which"},
        files={"Built": "FROM BASE\nRUN echo built > /which\n"},
    ),
    "push": case(
        lambda run: served_digest(run.workshop.registry, run.name, "1") is not None,
        {"id": "make", "build": f"-t {IMAGE} ."},
        {"id": "send", "push": [IMAGE]},
    ),
    "when": case(
        lambda run: run.code == 0, sh("a", wait("made")), sh("b", "touch made", when=["-"])
    ),
    "timeout": case(lambda run: run.status("a") == "timed-out", sh("a", "sleep 4", timeout=1)),
    "startDelay": case(
        lambda run: run.seconds_between("a", "b") >= 4,
        sh("a", "true"),
        sh("b", "true", startDelay=4, timeout=3),
    ),
    "retries": case(lambda run: run.code == 0, sh("a", FAILS_ONCE, retries=1)),
    "retryDelay": case(
        lambda run: run.seconds_between_attempts("a") >= LONGER,
        sh("a", FAILS_ONCE, retries=1, retryDelay=LONGER),
    ),
    "retryOnErrors": case(
        lambda run: run.lines("a").count("try") == 1,
        sh("a", FAILS_ONCE, retries=1, retryOnErrors=["something else"]),
    ),
    "repeat": case(
        lambda run: run.said("a", "again", "again", "again"), sh("a", "echo again", repeat=2)
    ),
    "cmdDownloadRetries": case(
        lambda run: run.said_at_last("late", "there"),
        *APPEARS_LATER,
        LATE | {"cmdDownloadRetries": 30, "cmdDownloadRetryDelay": 1},
    ),
    "cmdDownloadRetryDelay": case(
        lambda run: run.said_at_last("late", "there"),
        *APPEARS_LATER,
        LATE | {"cmdDownloadRetries": 3, "cmdDownloadRetryDelay": 6},
    ),
    "pull": case(
        lambda run: run.said_at_last("try", "pushed"),
        {"id": "one", "build": f"-t {IMAGE} -f One ."},
        {"id": "send", "push": [IMAGE]},
        {"id": "two", "build": f"-t {IMAGE} -f Two ."},
        {"id": "try", "cmd": f"{IMAGE} cat /which", "pull": True},
        files={
            "One": "FROM BASE\nRUN echo pushed > /which\n",
            "Two": "FROM BASE\nRUN echo only here > /which\n",
        },
    ),
    "keep": case(
        lambda run: run.containers["a"]["State"]["Status"] == "exited",
        sh("a", "true", keep=True),
        HELD,
        held=True,
    ),
    "detach": case(
        lambda run: run.code == 0, sh("a", wait("made"), detach=True), sh("b", "touch made")
    ),
    "ignoreErrors": case(
        lambda run: (run.code, run.status("a"), run.exit_code("a")) == (0, "failed-ignored", 7),
        sh("a", "exit 7", ignoreErrors=True),
    ),
    "user": case(lambda run: run.said("a", "7", "8"), sh("a", "id -u; id -g", user="7:8")),
    "network": case(lambda run: run.said("a", "lo"), sh("a", "ls /sys/class/net", network="none")),
    "isolation": case(
        lambda run: run.exit_code("a") == 125 and "isolation" in run.message,
        sh("a", "true", isolation="hyperv"),
        flags=("--compat", "acb"),  # where read strictly it is refused before
    ),
    "cpus": case(
        lambda run: run.containers["held"]["HostConfig"]["NanoCpus"] == 500_000_000,
        HELD | {"cpus": "0.5"},
        held=True,
    ),
    "entryPoint": case(
        lambda run: run.said("a", "one two"),
        {"id": "a", "cmd": "one two", "entryPoint": "/bin/echo"},
    ),
    "ports": case(
        lambda run: run.reached == "served",
        sh(
            "held",
            "echo served > page; echo held; httpd -f -p 8080 -h .",
            ports=["127.0.0.1::8080"],
        ),
        held=True,
    ),
    "expose": case(
        lambda run: "90/udp" in (run.containers["held"]["Config"]["ExposedPorts"] or ()),
        HELD | {"expose": ["90/udp"]},
        held=True,
    ),
    "env": case(lambda run: run.said("a", "b c"), sh("a", "echo $$A", env=["A=b c"])),
    "workingDirectory": case(
        lambda run: run.said("a", "/workspace/deep"), sh("a", "pwd", workingDirectory="deep")
    ),
    "disableWorkingDirectoryOverride": case(
        lambda run: run.said("a", "/inside"),
        {"id": "make", "build": f"-t {IMAGE} -f Placed ."},
        {"id": "a", "cmd": f"{IMAGE} pwd", "disableWorkingDirectoryOverride": True},
        files={"Placed": "FROM BASE\nWORKDIR /inside\n"},
    ),
    "volumeMounts": case(
        lambda run: run.said("a", "THE KEY"),
        sh("a", "tr a-z A-Z < /keys/k", volumeMounts=MOUNT),
        top={"volumes": VOLUMES},
    ),
    "exitedWith": case(lambda run: run.code == 0, sh("a", "exit 4", exitedWith=[4, 5])),
    "exitedWithout": case(lambda run: run.code == 0, sh("a", "exit 4", exitedWithout=[1])),
}

FAILS = {"Bad": "FROM BASE\nRUN echo boom; exit 3\n"}
TRIED_AGAIN = "attempt 1 failed"


def make(words: str = "-f Bad .", **more: Any) -> dict[str, Any]:
    return {"id": "make", "build": words, **more}


# The same keys where they mean something else to do: a build, or a push.
OTHER_CASES: dict[str, Case] = {
    "build timeout": case(
        lambda run: run.status("make") == "timed-out",
        make(timeout=1),
        files={"Bad": "FROM BASE\nRUN sleep 5; echo NAME\n"},
    ),
    "build retries": case(
        lambda run: TRIED_AGAIN in run.text, make(retries=1, retryDelay=1), files=FAILS
    ),
    "build retryOnErrors": case(
        lambda run: TRIED_AGAIN not in run.text and run.exit_code("make") == 3,
        make(retries=1, retryOnErrors=["something else"], retryDelay=1),
        files=FAILS,
    ),
    "build repeat": case(
        lambda run: len([line for line in run.lines("make") if line.startswith("built ")]) == 3,
        make("-f Dockerfile .", repeat=2),
    ),
    "build ignoreErrors": case(
        lambda run: (
            (run.code, run.status("make"), run.exit_code("make")) == (0, "failed-ignored", 3)
        ),
        make(ignoreErrors=True),
        files=FAILS,
    ),
    "build env": case(
        lambda run: run.said("try", "by-me"),
        make(f"-t {IMAGE} --build-arg WHO -f Who .", env=["WHO=me"]),
        {"id": "try", "cmd": f"{IMAGE} cat /who"},
        files={"Who": "FROM BASE\nARG WHO\nRUN echo by-$WHO > /who\n"},
    ),
    "build workingDirectory": case(
        lambda run: run.said("try", "deep"),
        make(f"-t {IMAGE} .", workingDirectory="deep"),
        {"id": "try", "cmd": f"{IMAGE} cat /which"},
        files={"deep/Dockerfile": "FROM BASE\nRUN echo deep > /which\n"},
    ),
    "build startDelay": case(
        lambda run: run.seconds_between("a", "make") >= 4,
        sh("a", "true"),
        make("-f Dockerfile .", startDelay=4),
    ),
    "build when": case(
        lambda run: run.code == 0,
        sh("a", wait("made")),
        make("-t NAME:wait -f Dockerfile .", when=["-"]),
        sh("b", "touch made", when=["make"]),
    ),
    "build retryDelay": case(
        lambda run: run.seconds_between("a", "b") >= LONGER,
        sh("a", "true"),
        make(retries=1, retryDelay=LONGER, ignoreErrors=True),
        sh("b", "true"),
        files=FAILS,
    ),
    "build network": case(
        lambda run: run.said("try", "lo"),
        make(f"-t {IMAGE} -f Nets .", network="none"),
        {"id": "try", "cmd": f"{IMAGE} cat /nets"},
        files={"Nets": "FROM BASE\nRUN echo NAME; ls /sys/class/net > /nets\n"},
    ),
    "build disableWorkingDirectoryOverride": case(
        lambda run: run.said("try", "above"),
        make(f"-t {IMAGE} .", disableWorkingDirectoryOverride=True),
        {"id": "try", "cmd": f"{IMAGE} cat /which", "workingDirectory": "/"},
        top={"workingDirectory": "deep"},
        files={
            "Dockerfile": "FROM BASE\nRUN echo above > /which\n",
            "deep/Dockerfile": "FROM BASE\nRUN echo deep > /which\n",
        },
    ),
    "push when": case(
        lambda run: run.code == 0,
        make(f"-t {IMAGE} -f Dockerfile ."),
        sh("a", wait("made"), when=["-"]),
        {"id": "send", "push": [IMAGE], "when": ["make"]},
        sh("b", "touch made", when=["send"]),
    ),
    "push ignoreErrors": case(
        lambda run: (run.code, run.status("send")) == (0, "failed-ignored"),
        {"id": "send", "push": [IMAGE], "ignoreErrors": True},
    ),
    "push startDelay": case(
        lambda run: run.seconds_between("make", "send") >= 4,
        make(f"-t {IMAGE} -f Dockerfile ."),
        {"id": "send", "push": [IMAGE], "startDelay": 4},
    ),
}

TASK_CASES: dict[str, Case] = {
    "version": case(lambda run: run.said("a", run.record["id"]), sh("a", "echo $ID")),
    "steps": case(lambda run: run.said("a", "here"), sh("a", "echo here")),
    "stepTimeout": case(
        lambda run: run.status("a") == "timed-out", sh("a", "sleep 4"), top={"stepTimeout": 1}
    ),
    "workingDirectory": case(
        lambda run: run.said("a", "/workspace/deep"),
        sh("a", "pwd"),
        top={"workingDirectory": "deep"},
    ),
    "env": case(
        lambda run: run.said("a", "task step"),
        sh("a", "echo $$A $$B", env=["B=step"]),
        top={"env": ["A=task", "B=task"]},
    ),
    "secrets": case(
        lambda run: run.record["reason"] == "secret-denied",
        sh("a", "true", env=["T={{.Secrets.tok}}"]),
        top={"secrets": [{"id": "tok", "keyvault": VAULT}]},
    ),
    "networks": case(
        lambda run: f"rt-{run.record['id']}-own" in networks_of(run, "held"),
        HELD,
        top={"networks": [{"name": "own", "isDefault": True}]},
        held=True,
    ),
    "volumes": case(
        lambda run: run.said("a", "THE KEY"),
        sh("a", "tr a-z A-Z < /keys/k", volumeMounts=MOUNT),
        top={"volumes": VOLUMES},
    ),
    "alias": case(
        lambda run: run.said("a", "hello"),
        sh("a", "echo $greeting"),
        top={"alias": {"values": {"greeting": "hello"}}},
    ),
}

NETWORK_CASES: dict[str, Case] = {
    "isDefault": case(
        lambda run: f"rt-{run.record['id']}-own" in networks_of(run, "held"),
        HELD,
        top={"networks": [{"name": "own", "isDefault": True}]},
        held=True,
        inside="networks",
    ),
    "skipCreation": case(
        lambda run: networks_of(run, "held") == ["bridge"],
        HELD,
        top={"networks": [{"name": "bridge", "isDefault": True, "skipCreation": True}]},
        held=True,
        inside="networks",
    ),
    "driver": case(
        lambda run: "nosuchdriver" in run.message,
        sh("a", "true"),
        top={"networks": [{"name": "own", "driver": "nosuchdriver"}]},
        flags=("--compat", "acb"),
        inside="networks",
    ),
    "ipv6": case(
        # An engine that has no IPv6 addresses of its own to give away says so.
        lambda run: run.containers.get("network", {}).get("EnableIPv6") or "IPv6" in run.message,
        HELD,
        top={"networks": [{"name": "own", "isDefault": True, "ipv6": True}]},
        held=True,
        inside="networks",
    ),
}

# Their effect takes more than one task file to see.
ELSEWHERE = {
    "cache": "test_the_cache_of_a_build_is_kept_in_the_registry_and_used",
    "privileged": "test_a_privileged_step_is_handed_to_the_engine_as_one",
}


def networks_of(run: Played, name: str) -> list[str]:
    return list(run.containers[name]["NetworkSettings"]["Networks"])


# ------------------------------------------------------------------ playing
def play(
    workshop: Workshop, engine: docker.DockerClient, case: Case, without: str | None = None
) -> Played:
    name = f"test-{uuid.uuid4().hex[:12]}"
    document = copy.deepcopy({"steps": list(case.steps), **case.top})
    if without is not None and case.inside in document:
        document[case.inside] = [
            {key: value for key, value in item.items() if key != without}
            for item in document[case.inside]
        ]
    steps = json.loads(json.dumps(document.pop("steps")).replace("NAME", name))
    file = task(workshop, *steps, **document)
    for known, text in case.files.items():
        path = workshop.root / "ctx" / known
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace("BASE", workshop.base).replace("NAME", name))
    return watched(workshop, engine, file, name, case.flags, held=case.held)


def watched(
    workshop: Workshop,
    engine: docker.DockerClient,
    file: str,
    name: str,
    flags: tuple[str, ...] = (),
    *,
    held: bool,
) -> Played:
    text, containers, reached = "", {}, ""
    with workshop.start("run", "-f", file, *flags, "ctx") as process:
        assert process.stdout is not None
        for line in process.stdout:
            text += line
            if held and re.search(r"^held +\| held$", line):
                containers = of_last_run(workshop, engine)
                reached = asked_from_here(containers.get("held", {}))
                process.send_signal(signal.SIGINT)
    record = workshop.last()
    assert of_run(engine, record["id"]) == []
    return Played(workshop, name, process.returncode, text, record, containers, reached)


def of_last_run(workshop: Workshop, engine: docker.DockerClient) -> dict[str, dict[str, Any]]:
    """What the engine says of the containers of a run, by step, and of its own network."""
    wanted: Any = {"label": f"{RUN_LABEL}={workshop.last()['id']}"}
    found = {
        str(one.labels[STEP_LABEL]): dict(one.attrs)
        for one in engine.containers.list(all=True, filters=wanted)
    }
    for network in engine.networks.list(filters=wanted):
        found["network"] = dict(network.attrs)
    return found


def asked_from_here(container: dict[str, Any]) -> str:
    """The page that a container serves at a port of this host, if it has one."""
    ports = container.get("NetworkSettings", {}).get("Ports", {}).get("8080/tcp")
    if not ports:
        return ""
    address = f"http://{ports[0]['HostIp']}:{ports[0]['HostPort']}/page"
    for _ in range(50):
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return str(answer.read().decode().strip())
        except OSError:
            continue
    return ""


def effect_shows(case: Case, run: Played) -> bool:
    try:
        return bool(case.shows(run))
    except (KeyError, IndexError, StopIteration):
        return False  # what was looked for is not there at all


def check(workshop: Workshop, engine: docker.DockerClient, case: Case, name: str) -> None:
    run = play(workshop, engine, case)
    assert effect_shows(case, run), run.text
    ignored = play(workshop, engine, case, without=name)
    assert not effect_shows(case, ignored), ignored.text


# -------------------------------------------------------------------- tests
@pytest.mark.parametrize("name", STEP_CASES)
def test_a_property_of_a_step_has_its_effect(
    workshop: Workshop, engine: docker.DockerClient, name: str
) -> None:
    check(workshop, engine, STEP_CASES[name], name)


@pytest.mark.parametrize("name", OTHER_CASES)
def test_a_property_of_a_build_or_a_push_has_its_effect(
    workshop: Workshop, engine: docker.DockerClient, name: str
) -> None:
    check(workshop, engine, OTHER_CASES[name], name.split()[1])


@pytest.mark.parametrize("name", NETWORK_CASES)
def test_a_property_of_a_network_has_its_effect(
    workshop: Workshop, engine: docker.DockerClient, name: str
) -> None:
    check(workshop, engine, NETWORK_CASES[name], name)


@pytest.mark.parametrize("name", TASK_CASES)
def test_a_property_of_a_task_file_has_its_effect(
    workshop: Workshop, engine: docker.DockerClient, name: str
) -> None:
    case = TASK_CASES[name]
    run = play(workshop, engine, case)
    assert effect_shows(case, run), run.text
    file = next((workshop.root / "ctx").glob("task-*.yaml"))
    written = file.read_text()
    bare = re.sub(rf"^{name}:.*\n(^[ -].*\n)*", "", written, flags=re.MULTILINE)
    assert bare != written
    file.write_text(bare)
    ignored = watched(workshop, engine, file.name, run.name, held=case.held)
    assert not effect_shows(case, ignored), ignored.text


# What is done before anybody looks at the kind of a step, by the same lines for all; a push to the
# registry beside it is too quick to be out of time.
WHATEVER_KIND = {"build id", "push id", "push timeout"}


def test_no_property_is_left_out() -> None:
    assert {*STEP_CASES, *ELSEWHERE} == set(step.KEYS)
    effective = {f"{kind} {key}" for kind in ("build", "push") for key in step.EFFECTIVE[kind]} - {
        f"{kind} {key}" for kind in step.KINDS for key in step.KINDS
    }
    elsewhere = {"build cache"}
    assert {*OTHER_CASES, *WHATEVER_KIND, *elsewhere} == effective
    assert set(TASK_CASES) == set(assemble.KEYS)
    assert all(name in globals() for name in ELSEWHERE.values())


def test_a_privileged_step_is_handed_to_the_engine_as_one(workshop: Workshop) -> None:
    """This engine may refuse it (in words of its own); one that does not gives every right."""
    look = 'sh -c "grep CapEff /proc/self/status"'
    workshop.context("ctx")
    (workshop.root / "specs").mkdir()
    spec = workshop.root / "specs" / "web.yaml"

    def result(privileged: str) -> tuple[int, int, str]:
        spec.write_text(
            "apiVersion: reconciler/v1\nkind: Task\n"
            "metadata: {name: web-api, registry: contoso}\n"
            "spec:\n  context: {source: ctx}\n  step:\n    inline:\n      steps:\n"
            f"        - {{id: a, cmd: '{workshop.base} {look}', privileged: {privileged}}}\n"
        )
        assert workshop.call("apply", "--auto-approve").returncode == 0
        done = workshop.call("run", "web-api")
        found = re.search(r"CapEff:\s*([0-9a-f]+)", done.stdout)
        code = workshop.last()["steps"][0]["exitCode"]
        return code, int(found[1], 16) if found else 0, str(workshop.last()["message"])

    code, rights, message = result("true")
    assert rights & 1 << 21 or (code == 125 and "caps" in message)  # CAP_SYS_ADMIN
    code, rights, _ = result("false")
    assert code == 0
    assert rights
    assert not rights & 1 << 21


@pytest.mark.parametrize("cache", ["enabled", "disabled"])
def test_the_cache_of_a_build_is_kept_in_the_registry_and_used(
    workshop: Workshop, engine: docker.DockerClient, cache: str
) -> None:
    name = f"test-{uuid.uuid4().hex[:12]}"
    image = f"{{{{.Run.Registry}}}}/{name}:1"
    path = task(
        workshop,
        {"id": "make", "build": f"-t {image} -f Cached .", "cache": cache},
        {"id": "try", "cmd": f"{image} cat /made"},
    )
    chance = f"echo {name}-$(cat /proc/sys/kernel/random/uuid) > /made"
    (workshop.root / "ctx" / "Cached").write_text(f"FROM {workshop.base}\nRUN {chance}\n")

    def made() -> str:
        done = workshop.call("run", "-f", path, "ctx")
        assert done.returncode == 0, done.stdout + done.stderr
        found = re.search(rf"^try +\| ({name}-\S+)$", done.stdout, re.MULTILINE)
        assert found is not None
        return found[1]

    first = made()
    forget_layers(engine, name)
    assert (made() == first) is (cache == "enabled")
    kept = served_digest(workshop.registry, name, "cache_quickrun_make")
    assert (kept is not None) is (cache == "enabled")


def forget_layers(engine: docker.DockerClient, word: str) -> None:
    """Take the images and the layers of a build from the engine, and nothing of anybody else."""
    for image in engine.api.images():
        for tag in image.get("RepoTags") or ():
            if word in str(tag):
                engine.images.remove(str(tag), force=True)
    for layer in engine.api.df()["BuildCache"] or ():
        if word in layer["Description"]:
            only: Any = {"id": [layer["ID"]]}
            engine.api.prune_builds(filters=only, all=True)
