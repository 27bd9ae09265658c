"""Task files on the real engine: steps, what ends them, and what is left of them afterwards."""

from __future__ import annotations

import base64
import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import docker
import pytest
import yaml

from reconciler.adapters.docker.containers import EngineContainers
from reconciler.adapters.docker.engine import open_engine
from reconciler.adapters.web.registry import served_digest
from reconciler.model.container import FENCE_LABEL, INSTANCE_LABEL, RUN_LABEL, ContainerRequest
from reconciler.runner.containers import step_labels, thing_name
from tests.live.test_runs import Bridge
from tests.live.workshop import COMMAND, Workshop
from tests.terminal import shown

PLANTED = "pl4nted/s3cret+value"
# PID 1 of its container is the engine's init; the shell under it ignores the polite signal.
STUBBORN = "sh -c 'trap \"\" TERM INT; echo begun; while true; do sleep 0.2; done'"


def task(workshop: Workshop, *steps: dict[str, Any], **more: Any) -> str:
    """Write a task file into the context `ctx` and name it; `cmd` gets the base in front."""
    folder = workshop.context("ctx")
    for step in steps:
        if "cmd" in step and not step["cmd"].startswith("{{"):
            step["cmd"] = f"{workshop.base} {step['cmd']}"
    name = f"task-{uuid.uuid4().hex[:6]}.yaml"
    document = {"version": "v1.1.0", "steps": list(steps), **more}
    (folder / name).write_text(yaml.safe_dump(document, sort_keys=False, width=1000))
    return name


def run(
    workshop: Workshop, *steps: dict[str, Any], **more: Any
) -> subprocess.CompletedProcess[str]:
    return workshop.call("run", "-f", task(workshop, *steps, **more), "ctx")


def statuses(workshop: Workshop) -> dict[str, str]:
    return {step["name"]: step["status"] for step in workshop.last()["steps"]}


def codes(workshop: Workshop) -> dict[str, tuple[str, int | None]]:
    """Status and exit code of each step of the last run."""
    steps = workshop.last()["steps"]
    return {step["name"]: (step["status"], step["exitCode"]) for step in steps}


def of_run(engine: docker.DockerClient, run_id: str) -> list[str]:
    """Everything on the engine that carries the run's label."""
    wanted: Any = {"label": f"{RUN_LABEL}={run_id}"}
    return [
        *[str(item.name) for item in engine.containers.list(all=True, filters=wanted)],
        *[str(item.name) for item in engine.networks.list(filters=wanted)],
        *[str(item.name) for item in engine.volumes.list(filters=wanted)],
    ]


def eventually(true: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


def wait_for_line(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.rstrip().endswith(f"| {text}"):
            return
    pytest.fail(f"the run ended without printing {text}")


# ------------------------------------------------------------------- success
def test_a_task_file_runs_builds_and_pushes(
    workshop: Workshop, engine: docker.DockerClient
) -> None:
    name = f"test-{uuid.uuid4().hex[:12]}"
    image = f"{{{{.Run.Registry}}}}/{name}:{{{{.Run.ID}}}}"
    path = task(
        workshop,
        {"id": "compile", "cmd": "sh -c 'echo compiled > result'"},
        {"id": "pack", "build": f"-t {image} --build-arg V=1 -f sub/Recipe ."},
        {"id": "try", "cmd": f"{image} cat /result"},
        {"id": "send", "push": [image]},
    )
    folder = workshop.root / "ctx"
    (folder / "sub").mkdir()
    (folder / "sub" / "Recipe").write_text(f"FROM {workshop.base}\nCOPY result /\n")
    done = workshop.call("run", "-f", path, "ctx")
    assert done.returncode == 0, done.stdout + done.stderr
    record = workshop.last()
    assert re.search(r"^try +\| compiled$", done.stdout, re.MULTILINE)
    assert list(statuses(workshop)) == ["compile", "pack", "try", "send"]
    assert set(statuses(workshop).values()) == {"succeeded"}
    digest = served_digest(workshop.registry, name, record["id"])
    assert digest is not None
    assert [output["digest"] for output in record["outputs"]] == [digest]
    assert record["bases"][0]["reference"] == workshop.base
    assert of_run(engine, record["id"]) == []


def test_no_push_runs_the_rest(workshop: Workshop) -> None:
    image = "{{.Run.Registry}}/not-pushed:1"
    path = task(workshop, {"id": "b", "build": f"-t {image} ."}, {"id": "p", "push": [image]})
    done = workshop.call("run", "-f", path, "ctx", "--no-push")
    assert done.returncode == 0
    assert "not pushed (--no-push)" in done.stdout
    assert served_digest(workshop.registry, "not-pushed", "1") is None


def test_steps_find_each_other_by_id_and_a_detached_one_ends_with_the_run(
    workshop: Workshop, engine: docker.DockerClient
) -> None:
    get = (
        "i=0; until wget -qO- http://web:8080/data; do i=$(($i+1)); test $i -lt 50; sleep 0.1; done"
    )
    (workshop.context("ctx") / "data").write_text("served\n")
    done = run(
        workshop,
        {"id": "web", "cmd": "httpd -f -p 8080 -h /workspace", "detach": True},
        {"id": "get", "cmd": f"sh -c '{get.replace('$', '$$')}'"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^get +\| served$", done.stdout, re.MULTILINE)
    assert of_run(engine, workshop.last()["id"]) == []


def test_what_a_step_is_told_reaches_its_container(workshop: Workshop) -> None:
    say = "sh -c 'echo $$A; pwd; id -u; cat /keys/k'"
    done = run(
        workshop,
        {
            "id": "a", "cmd": say, "env": ["A=one two"], "workingDirectory": "deep", "user": "7",
            "volumeMounts": [{"name": "v", "mountPath": "/keys"}],
        },
        volumes=[{"name": "v", "secret": {"k": "dGhlIGtleQ=="}}],
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    said = re.findall(r"^a +\| (.*)$", done.stdout, re.MULTILINE)
    # The file is there for its user; what it holds is masked in the log.
    assert said == ["one two", "/workspace/deep", "7", "***"]


def test_one_command_needs_no_context(workshop: Workshop) -> None:
    done = workshop.call("run", "--cmd", f"{workshop.base} ls -A /workspace", "/dev/null")
    assert done.returncode == 0, done.stderr
    assert workshop.last()["steps"][0]["status"] == "succeeded"


def test_state_and_histories_do_not_come_into_the_workspace(workshop: Workshop) -> None:
    path = task(workshop, {"id": "a", "cmd": "ls -A ."})
    (workshop.root / "task.yaml").write_text((workshop.root / "ctx" / path).read_text())
    (workshop.root / ".git").mkdir()
    done = workshop.call("run", "-f", "task.yaml", ".")
    assert done.returncode == 0
    assert "task.yaml" in done.stdout
    assert not re.search(r"\| \.(git|reconciler)$", done.stdout, re.MULTILINE)


# ------------------------------------------------------------------ failures
def test_the_first_failure_stops_the_siblings_and_starts_nothing(
    workshop: Workshop, engine: docker.DockerClient
) -> None:
    done = run(
        workshop,
        {"id": "stubborn", "cmd": STUBBORN, "when": ["-"]},
        {"id": "bad", "cmd": "sh -c 'sleep 1; exit 3'", "when": ["-"]},
        {"id": "never", "cmd": "true"},
    )
    assert done.returncode == 4
    assert 'step "bad" exited with 3 (reason: step)' in " ".join(done.stderr.split())
    assert statuses(workshop) == {"stubborn": "canceled", "bad": "failed", "never": "skipped"}
    assert "not run: never" in done.stderr
    assert of_run(engine, workshop.last()["id"]) == []


def test_a_sibling_may_say_goodbye_and_its_own_code_is_not_the_runs(workshop: Workshop) -> None:
    polite = 'trap "echo goodbye; exit 5" TERM; echo begun; while true; do sleep 0.1; done'
    done = run(
        workshop,
        {"id": "polite", "cmd": f"sh -c '{polite}'", "when": ["-"]},
        {"id": "bad", "cmd": "sh -c 'sleep 2; exit 3'", "when": ["-"]},
    )
    assert done.returncode == 4
    assert re.findall(r"^polite +\| (.*)$", done.stdout, re.MULTILINE) == ["begun", "goodbye"]
    assert codes(workshop) == {"polite": ("canceled", None), "bad": ("failed", 3)}
    assert 'step "bad" exited with 3' in workshop.last()["message"]


def test_a_detached_container_that_ends_by_itself_says_with_what_and_ends_nothing_else(
    workshop: Workshop,
) -> None:
    done = run(
        workshop,
        {"id": "web", "cmd": "sh -c 'exit 9'", "detach": True},
        {"id": "db", "cmd": "sleep 60", "detach": True},
        {"id": "next", "cmd": "sleep 2"},
    )
    assert done.returncode == 0, done.stderr
    assert codes(workshop) == {
        "web": ("detached-exited", 9), "db": ("succeeded", None), "next": ("succeeded", 0),
    }  # fmt: skip


def test_an_ignored_failure_keeps_its_code_and_its_successors_run(workshop: Workshop) -> None:
    done = run(
        workshop,
        {"id": "bad", "cmd": "sh -c 'exit 7'", "ignoreErrors": True},
        {"id": "next", "cmd": "true"},
    )
    assert done.returncode == 0
    assert statuses(workshop) == {"bad": "failed-ignored", "next": "succeeded"}
    assert workshop.last()["steps"][0]["exitCode"] == 7


def test_a_step_is_retried_and_its_lines_say_which_attempt(workshop: Workshop) -> None:
    count = "sh -c 'echo x >> n; echo try $$(wc -l < n); test $$(wc -l < n) -ge 3'"
    done = run(workshop, {"id": "a", "cmd": count, "retries": 3, "retryDelay": 1})
    assert done.returncode == 0, done.stdout + done.stderr
    log = workshop.call("logs", workshop.last()["id"], "-o", "json").stdout.splitlines()
    lines = [json.loads(line) for line in log]
    assert [(line["attempt"], line["line"]) for line in lines if line["stream"] == "out"] == [
        (1, "try 1"),
        (2, "try 2"),
        (3, "try 3"),
    ]


def test_a_step_out_of_time_is_gone_before_the_next_one_starts(
    workshop: Workshop, engine: docker.DockerClient
) -> None:
    done = run(
        workshop,
        {"id": "slow", "cmd": STUBBORN, "timeout": 1, "ignoreErrors": True},
        {"id": "next", "cmd": "sh -c 'wget -qO- http://slow/ 2>&1 || true'"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert statuses(workshop) == {"slow": "failed-ignored", "next": "succeeded"}
    assert "bad address" in done.stdout


def test_a_step_out_of_time_fails_the_run(workshop: Workshop) -> None:
    done = run(workshop, {"id": "slow", "cmd": "sleep 60", "timeout": 1})
    assert done.returncode == 4
    assert statuses(workshop) == {"slow": "timed-out"}
    assert (workshop.last()["status"], workshop.last()["reason"]) == ("Failed", "timeout")


@pytest.mark.parametrize(
    ("step", "reason", "said"),
    [
        ({"cmd": "true", "timout": 3}, "taskfile-invalid", "did you mean"),
        ({"push": ["{{.Run.Registry}}/Bad Name"]}, "taskfile-invalid", "in lower case"),
        ({"push": ["elsewhere.contoso.example/a:1"]}, "taskfile-invalid", "not in a registry"),
        ({"build": "-t a:1 ../../etc"}, "taskfile-invalid", "leads out of the workspace"),
        ({"build": "-t a:1 --squash ."}, "taskfile-invalid", "--squash"),
        ({"build": "-t a:1 nothing"}, "source-missing", "no folder"),
        ({"push": ["{{.Run.Registry}}/five:1"]}, "step", "five:1 on the engine to push; build it"),
        ({"build": "-t a:1 -f None ."}, "dockerfile-missing", "None"),
        ({"cmd": "no-such-program"}, "step", "exited with 127"),
    ],
)
def test_a_wrong_step_is_a_failed_run_with_its_reason(
    workshop: Workshop, step: dict[str, Any], reason: str, said: str
) -> None:
    done = run(workshop, {"id": "one", **step})
    assert done.returncode == 4
    assert workshop.last()["reason"] == reason
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_wrong_task_file_is_told_with_its_place_before_any_step(workshop: Workshop) -> None:
    folder = workshop.context("ctx")
    (folder / "task.yaml").write_text("version: v1.1.0\nsteps:\n  - cmd: x\n    when: [none]\n")
    done = workshop.call("run", "-f", "task.yaml", "ctx")
    assert done.returncode == 4
    assert "task.yaml:4:12: " in done.stderr
    assert workshop.last()["steps"] == []


def test_an_image_that_is_nowhere_is_named(workshop: Workshop) -> None:
    done = workshop.call("run", "--cmd", f"{workshop.registry}/none:1 true", "/dev/null")
    assert done.returncode == 4
    assert workshop.last()["reason"] == "base-pull"
    assert f"{workshop.registry}/none:1" in " ".join(done.stderr.split())


# ------------------------------------------------------------------ stopping
@pytest.fixture
def stubborn(workshop: Workshop) -> Iterator[subprocess.Popen[str]]:
    """A run whose only step ignores SIGTERM."""
    path = task(workshop, {"id": "a", "cmd": STUBBORN}, {"id": "b", "cmd": "true"})
    process = workshop.start("run", "-f", path, "ctx")
    wait_for_line(process, "begun")
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_ctrl_c_ends_a_step_that_ignores_it(
    workshop: Workshop, stubborn: subprocess.Popen[str], engine: docker.DockerClient
) -> None:
    run_id = workshop.last()["id"]
    stubborn.send_signal(signal.SIGINT)
    stubborn.communicate(timeout=20)
    assert stubborn.returncode == 130
    assert statuses(workshop) == {"a": "canceled", "b": "skipped"}
    assert of_run(engine, run_id) == []


def test_cancel_from_elsewhere_ends_it_too(
    workshop: Workshop, stubborn: subprocess.Popen[str], engine: docker.DockerClient
) -> None:
    run_id = workshop.last()["id"]
    assert workshop.call("cancel", run_id).stdout == f"run {run_id}: canceled\n"
    stubborn.communicate(timeout=20)
    assert stubborn.returncode == 4
    assert of_run(engine, run_id) == []


def test_an_engine_that_goes_away_during_a_step_is_an_engine_error(workshop: Workshop) -> None:
    path = task(workshop, {"id": "a", "cmd": STUBBORN, "ignoreErrors": True})
    with Bridge(workshop.root / "engine.sock") as bridge:
        workshop.environment["DOCKER_HOST"] = f"unix://{bridge.path}"
        process = workshop.start("run", "-f", path, "ctx")
        wait_for_line(process, "begun")
        bridge.collapse()
        process.communicate(timeout=60)
    assert process.returncode == 1
    assert (workshop.last()["status"], workshop.last()["reason"]) == ("Error", "engine")
    del workshop.environment["DOCKER_HOST"]
    assert (
        "cleared up after run" in workshop.call("run", "--cmd", workshop.base, "/dev/null").stdout
    )


@pytest.mark.parametrize("pause", ["retryDelay", "startDelay"])
def test_a_run_that_only_waits_can_be_canceled(workshop: Workshop, pause: str) -> None:
    path = task(
        workshop,
        {"id": "first", "cmd": "sh -c 'echo begun'"},
        {"id": "a", "cmd": "sh -c 'exit 1'", "retries": 5, pause: 600},
    )
    process = workshop.start("run", "-f", path, "ctx")
    wait_for_line(process, "begun")
    wanted = {"retryDelay": "running", "startDelay": "skipped"}[pause]
    assert eventually(lambda: statuses(workshop) == {"first": "succeeded", "a": wanted})
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert workshop.last()["status"] == "Canceled"


def test_a_killed_run_leaves_nothing_after_the_next_command(
    workshop: Workshop, stubborn: subprocess.Popen[str], engine: docker.DockerClient
) -> None:
    run_id = workshop.last()["id"]
    stubborn.kill()
    stubborn.wait()
    assert len(of_run(engine, run_id)) == 3
    told = workshop.call("runs").stderr
    assert f"cleared up after run {run_id}: 1 container, 1 network, 1 volume" in told
    assert of_run(engine, run_id) == []
    assert "cleared up" not in workshop.call("runs").stderr


def test_two_runs_with_the_same_step_ids_do_not_touch_each_other(
    workshop: Workshop, stubborn: subprocess.Popen[str], engine: docker.DockerClient
) -> None:
    first = workshop.last()["id"]
    done = run(
        workshop,
        {"id": "a", "cmd": "sh -c 'test ! -e mine && touch mine'"},
        {"id": "b", "cmd": "true"},
    )
    assert done.returncode == 0, done.stderr
    assert len(of_run(engine, first)) == 3
    assert stubborn.poll() is None
    stubborn.send_signal(signal.SIGINT)
    stubborn.communicate(timeout=20)


# ---------------------------------------------------------------------- logs
def test_bytes_that_are_not_utf_8_and_long_lines_survive(workshop: Workshop) -> None:
    show = r"sh -c 'printf \\303\\n; head -c 200000 /dev/zero | tr \\0 x; echo; echo end'"
    done = run(workshop, {"id": "a", "cmd": show})
    assert done.returncode == 0, done.stderr
    log = workshop.call("logs", workshop.last()["id"], "-o", "json").stdout.splitlines()
    pieces = [json.loads(line) for line in log if json.loads(line)["stream"] == "out"]
    assert pieces[0]["line"].encode("utf-8", "surrogateescape") == b"\xc3"
    assert "".join(piece["line"] for piece in pieces[1:-1]) == "x" * 200_000
    assert pieces[-1]["line"] == "end"
    words = [*COMMAND, "logs", workshop.last()["id"]]
    shown = subprocess.run(
        words, cwd=workshop.root, env=workshop.settings(), capture_output=True, check=True
    ).stdout
    assert b"a        | \xc3\n" in shown


def test_the_two_outputs_of_a_program_have_lines_of_their_own(workshop: Workshop) -> None:
    show = "sh -c 'printf half; echo wrong >&2; echo -whole; printf ended >&2'"
    done = run(workshop, {"id": "a", "cmd": show})
    assert done.returncode == 0, done.stderr
    log = workshop.call("logs", workshop.last()["id"], "-o", "json").stdout.splitlines()
    found = [json.loads(line) for line in log]
    told = {(line["stream"], line["line"]) for line in found if line["step"] == "a"}
    assert told == {("err", "wrong"), ("out", "half-whole"), ("err", "ended")}


@pytest.mark.parametrize(
    ("much", "least"),
    [
        ("yes $$(printf %0100d 7) | head -c 64m", 64_000_000),
        ("head -c 16m /dev/zero", 16_000_000),
        ("for i in 1 2 3 4 5 6; do head -c 10m /dev/zero | tr \\0 x; echo; done", 60_000_000),
    ],
    ids=["lines", "nul", "lines of 10 MB"],
)
def test_much_output_takes_little_memory(workshop: Workshop, much: str, least: int) -> None:
    shown = workshop.root / "shown"
    with shown.open("wb") as output:
        process = subprocess.Popen(
            workshop_words(workshop, f"sh -c '{much}; echo; echo the-end'"),
            cwd=workshop.root, env=workshop.settings(), stdin=subprocess.DEVNULL, stdout=output,
        )  # fmt: skip
    most = 0
    while process.poll() is None:
        most = max(most, peak_memory(process.pid))
        time.sleep(0.02)
    assert process.returncode == 0
    assert 0 < most < 100_000  # kB; the program alone takes about 70,000
    [log] = (workshop.root / ".reconciler" / "logs").glob("*.jsonl")
    for path in (shown, log):
        assert path.stat().st_size > least
        with path.open("rb") as file:
            file.seek(-2000, 2)
            assert b"the-end" in file.read()


def peak_memory(pid: int) -> int:
    """Most memory since the program began, kB: not what it was forked from, as rusage has it."""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        if found is not None and b"reconciler" in words:
            return int(found[1])
    return 0


def workshop_words(workshop: Workshop, cmd: str) -> list[str]:
    return [sys.executable, "-m", "reconciler", "run", "-f", task(workshop, {"cmd": cmd}), "ctx"]


# ------------------------------------------------------------------- secrets
def test_a_set_secret_is_masked_and_stored_nowhere(workshop: Workshop) -> None:
    workshop.environment["TOK"] = PLANTED
    path = task(
        workshop,
        {"id": "a", "cmd": "sh -c 'echo $$T; echo $$T | base64'", "env": ["T={{.Values.tok}}"]},
    )
    done = workshop.call("run", "-f", path, "ctx", "--set-secret", "tok=env:TOK")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^a +\| \*\*\*$", done.stdout, re.MULTILINE)
    state = [path for path in (workshop.root / ".reconciler").rglob("*") if path.is_file()]
    stored = b"".join(path.read_bytes() for path in state)
    for form in (PLANTED, "cGw0bnRlZC9zM2NyZXQrdmFsdW"):
        assert form not in done.stdout + done.stderr
        assert form.encode() not in stored
    assert workshop.last()["secrets"][0]["reference"] == "env:TOK"


def test_no_letter_of_a_secret_is_shown_whatever_the_spelling_and_the_chunks(
    workshop: Workshop,
) -> None:
    workshop.environment["TOK"] = PLANTED
    raw, folder = PLANTED.encode(), workshop.context("ctx")
    plain = [PLANTED, raw.hex(), raw.hex().upper(), quote(PLANTED, safe="")]
    encoded, kept = [], []
    for before in (b"", b"u", b"us", b"use"):
        whole = base64.b64encode(before + raw + b"end").decode()
        first, last = len(before) * 8 // 6, -(-(len(before) + len(raw)) * 8 // 6)
        encoded.append(whole)
        kept.append(f"{whole[:first]}***{whole[last:]}")
    forms = [*plain, *encoded, json.dumps({"tok": PLANTED})]
    (folder / "forms").write_text("\n".join(forms) + "\n")
    (folder / "half").write_bytes(raw)
    show = "cat forms; head -c 9 half; sleep 0.5; tail -c +10 half; echo; echo $$T >&2"
    path = task(workshop, {"id": "a", "cmd": f"sh -c '{show}'", "env": ["T={{.Values.tok}}"]})
    done = workshop.call("run", "-f", path, "ctx", "--set-secret", "tok=env:TOK")
    assert done.returncode == 0, done.stderr
    log = workshop.call("logs", workshop.last()["id"], "-o", "json").stdout.splitlines()
    told = [json.loads(line) for line in log]
    out = [one["line"] for one in told if one["stream"] == "out"]
    assert out == [*["***"] * len(plain), *kept, '{"tok": "***"}', "***"]
    assert [one["line"] for one in told if one["stream"] == "err"] == ["***"]


def test_a_secret_value_on_the_command_line_is_wrong_usage(workshop: Workshop) -> None:
    path = task(workshop, {"cmd": "true"})
    done = workshop.call("run", "-f", path, "ctx", "--set-secret", f"tok={PLANTED}")
    assert done.returncode == 64
    assert PLANTED not in done.stdout + done.stderr


def test_a_secret_as_build_argument_is_refused(workshop: Workshop) -> None:
    workshop.environment["TOK"] = PLANTED
    path = task(workshop, {"id": "b", "build": "--build-arg T={{.Values.tok}} ."})
    done = workshop.call("run", "-f", path, "ctx", "--set-secret", "tok=env:TOK")
    assert done.returncode == 4
    assert workshop.last()["reason"] == "taskfile-invalid"
    assert PLANTED not in done.stdout + done.stderr


# ------------------------------------------------------------------ the task
def test_inline_steps_of_an_applied_task_run_without_a_way_out(
    workshop: Workshop, engine: docker.DockerClient
) -> None:
    workshop.context("ctx")
    look = "sh -c 'echo this is {{.Run.TaskName}}; sleep 2'"
    document = {
        "apiVersion": "reconciler/v1",
        "kind": "Task",
        "metadata": {"name": "web-api", "registry": "contoso"},
        "spec": {
            "context": {"source": "ctx"},
            "network": {"egress": "none"},
            "step": {
                "inline": {
                    "steps": [
                        {"id": "look", "cmd": f"{workshop.base} {look}"},
                        {"id": "beside", "cmd": f"{workshop.base} sleep 2", "when": ["-"]},
                    ]
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
    process = workshop.start("run", "web-api")
    wait_for_line(process, "this is web-api")
    network = engine.networks.get(f"rt-{workshop.last()['id']}")
    assert network.attrs["Internal"] is True
    process.communicate(timeout=60)
    assert process.returncode == 0


# --------------------------------------------------------------- the adapter
@pytest.fixture
def containers() -> EngineContainers:
    return EngineContainers(open_engine(None, {}), f"test-{uuid.uuid4().hex}")


def created(engine: docker.DockerClient, base_image: str, **fields: Any) -> dict[str, Any]:
    """What the engine says of a container that is made and never started."""
    from reconciler.adapters.docker.creation import creation

    own = open_engine(None, {})
    client = own.client(timeout=30)
    request = ContainerRequest(
        name=f"rt-{uuid.uuid4().hex}", image=base_image, labels={}, argv=("true",), **fields
    )
    identity = client.create_container(**creation(client, own, request))["Id"]
    try:
        return dict(client.inspect_container(identity))
    finally:
        client.remove_container(identity, force=True)
        client.close()
        own.close()


def test_a_container_has_an_init_and_no_socket_unless_asked(
    engine: docker.DockerClient, base_image: str
) -> None:
    host = created(engine, base_image)["HostConfig"]
    assert (host["Init"], host["AutoRemove"], host["Privileged"]) == (True, False, False)
    assert host["LogConfig"]["Type"] == "none"  # it would keep what nobody has masked
    assert host["Binds"] in (None, [])
    asked = created(engine, base_image, docker_socket=True, privileged=True)["HostConfig"]
    assert asked["Privileged"] is True
    assert asked["Binds"] == ["/var/run/docker.sock:/var/run/docker.sock"]


def test_ports_processors_and_entry_point_are_handed_on(
    engine: docker.DockerClient, base_image: str
) -> None:
    found = created(
        engine, base_image, ports=("127.0.0.1:8081:81/tcp",), expose=("90",), cpus="0.5",
        entry_point="/bin/sh",
    )  # fmt: skip
    bindings = found["HostConfig"]["PortBindings"]
    assert bindings == {"81/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8081"}]}
    assert set(found["Config"]["ExposedPorts"]) == {"81/tcp", "90/tcp"}
    assert found["HostConfig"]["NanoCpus"] == 500_000_000
    assert found["Config"]["Entrypoint"] == ["/bin/sh"]


def test_a_sweep_leaves_living_runs_and_other_instances_alone(
    containers: EngineContainers, engine: docker.DockerClient
) -> None:
    other = EngineContainers(open_engine(None, {}), f"test-{uuid.uuid4().hex}")
    names = {word: f"rt-test-{word}-{uuid.uuid4().hex[:8]}" for word in ("dead", "alive", "other")}
    for word, owner in (("dead", containers), ("alive", containers), ("other", other)):
        owner.create_network(names[word], word, driver=None, ipv6=False, internal=False)
    try:
        swept = containers.sweep(lambda run_id: run_id == "alive")
        assert (swept.runs, swept.networks, swept.left) == (("dead",), 1, ())
        left = {str(network.name) for network in engine.networks.list()}
        assert left & set(names.values()) == {names["alive"], names["other"]}
    finally:
        containers.remove_run("alive")
        other.remove_run("other")


def test_who_had_a_run_removes_nothing_of_who_has_it_now(
    base_image: str, engine: docker.DockerClient, tmp_path: Path
) -> None:
    instance, run = f"test-{uuid.uuid4().hex}", f"r{uuid.uuid4().hex[:8]}"
    holders = [EngineContainers(open_engine(None, {}), instance, fence) for fence in (1, 2, 3)]
    for fence, holder in enumerate(holders, 1):
        name = thing_name(run, fence=fence)
        holder.create_network(name, run, driver=None, ipv6=False, internal=False)
        holder.create_workspace(name, run, tmp_path, lambda _path: False, lambda: None)
        labels = step_labels(instance, run, "a", 1, fence)
        engine.containers.create(base_image, name=name, labels=labels)
    try:
        assert holders[1].remove_run(run) == []
        assert _names_of(engine, run) == {thing_name(run, fence=3): 3}
        swept = holders[0].sweep(lambda _run: False)  # a run that is over has no holder
        assert (swept.containers, swept.networks, swept.volumes, swept.left) == (1, 1, 1, ())
    finally:
        holders[-1].remove_run(run)


def _names_of(engine: docker.DockerClient, run: str) -> Counter[str]:
    """The names of what a run has on an engine."""
    wanted: Any = {"label": f"{RUN_LABEL}={run}"}
    found = [str(item.name) for item in engine.containers.list(all=True, filters=wanted)]
    found += [str(item.name) for item in engine.networks.list(filters=wanted)]
    found += [str(item.name) for item in engine.volumes.list(filters=wanted)]
    return Counter(found)


def test_a_copied_folder_comes_back_as_it_was_with_its_links(
    containers: EngineContainers, tmp_path: Path, engine: docker.DockerClient
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "sub").mkdir(parents=True)
    target.mkdir()
    (source / "sub" / "file").write_text("content")
    (source / "out").symlink_to("/etc/passwd")
    (source / "left").write_text("not copied")
    volume = f"rt-test-{uuid.uuid4().hex[:8]}"
    try:
        containers.create_workspace(volume, "r1", source, lambda path: path == "left", lambda: None)
        assert containers.copy_out(volume, "r1", ".", target)
    finally:
        assert containers.remove_run("r1") == []
    assert (target / "sub" / "file").read_text() == "content"
    assert (target / "out").is_symlink()
    assert not (target / "left").exists()


def test_labels_name_the_instance_of_a_volume(
    containers: EngineContainers, tmp_path: Path, engine: docker.DockerClient
) -> None:
    volume = f"rt-test-{uuid.uuid4().hex[:8]}"
    containers.create_workspace(volume, "r1", tmp_path, lambda _path: False, lambda: None)
    try:
        labels = engine.volumes.get(volume).attrs["Labels"]
        assert labels == {
            INSTANCE_LABEL: containers.instance,
            RUN_LABEL: "r1",
            FENCE_LABEL: "1",
        }
    finally:
        containers.remove_run("r1")


def test_on_a_terminal_a_running_step_has_a_row_that_is_gone_at_the_end(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    name = task(workshop, {"id": "slow", "cmd": "sh -c 'echo begun; sleep 2; echo ended'"})

    def start(terminal: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*COMMAND, "run", "-f", name, "ctx"], cwd=workshop.root, env=workshop.settings(),
            stdin=terminal, stdout=terminal, stderr=terminal, text=True,
        )  # fmt: skip

    told = shown(start)
    assert "slow     > running 1 s  (0 of 1 step done)" in told
    gone = told.index("\x1b[?25h")  # the cursor is seen again: the rows are taken away
    assert told.rindex("> running") < gone < told.rindex("slow  succeeded")
    assert told.index("begun") < told.index("> running 1 s") < told.rindex("ended")
