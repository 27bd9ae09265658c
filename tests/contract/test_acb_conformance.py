"""What ACR's own engine did with a task file, against what is read here in its manner."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from reconciler.base.errors import ReconcilerError, SecretUnavailable
from reconciler.model.context import ContextKind, context_kind, git_location
from reconciler.taskfile.dockerfile.acbscan import scan
from reconciler.taskfile.dockerfile.logicallines import DockerfileError
from reconciler.taskfile.file.read import read_task_file
from reconciler.taskfile.file.values import read_settings
from reconciler.taskfile.inputs import Inputs, Manner
from reconciler.taskfile.steps.buildarguments import cache_reference
from reconciler.taskfile.tasks import BuildStep, CmdStep, PushStep, Step, TaskFile

CASES = json.loads(Path(__file__).with_name("acb-cases.json").read_text())
TASKS: list[dict[str, Any]] = CASES["task_yaml"]
SOURCES = {"al1.yaml": "{a: one, b: first, c: first}", "al2.yaml": "{b: two, c: second}"}
REGISTRY = "reg.example.io"


def fetch(source: str) -> str:
    if source not in SOURCES:
        raise SecretUnavailable(f"{source} is not there")
    return SOURCES[source]


def flags_of(case: dict[str, Any]) -> dict[str, list[str]]:
    flags: dict[str, list[str]] = {}
    words = iter(case["engine_flags"])
    for word in words:
        flags.setdefault(word, []).append(next(words))
    return flags


def read(case: dict[str, Any], manner: Manner = Manner.ACB) -> TaskFile:
    flags = flags_of(case)
    inputs = Inputs(
        run={"ID": "r1", "Registry": REGISTRY, "TaskName": flags.get("--name", [""])[0]},
        values=read_settings(flags.get("--set", [])),
        network=flags.get("--network", [None])[0],
        fetch=fetch,
    )
    return read_task_file(case["yaml"], file="task.yaml", manner=manner, inputs=inputs).checked()


def is_ok(case: dict[str, Any]) -> bool:
    try:
        read(case)
    except (ReconcilerError, ValueError):
        return False
    return True


@pytest.mark.parametrize("case", TASKS, ids=[case["name"] for case in TASKS])
def test_the_same_files_are_accepted(case: dict[str, Any]) -> None:
    assert is_ok(case) == (case["result"] == "ok")


ACCEPTED = [case for case in TASKS if case["result"] == "ok"]
accepted = pytest.mark.parametrize("case", ACCEPTED, ids=[case["name"] for case in ACCEPTED])


@accepted
def test_the_same_steps_start_with_the_same_timeouts(case: dict[str, Any]) -> None:
    found = [{"id": step.id, "timeout": step.timeout} for step in read(case).steps]
    assert found == case["steps_started"]


@accepted
def test_the_same_networks_are_made_and_removed(case: dict[str, Any]) -> None:
    task = read(case)
    made = [_network_words(n.name, n.driver) for n in task.networks if n.create]
    calls = case["docker_calls"]
    prefix = "docker network create "
    assert made == [call[len(prefix) :] for call in calls if call.startswith(prefix)]
    prefix = "docker network rm "
    removed = [call[len(prefix) :] for call in calls if call.startswith(prefix)]
    assert [n.name for n in task.networks if n.create] == removed


def _network_words(name: str, driver: str | None) -> str:
    return f"{name} --driver {driver}" if driver else name


@accepted
def test_the_same_containers_are_started(case: dict[str, Any]) -> None:
    task = read(case)
    name = flags_of(case).get("--name", [""])[0]
    ours = [words for step in task.steps for words in spoken(step, name)]
    theirs = [heard(call) for call in case["docker_calls"] if is_step_call(call)]
    assert ours == theirs


def is_step_call(call: str) -> bool:
    if "docker push" in call:
        return True
    return call.startswith("/bin/sh") and "acrbuildkitdcontainer" not in call


# What stands in every call of that engine and not in ours: the socket, the home, the workspace.
OURS = {"--volume", "HOME=/acb/home", "hv:/workspace", "home:/acb/home"} | {
    "/var/run/docker.sock:/var/run/docker.sock"
}


def heard(call: str) -> list[str]:
    """The words of a recorded call that mean something for the step."""
    words = shlex.split(call.removeprefix("/bin/sh -c "))
    if "push" in words and "docker" in words[words.index("push") - 1]:
        return words[words.index("push") :]
    kept = [word for word in words if word not in OURS]
    return [word for i, word in enumerate(kept) if not _lonely(kept, i)][2:]


def _lonely(words: list[str], at: int) -> bool:
    """An `--env` whose value was taken out."""
    return words[at] == "--env" and "=" not in words[at + 1]


def spoken(step: Step, task_name: str) -> list[list[str]]:
    """The same words, made from what was read."""
    if isinstance(step, PushStep):
        return [["push", image] for image in step.images]
    words = ["--rm"]
    words += ["--detach"] if step.detach else []
    words += ["--network", step.network] if step.network else []
    words += ["--name", step.id]
    # That engine puts a value on the shell's line without quotes.
    words += [w for k, v in step.env for w in ("--env", *shlex.split(f"{k}={v}"))]
    if isinstance(step, CmdStep):
        return [[*words, "--workdir", str(step.working_directory), step.image, *step.argv]]
    return [[*words, *built(step, task_name)]]


def built(step: BuildStep, task_name: str) -> list[str]:
    words = [] if step.buildkit else ["--env", "DOCKER_BUILDKIT=0"]
    folder = f"{step.working_directory}"
    context = step.build.context
    if context_kind(context) is not ContextKind.LOCAL:
        sub = git_location(context)[2] if context_kind(context) is ContextKind.GIT else ""
        folder = "/".join(part for part in (folder, step.id, sub) if part)
    argv = ["." if word == context else word for word in step.argv]
    return [*words, "--workdir", folder, *_builder(step, task_name), *argv]


def _builder(step: BuildStep, task_name: str) -> list[str]:
    if not step.cache:
        return ["docker", "build"]
    reference = cache_reference(
        step.build.tags, registry=REGISTRY, task_name=task_name, step_id=step.id
    )
    cache = f"type=registry,ref={reference}"
    words = ["--load", f"--cache-to={cache},mode=max", f"--cache-from={cache}"]
    return ["buildx", "build", *(words if reference else [])]


# Cases that are refused when reading strictly, for a reason of ours.
BETTER = {
    "empty": "no steps",
    "nosteps": "no steps",
    "valmiss": ".Values.none is not given",
    "internal": "inner field",
    "netnoname": "a network needs a name",
    "secretsword": ".Secrets.q is not known",
    "secretsword2": ".Secrets.q is not known",
    "push": "an image name is",
    "tagimageflag": "no flag --image",
    # What no run of ours does yet.
    "ctxghnogit": "fetched as an archive",
}


@accepted
def test_strict_reading_differs_only_where_it_is_meant_to(case: dict[str, Any]) -> None:
    if case["name"] not in BETTER:
        assert read(case, Manner.STRICT).steps or not case["steps_started"]
        return
    with pytest.raises(ReconcilerError) as caught:
        read(case, Manner.STRICT)
    said = [item.message for item in getattr(caught.value, "diagnostics", ())]
    assert any(BETTER[case["name"]] in message for message in said), said


# ---------------------------------------------------------------- its scanner
SCANS: list[dict[str, Any]] = CASES["dockerfile_scan"]


def scanned(case: dict[str, Any]) -> list[dict[str, Any]] | None:
    flags: dict[str, list[str]] = {}
    words = iter(case["flags"])
    for word in words:
        flags.setdefault(word, []).append(next(words))
    try:
        return scan(
            case["dockerfile"],
            build_args=flags.get("--build-arg", []),
            tags=flags.get("-t", []),
            target=flags.get("--target", [None])[0],
        )
    except DockerfileError:
        return None


@pytest.mark.parametrize("case", SCANS, ids=[case["name"] for case in SCANS])
def test_the_scanner_finds_the_same_images(case: dict[str, Any]) -> None:
    assert scanned(case) == case["dependencies"]
