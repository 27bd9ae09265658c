"""What becomes of steps: each ends with the right status, and the run with the right reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.base.errors import RegistryRefused
from reconciler.model.build import BuildResult, Login, Refusal, Transfer
from reconciler.model.run import Reason, RunRecord, RunStatus
from reconciler.model.step import DockerStep, FileStep
from reconciler.runner.attempts import Ear, try_often
from reconciler.runner.containers import thing_name
from reconciler.runner.execute import execute
from reconciler.runner.failure import Failure, Stop
from reconciler.runner.ledger import StepFailed
from reconciler.runner.multistep import MultiStep
from reconciler.runner.request import RunRequest
from reconciler.taskfile.tasks import Repeating
from tests.unit.runner.containers_memory import MemoryContainers
from tests.unit.runner.memory import IMAGE, Run

REGISTRY = "r.example:5000"


class Bench:
    """A run of a task file, in memory."""

    def __init__(self, folder: Path) -> None:
        self.run, self.containers = Run(folder), MemoryContainers()

    def go(
        self,
        *steps: dict[str, Any],
        file: dict[str, Any] | None = None,
        top: dict[str, Any] | None = None,
        **more: Any,
    ) -> RunRecord:
        document = {"version": "v1.1.0", "steps": list(steps), **(top or {})}
        (self.run.folder / "task.yaml").write_text(yaml.safe_dump(document, width=1000))
        multi = {
            name: more.pop(name) for name in ("docker_socket", "push", "compat") if name in more
        }
        request = RunRequest(
            id="r234567",
            actor="dev@contoso.example",
            source="app",
            step=DockerStep(push=False),
            multi=MultiStep(
                file=FileStep.model_validate({"path": "task.yaml", **(file or {})}), **multi
            ),
            login_server=REGISTRY,
            **more,
        )
        return execute(request, replace(self.run.ports(), containers=lambda: self.containers))

    def argv(self) -> list[tuple[str, ...]]:
        return [request.argv for request in self.containers.requests]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def ended(record: RunRecord) -> tuple[RunStatus, Reason | None]:
    return record.status, record.reason


def steps(record: RunRecord) -> dict[str, tuple[str, int | None]]:
    return {step.name: (step.status.value, step.exit_code) for step in record.steps}


def cmd(name: str, words: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "cmd": f"known {words}", **more}


# ------------------------------------------------------------------- success
def test_steps_run_in_order_and_their_place_is_removed(bench: Bench) -> None:
    record = bench.go(cmd("a", "say one"), cmd("b", "say two"))
    assert ended(record) == (RunStatus.SUCCEEDED, None)
    assert steps(record) == {"a": ("succeeded", 0), "b": ("succeeded", 0)}
    assert bench.argv() == [("say", "one"), ("say", "two")]
    assert bench.containers.networks == {"rt-r234567": False}
    assert bench.containers.volumes == ["rt-r234567"]
    assert bench.containers.removed == ["r234567"]


def test_a_container_carries_its_run_step_and_attempt(bench: Bench) -> None:
    bench.go(cmd("a", "ok", env=["A=1"]))
    request = bench.containers.requests[0]
    assert request.name == "rt-r234567-a-1"
    assert request.labels == {
        "io.reconciler.instance": "memory",
        "io.reconciler.run": "r234567",
        "io.reconciler.fence": "1",
        "io.reconciler.step": "a",
        "io.reconciler.attempt": "1",
    }
    assert (request.network, request.aliases) == ("rt-r234567", ("a",))
    assert (request.volume, request.env) == ("rt-r234567", ("A=1",))
    assert request.docker_socket is False


def test_the_next_holder_of_a_run_shares_no_name_with_the_one_before(bench: Bench) -> None:
    ports = bench.run.ports
    bench.run.ports = lambda: replace(ports(), fence=2)  # type: ignore[method-assign]
    top = {"networks": [{"name": "own"}]}
    bench.go(cmd("a", "say {{.Run.SharedVolume}}", network="own"), top=top)
    request = bench.containers.requests[0]
    assert request.name == "rt-r234567.2-a-1"
    assert request.labels["io.reconciler.fence"] == "2"
    assert request.network == "rt-r234567.2-own"
    assert set(bench.containers.networks) == {"rt-r234567.2-own"}
    assert bench.containers.volumes == [request.volume] == ["rt-r234567.2"]
    assert request.argv == ("say", "rt-r234567.2")


def test_the_socket_is_mounted_only_if_the_task_says_so(bench: Bench) -> None:
    bench.go(cmd("a", "ok"), docker_socket=True)
    assert bench.containers.requests[0].docker_socket is True


def test_without_egress_a_step_alone_has_no_network(bench: Bench) -> None:
    bench.go(cmd("a", "ok"), cmd("b", "ok"), offline=True)
    assert bench.containers.networks == {}
    assert {request.network for request in bench.containers.requests} == {"none"}
    assert all(request.closed for request in bench.containers.requests)


def test_without_egress_the_network_of_steps_side_by_side_is_closed(bench: Bench) -> None:
    bench.go(cmd("a", "ok"), cmd("b", "ok", when=["-"]), offline=True)
    assert bench.containers.networks == {"rt-r234567": True}
    assert {request.network for request in bench.containers.requests} == {"rt-r234567"}
    assert "broadcast or multicast" in bench.run.log.text


def test_with_egress_nothing_is_closed(bench: Bench) -> None:
    bench.go(cmd("a", "ok"))
    assert bench.containers.networks == {"rt-r234567": False}
    assert not bench.containers.requests[0].closed


@pytest.mark.parametrize(
    ("top", "step", "more"),
    [
        ({}, {"privileged": True}, {"docker_socket": True}),
        ({}, {}, {"docker_socket": True}),
        ({"networks": [{"name": "n", "ipv6": True}]}, {}, {}),
        ({"networks": [{"name": "n", "driver": "macvlan"}]}, {}, {}),
        ({"networks": [{"name": "n", "skipCreation": True}]}, {"network": "n"}, {}),
        ({}, {"network": "bridge"}, {}),
    ],
)
def test_without_egress_what_no_engine_holds_is_refused_before_any_step(
    bench: Bench, top: dict[str, Any], step: dict[str, Any], more: dict[str, Any]
) -> None:
    record = bench.go(cmd("z", "ok"), cmd("a", "ok", **step), top=top, offline=True, **more)
    assert ended(record) == (RunStatus.FAILED, Reason.STEP)
    assert "this task has network.egress: none" in str(record.message)
    assert bench.containers.requests == []
    assert bench.go(cmd("z", "ok"), cmd("a", "ok", **step), top=top, **more).reason is None


def test_without_egress_a_build_adds_nothing_from_outside(bench: Bench) -> None:
    (bench.run.folder / "Dockerfile").write_text("FROM known\nADD https://x.example/f /f\n")
    record = bench.go({"id": "b", "build": "."}, offline=True)
    assert ended(record) == (RunStatus.FAILED, Reason.STEP)
    assert "Dockerfile line 2 adds https://x.example/f" in str(record.message)
    assert bench.run.engine.requests == []
    assert bench.go({"id": "b", "build": "."}).reason is None


def test_without_egress_the_hosts_network_is_refused(bench: Bench) -> None:
    record = bench.go(cmd("z", "ok"), cmd("a", "ok", network="host"), offline=True)
    assert record.status is RunStatus.FAILED
    assert "egress" in str(record.message)
    assert bench.containers.requests == []


def test_a_build_after_a_command_sees_what_it_wrote(bench: Bench) -> None:
    record = bench.go(cmd("a", "ok"), {"id": "b", "build": "-t r.example:5000/web:1 ."})
    assert record.status is RunStatus.SUCCEEDED, record.message
    [request] = bench.run.engine.requests
    assert request.context != bench.run.folder.resolve()
    assert [output.reference for output in record.outputs] == ["r.example:5000/web:1"]


def test_a_build_before_any_command_takes_the_context_as_it_was_fetched(bench: Bench) -> None:
    (bench.run.folder / "Dockerfile").write_text("FROM known\n")
    record = bench.go({"id": "b", "build": "."})
    assert record.status is RunStatus.SUCCEEDED, record.message
    assert bench.run.engine.requests[0].context == bench.run.folder.resolve()
    assert bench.containers.volumes == []


def test_what_was_built_is_pushed_and_recorded_with_its_digest(bench: Bench) -> None:
    (bench.run.folder / "Dockerfile").write_text("FROM known\n")
    name = "r.example:5000/web"
    record = bench.go({"id": "b", "build": f"-t {name} ."}, {"id": "p", "push": [name]})
    assert bench.run.engine.pushed == [f"{name}:latest"]
    assert [output.digest for output in record.outputs] == [bench.run.served]


@pytest.mark.parametrize(
    ("name", "fix"),
    [("web:2", "did you mean web:1?"), ("other", "build it in a step before, with -t")],
)
def test_a_push_of_an_image_that_is_not_here_is_no_fault_of_the_registry(
    bench: Bench, name: str, fix: str
) -> None:
    (bench.run.folder / "Dockerfile").write_text("FROM known\n")
    bench.run.engine.transfer = Transfer(refusal=Refusal.MISSING, message="tag does not exist")
    build, push = f"-t {REGISTRY}/web:1 .", f"{REGISTRY}/{name}"
    record = bench.go({"id": "b", "build": build}, {"id": "p", "push": [push]})
    assert ended(record) == (RunStatus.FAILED, Reason.STEP)
    assert record.message is not None
    assert f"there is no image {push}" in record.message
    assert fix in record.message
    assert "refuses" not in record.message


def test_a_push_elsewhere_is_refused_before_any_step(bench: Bench) -> None:
    record = bench.go(cmd("a", "ok"), {"id": "p", "push": ["other.example/a:1"]})
    assert ended(record) == (RunStatus.FAILED, Reason.TASKFILE_INVALID)
    assert bench.containers.requests == []


# ------------------------------------------------------------------ failures
@pytest.mark.parametrize(
    ("named", "pushed", "allowed"),
    [
        (["web"], "{{.Run.Registry}}/web:1", True),
        (["team/*"], "{{.Run.Registry}}/team/web:1", True),
        (["team/*"], "{{.Run.Registry}}/team/a/b:1", False),
        (["other.example/web"], "other.example/web:1", True),
        (["web"], "other.example/web:1", False),
        (["web"], "{{.Run.Registry}}/websites:1", False),
        (["w.b"], "{{.Run.Registry}}/wab:1", False),
        ([], "{{.Run.Registry}}/web:1", False),
    ],
)
def test_a_declared_task_pushes_to_the_repositories_its_spec_names_and_to_no_other(
    bench: Bench, named: list[str], pushed: str, allowed: bool
) -> None:
    bench.run.engine.local = ("known:latest", pushed.replace("{{.Run.Registry}}", REGISTRY))
    steps_of_file = [cmd("first", "ok"), {"id": "out", "push": [pushed], "when": ["first"]}]
    asked: dict[str, Any] = {"task": "contoso/web-api", "registries": ("other.example",)}
    record = bench.go(*steps_of_file, file={"repositories": named}, **asked)
    assert (record.status is RunStatus.SUCCEEDED) is allowed, record.message
    assert (bench.run.engine.pushed != []) is allowed
    if not allowed:
        assert record.reason is Reason.TASKFILE_INVALID
        assert "spec.step.file.repositories: [" in str(record.message)
        assert bench.containers.requests == []


def test_a_file_that_a_person_runs_pushes_where_they_said(bench: Bench) -> None:
    bench.run.engine.local = ("known:latest", f"{REGISTRY}/web:1")
    record = bench.go({"id": "out", "push": ["{{.Run.Registry}}/web:1"]})
    assert record.status is RunStatus.SUCCEEDED, record.message


def test_a_failed_step_ends_the_run_and_later_ones_are_skipped(bench: Bench) -> None:
    record = bench.go(cmd("a", "exit 3"), cmd("b", "ok"))
    assert ended(record) == (RunStatus.FAILED, Reason.STEP)
    assert record.message == 'step "a" exited with 3'
    assert steps(record) == {"a": ("failed", 3), "b": ("skipped", None)}
    assert bench.containers.removed == ["r234567"]


def test_a_sibling_of_a_failed_step_is_canceled(bench: Bench) -> None:
    record = bench.go(cmd("a", "hang", when=["-"]), cmd("b", "exit 3", when=["-"]))
    assert ended(record) == (RunStatus.FAILED, Reason.STEP)
    assert steps(record) == {"a": ("canceled", None), "b": ("failed", 3)}


def test_an_ignored_failure_is_never_shown_as_a_success(bench: Bench) -> None:
    record = bench.go(cmd("a", "exit 3", ignoreErrors=True), cmd("b", "ok"))
    assert record.status is RunStatus.SUCCEEDED
    assert steps(record) == {"a": ("failed-ignored", 3), "b": ("succeeded", 0)}


def test_an_exit_code_that_is_wanted_is_a_success(bench: Bench) -> None:
    record = bench.go(cmd("a", "exit 3", exitedWith=[3]))
    assert steps(record) == {"a": ("succeeded", 3)}


def test_what_the_engine_refuses_to_start_is_said(bench: Bench) -> None:
    record = bench.go(cmd("a", "refused"))
    assert record.message == 'step "a" cannot be started: no such program'


def test_a_failed_attempt_is_told_with_its_reason_and_what_comes_next(bench: Bench) -> None:
    bench.containers.codes = [7, 0]
    bench.go(cmd("a", "next", retries=2, retryDelay=1))
    told = [line for line in bench.run.log.lines if "attempt" in line.line]
    assert [(line.attempt, line.line) for line in told] == [
        (1, 'attempt 1 failed: step "a" exited with 7; trying again in 1 s')
    ]


def test_a_retry_has_a_name_and_an_attempt_of_its_own(bench: Bench) -> None:
    bench.containers.codes = [1, 0]
    record = bench.go(cmd("a", "next", retries=2, retryDelay=1))
    assert record.status is RunStatus.SUCCEEDED
    names = [request.name for request in bench.containers.requests]
    assert names == ["rt-r234567-a-1", "rt-r234567-a-2"]


def test_an_engine_that_goes_away_is_no_fault_of_the_step_even_if_errors_are_ignored(
    bench: Bench,
) -> None:
    record = bench.go(cmd("a", "gone", ignoreErrors=True), cmd("b", "ok"))
    assert ended(record) == (RunStatus.ERROR, Reason.ENGINE)
    assert steps(record)["b"] == ("skipped", None)


def test_an_engine_that_goes_away_during_a_build_is_not_ignored_either(bench: Bench) -> None:
    (bench.run.folder / "Dockerfile").write_text("FROM known\n")
    bench.run.engine.built, bench.run.engine.up = BuildResult(exit_code=1), False
    record = bench.go({"id": "b", "build": ".", "ignoreErrors": True})
    assert ended(record) == (RunStatus.ERROR, Reason.ENGINE)


def test_a_place_that_cannot_be_made_is_the_engines_fault(bench: Bench) -> None:
    bench.containers.refusal = "no more networks"
    record = bench.go(cmd("a", "ok"))
    assert ended(record) == (RunStatus.ERROR, Reason.ENGINE)
    assert "no more networks" in str(record.message)
    assert bench.containers.removed == ["r234567"]


def test_a_failed_build_has_its_code(bench: Bench) -> None:
    (bench.run.folder / "Dockerfile").write_text("FROM known\n")
    bench.run.engine.built = BuildResult(exit_code=5, message="RUN x failed")
    record = bench.go({"id": "b", "build": "."})
    assert steps(record) == {"b": ("failed", 5)}
    assert record.message == 'step "b" exited with 5: RUN x failed'


def test_what_cannot_be_removed_is_told_and_harms_nothing(bench: Bench) -> None:
    bench.containers.left = ["rt-r234567"]
    assert bench.go(cmd("a", "ok")).status is RunStatus.SUCCEEDED
    assert "rt-r234567 is still in use" in bench.run.log.text


# ------------------------------------------------------------------ stopping
def test_a_canceled_run_ends_the_running_step(bench: Bench) -> None:
    bench.run.canceled_by = None
    original = bench.containers._hang

    def hang_and_cancel(stopping: Callable[[], bool]) -> Any:
        bench.run.interrupted = True
        return original(stopping)

    bench.containers._hang = hang_and_cancel  # type: ignore[method-assign]
    record = bench.go(cmd("a", "hang"), cmd("b", "ok"))
    assert ended(record) == (RunStatus.CANCELED, Reason.CANCELED)
    assert steps(record) == {"a": ("canceled", None), "b": ("skipped", None)}
    assert bench.containers.removed == ["r234567"]


def test_a_detached_step_ends_when_the_last_other_one_has(bench: Bench) -> None:
    record = bench.go(cmd("web", "hang", detach=True), cmd("b", "ok"))
    assert record.status is RunStatus.SUCCEEDED
    assert steps(record) == {"web": ("succeeded", None), "b": ("succeeded", 0)}


@pytest.mark.parametrize(
    ("words", "told"), [("exit 9", ("detached-exited", 9)), ("exit 0", ("detached-exited", 0))]
)
def test_a_detached_step_that_ends_by_itself_says_with_what(
    bench: Bench, words: str, told: tuple[str, int]
) -> None:
    record = bench.go(cmd("web", words, detach=True), cmd("b", "ok"))
    assert record.status is RunStatus.SUCCEEDED
    assert steps(record) == {"web": told, "b": ("succeeded", 0)}
    assert f"ended by itself with {told[1]}" in bench.run.log.text


def test_a_detached_step_may_end_by_itself_with_a_code_it_names(bench: Bench) -> None:
    named = cmd("web", "exit 4", detach=True, exitedWith=[0, 4])
    record = bench.go(named, cmd("other", "exit 5", detach=True, exitedWith=[0, 4]), cmd("b", "ok"))
    assert steps(record)["web"] == ("succeeded", 4)
    assert steps(record)["other"] == ("detached-exited", 5)


def test_a_pull_is_told_under_its_step(bench: Bench) -> None:
    bench.go({"id": "a", "cmd": "r.example/tool:2 ok"})
    told = [line.step for line in bench.run.log.lines if "pulling r.example/tool:2" in line.line]
    assert told == ["a"]


# -------------------------------------------------------------------- values
def test_values_and_run_variables_are_put_in_and_set_wins(bench: Bench) -> None:
    (bench.run.folder / "values.yaml").write_text("a: file\nb: file\n")
    bench.go(
        cmd("a", "say {{.Values.a}} {{.Values.b}} {{.Run.ID}} {{.Run.Commit}}"),
        file={"values": "values.yaml", "set": {"b": "set"}},
    )
    assert bench.argv() == [("say", "file", "set", "r234567", "c0ffee")]


def test_a_secret_is_masked_in_the_log_and_only_its_reference_is_kept(bench: Bench) -> None:
    bench.run.secrets = {"env:TOK": "hunter2-hunter2\n"}
    record = bench.go(
        cmd("a", "say {{.Values.tok}}"),
        file={"setSecret": {"tok": "env:TOK"}},
        compat="acb",
    )
    assert bench.argv() == [("say", "hunter2-hunter2\n")]
    assert "hunter2" not in bench.run.log.text + record.model_dump_json()
    assert "***" in bench.run.log.text
    assert [(used.name, used.reference) for used in record.secrets] == [("tok", "env:TOK")]


def test_a_secret_keeps_every_byte_and_a_line_break_in_a_variable_is_told(bench: Bench) -> None:
    value = "hunter2-hunter2\r\n\n"
    bench.run.secrets = {"env:TOK": value}
    volume = {"name": "v", "secret": {"f": "{{ .Values.tok | b64enc }}"}}
    mounts = [{"name": "v", "mountPath": "/keys"}]
    variables = ["A={{.Values.tok}}", "B={{.Values.tok | trim}}"]
    record = bench.go(
        cmd("a", "say", env=variables, volumeMounts=mounts),
        top={"volumes": [volume]},
        file={"setSecret": {"tok": "env:TOK"}},
    )
    assert record.status is RunStatus.SUCCEEDED, record.message
    (request,) = bench.containers.requests
    assert request.env == (f"A={value}", "B=hunter2-hunter2")
    assert [dict(secret.files) for secret in request.secrets] == [{"f": value.encode()}]
    told = [line for line in bench.run.log.text.splitlines() if "line break" in line]
    assert len(told) == 1
    assert 'secret tok ends with a line break, and so does A of step "a"' in told[0]


def test_a_vault_that_denies_ends_the_run_before_any_step(bench: Bench) -> None:
    vault = "https://kv.vault.azure.net/secrets/tok"
    record = bench.go(
        cmd("a", "say", env=["T={{.Secrets.tok}}"]),
        top={"secrets": [{"id": "tok", "keyvault": vault}]},
    )
    assert ended(record) == (RunStatus.FAILED, Reason.SECRET_DENIED)
    assert vault in str(record.message)
    assert bench.containers.requests == []


@pytest.mark.parametrize("key", ["keyvault", "akv"])
def test_a_secret_of_a_vault_is_read_by_its_identity_and_masked(bench: Bench, key: str) -> None:
    client = "11111111-2222-3333-4444-555555555555"
    vault = "https://kv.vault.azure.net/secrets/tok"
    reference = f"azurekv:{vault}?clientID={client}"
    bench.run.secrets = {reference: "hunter2-hunter2"}
    record = bench.go(
        cmd("a", "say", env=["T={{.Secrets.tok}}"]),
        top={"secrets": [{"id": "tok", key: vault, "clientID": client}]},
    )
    assert record.status is RunStatus.SUCCEEDED, record.message
    assert bench.containers.requests[0].env == ("T=hunter2-hunter2",)
    assert "hunter2" not in bench.run.log.text + record.model_dump_json()
    assert [(used.name, used.reference) for used in record.secrets] == [("tok", reference)]


# -------------------------------------------------------------------- images
def test_an_image_that_is_not_there_is_pulled_once_and_recorded(bench: Bench) -> None:
    record = bench.go(*[{"id": name, "cmd": "r.example/tool:2 ok"} for name in ("a", "b")])
    assert record.status is RunStatus.SUCCEEDED
    assert bench.run.engine.pulled == ["r.example/tool:2"]
    (image,) = record.bases
    assert (image.reference, image.role, image.image_id) == ("r.example/tool:2", "step", IMAGE.id)
    assert {request.image for request in bench.containers.requests} == {IMAGE.id}


def test_an_image_is_pulled_anew_where_the_step_says_so(bench: Bench) -> None:
    bench.go(cmd("a", "ok"), cmd("b", "ok", pull=True))
    assert bench.run.engine.pulled == ["known:latest"]


def test_an_image_that_the_run_built_is_used_and_is_nothing_it_stands_on(bench: Bench) -> None:
    (bench.run.folder / "Dockerfile").write_text("FROM scratch\n")
    bench.run.engine.local = ()
    record = bench.go(
        {"id": "make", "build": "-t made:1 ."}, {"id": "use", "cmd": "made:1 ok", "when": ["make"]}
    )
    assert record.status is RunStatus.SUCCEEDED, record.message
    assert [request.image for request in bench.containers.requests] == [IMAGE.id]
    assert record.bases == ()
    assert bench.run.engine.pulled == []


@pytest.mark.parametrize(("retries", "asked"), [(0, 1), (2, 3)])
def test_a_download_is_tried_as_often_as_the_step_says(
    bench: Bench, retries: int, asked: int
) -> None:
    bench.run.engine.transfer = Transfer(refusal=Refusal.AUTH, message="denied")
    record = bench.go(
        {"id": "a", "cmd": "far:1 ok", "cmdDownloadRetries": retries,
         "cmdDownloadRetryDelay": 0}
    )  # fmt: skip
    assert ended(record) == (RunStatus.FAILED, Reason.BASE_PULL)
    assert 'the image far:1 of step "a" cannot be pulled: denied' in str(record.message)
    assert bench.run.engine.pulled == ["far:1"] * asked
    assert steps(record)["a"] == ("failed", 125)


@pytest.mark.parametrize(
    ("values", "place"), [("a: [", "values.yaml:"), (None, "values.yaml"), ("- a", "values.yaml:1")]
)
def test_a_wrong_values_file_is_named(bench: Bench, values: str | None, place: str) -> None:
    if values is not None:
        (bench.run.folder / "values.yaml").write_text(values)
    record = bench.go(cmd("a", "ok"), file={"values": "values.yaml"})
    assert ended(record) == (RunStatus.FAILED, Reason.TASKFILE_INVALID)
    assert place in str(record.message)


def test_a_secret_among_words_is_warned_of(bench: Bench) -> None:
    bench.run.secrets = {"env:TOK": "hunter2-hunter2"}
    asked = cmd("a", "say {{.Values.tok}}")
    bench.go(asked, file={"setSecret": {"tok": "env:TOK"}}, compat="acb")
    assert "warning: a secret among the words" in bench.run.log.text


# ------------------------------------------------------------------ attempts
def tries(
    plan: Repeating, codes: list[int], said: bytes = b""
) -> tuple[int, list[int], list[float]]:
    numbers: list[int] = []
    pauses: list[float] = []

    def once(number: int, ear: Ear) -> int:
        numbers.append(number)
        ear(said[:3])
        ear(said[3:])
        code = codes.pop(0)
        if code:
            raise StepFailed(Reason.STEP, f"exited with {code}", code)
        return code

    try:
        code = try_often(plan, once, pauses.append)
    except StepFailed as failure:
        code = failure.exit_code
    return code, numbers, pauses


@pytest.mark.parametrize(
    ("plan", "codes", "code", "attempts", "pauses"),
    [
        (Repeating(), [0], 0, 1, 0),
        (Repeating(), [3], 3, 1, 0),
        (Repeating(retries=2), [1, 1, 0], 0, 3, 2),
        (Repeating(retries=2), [1, 1, 4], 4, 3, 2),
        (Repeating(repeat=2), [0, 0, 0], 0, 3, 0),
        (Repeating(repeat=2), [1, 0, 0], 1, 3, 0),
        (Repeating(repeat=1, retries=1), [1, 1, 1, 1], 1, 4, 2),
    ],
)
def test_a_step_is_tried_as_often_as_it_says(
    plan: Repeating, codes: list[int], code: int, attempts: int, pauses: int
) -> None:
    found = tries(plan, codes)
    assert (found[0], len(found[1]), len(found[2])) == (code, attempts, pauses)


@pytest.mark.parametrize(("said", "attempts"), [(b"all is boom here", 2), (b"all is well", 1)])
def test_only_named_errors_are_worth_a_retry(said: bytes, attempts: int) -> None:
    plan = Repeating(retries=1, retry_on_errors=("is boom",))
    assert len(tries(plan, [1, 1], said)[1]) == attempts


def test_what_no_retry_can_mend_is_not_retried() -> None:
    def once(_number: int, _ear: Ear) -> int:
        raise Failure(Reason.TASKFILE_INVALID, "wrong")

    with pytest.raises(Failure, match="wrong"):
        try_often(Repeating(retries=5), once, lambda _seconds: pytest.fail("it waited"))


def test_a_stop_during_a_pause_ends_the_trying() -> None:
    def pause(_seconds: float) -> None:
        raise Stop(Reason.CANCELED, "stopped")

    def once(_number: int, _ear: Ear) -> int:
        raise StepFailed(Reason.STEP, "no", 1)

    with pytest.raises(Stop):
        try_often(Repeating(retries=5), once, pause)


# --------------------------------------------------------------------- cache
KEPT = f"{REGISTRY}/web:cache_quickrun_b"


def cached(bench: Bench, tag: str = f"{REGISTRY}/web:1", **more: Any) -> RunRecord:
    (bench.run.folder / "Dockerfile").write_text("FROM known\n")
    return bench.go({"id": "b", "build": f"-t {tag} .", "cache": "enabled"}, **more)


def test_a_cache_is_taken_from_the_registry_and_kept_there(bench: Bench) -> None:
    record = cached(bench)
    assert bench.run.engine.requests[0].cache == KEPT
    assert bench.run.engine.pushed == [KEPT]
    assert [output.reference for output in record.outputs] == [f"{REGISTRY}/web:1"]


def test_a_builder_that_keeps_its_cache_itself_is_given_the_login(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.run.engine.cache = "registry"
    login = Login("me", "planted-password")
    ports = bench.run.ports()
    monkeypatch.setattr(bench.run, "ports", lambda: replace(ports, login=lambda _host: login))
    assert cached(bench).status is RunStatus.SUCCEEDED
    (request,) = bench.run.engine.requests
    assert (request.cache, request.cache_login, request.cache_kept) == (KEPT, login, True)
    assert bench.run.engine.pushed == []


@pytest.mark.parametrize(("cache", "kept"), [("registry", False), ("inline", True)])
def test_a_builder_that_keeps_its_cache_itself_keeps_none_of_a_build_with_secrets(
    bench: Bench, cache: str, kept: bool
) -> None:
    bench.run.engine.cache = cache
    bench.run.secrets["env:S"] = "hunter2"
    (bench.run.folder / "Dockerfile").write_text("FROM known\n")
    build = f"-t {REGISTRY}/web:1 --secret id=s,env=S ."
    step = {"id": "b", "build": build, "cache": "enabled", "env": ["S={{.Values.s}}"]}
    assert bench.go(step, file={"setSecret": {"s": "env:S"}}).status is RunStatus.SUCCEEDED
    (request,) = bench.run.engine.requests
    assert (request.cache, request.cache_kept) == (KEPT, kept)
    assert ("note: no cache is kept of this build" in bench.run.log.text) is not kept
    assert bench.run.engine.pushed == ([KEPT] if kept else [])


def test_an_inline_cache_with_a_secret_is_pushed_no_more_than_its_image(bench: Bench) -> None:
    bench.run.secrets["env:S"] = bench.run.engine.history = "hunter2"
    (bench.run.folder / "Dockerfile").write_text("FROM known\n")
    build = f"-t {REGISTRY}/web:1 --secret id=s,env=S ."
    step = {"id": "b", "build": build, "cache": "enabled", "env": ["S={{.Values.s}}"]}
    record = bench.go(step, file={"setSecret": {"s": "env:S"}})
    assert ended(record) == (RunStatus.FAILED, Reason.SECRET_DENIED)
    assert (bench.run.engine.pushed, bench.run.engine.untagged) == (
        [],
        [f"{REGISTRY}/web:1", KEPT],
    )


def test_a_login_that_cannot_be_read_leaves_the_cache_without_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_host: str) -> Login:
        raise RegistryRefused("the docker logins cannot be read")

    bench.run.engine.cache = "registry"
    ports = bench.run.ports()
    monkeypatch.setattr(bench.run, "ports", lambda: replace(ports, login=refuse))
    assert cached(bench).status is RunStatus.SUCCEEDED
    assert bench.run.engine.requests[0].cache_login is None
    assert "warning: no login for the cache: the docker logins" in bench.run.log.text


def test_without_a_push_no_cache_is_pushed_either(bench: Bench) -> None:
    cached(bench, push=False)
    assert bench.run.engine.requests[0].cache == KEPT
    assert not bench.run.engine.requests[0].cache_kept
    assert bench.run.engine.pushed == []


@pytest.mark.parametrize(
    ("tag", "more", "why"),
    [
        ("other.example/web:1", {}, "not in a registry of this run"),
        (f"{REGISTRY}/web:1", {"task": "contoso/web-api"}, "does not name the repository web"),
    ],
)
def test_no_cache_goes_where_the_run_may_not_push(
    bench: Bench, tag: str, more: dict[str, Any], why: str
) -> None:
    record = cached(bench, tag, **more)
    assert record.status is RunStatus.SUCCEEDED, record.message
    assert bench.run.engine.requests[0].cache is None
    assert bench.run.engine.pushed == []
    assert why in bench.run.log.text


def test_a_builder_that_cannot_cache_builds_all_the_same_and_says_so(bench: Bench) -> None:
    bench.run.engine.cache = "none"
    assert cached(bench).status is RunStatus.SUCCEEDED
    assert "note: no cache is kept: the " in bench.run.log.text


def test_a_cache_that_the_registry_refuses_fails_no_build(bench: Bench) -> None:
    bench.run.engine.transfer = Transfer(refusal=Refusal.AUTH, message="denied")
    assert cached(bench).status is RunStatus.SUCCEEDED
    assert f"warning: the cache {KEPT} is not kept: denied" in bench.run.log.text


@pytest.mark.parametrize(
    ("pushed", "more", "kept"),
    [("web:1", {}, False), ("other:1", {}, True), ("web:1", {"push": False}, True)],
)
def test_an_image_that_no_step_pushes_is_to_stay_on_an_engine(
    bench: Bench, pushed: str, more: dict[str, Any], kept: bool
) -> None:
    (bench.run.folder / "Dockerfile").write_text("FROM known\n")
    bench.run.engine.local = ("known:latest", f"{REGISTRY}/other:1")
    push = {"push": [f"{REGISTRY}/{pushed}"]}
    bench.go({"id": "b", "build": f"-t {REGISTRY}/web:1 ."}, push, **more)
    assert bench.run.engine.requests[0].keep is kept


# ------------------------------------------------------------ build secrets
MOUNTS = "FROM known\nRUN --mount=type=secret,id=NPM cat /run/secrets/NPM\n"


def built(bench: Bench, words: str, *environment: str, **more: Any) -> RunRecord:
    (bench.run.folder / "Dockerfile").write_text(more.pop("dockerfile", MOUNTS))
    return bench.go({"id": "b", "build": f"{words} .", "env": list(environment)}, **more)


@pytest.mark.parametrize("compat", ["strict", "acb"])
def test_a_secret_of_a_build_step_is_mounted_and_masked(bench: Bench, compat: str) -> None:
    bench.run.engine.output = b"it is planted-value\n"
    record = built(bench, "--secret id=NPM,env=TOKEN", "TOKEN=planted-value", compat=compat)
    assert record.status is RunStatus.SUCCEEDED, record.message
    (request,) = bench.run.engine.requests
    assert (dict(request.secrets), request.classic) == ({"NPM": "planted-value"}, False)
    assert "it is ***" in bench.run.log.text


def test_a_secret_that_a_build_step_does_not_give_is_told_before_the_build(bench: Bench) -> None:
    record = built(bench, "-t x:1")
    assert ended(record) == (RunStatus.FAILED, Reason.SECRET_DENIED)
    assert str(record.message).startswith('step "b": Dockerfile line 2 mounts the secret NPM, and')
    assert "--secret id=NPM" in str(record.message)
    assert bench.run.engine.requests == []


@pytest.mark.parametrize("compat", ["strict", "acb"])
def test_a_secret_of_a_step_as_argument_too_is_refused(bench: Bench, compat: str) -> None:
    words = "--secret id=NPM --build-arg A=planted-value"
    record = built(bench, words, "NPM=planted-value", compat=compat)
    assert ended(record) == (RunStatus.FAILED, Reason.SECRET_DENIED)
    assert "RUN --mount=type=secret,id=NAME" in str(record.message)
    assert bench.run.engine.requests == []


def test_an_image_of_a_step_with_a_secret_in_its_history_fails_the_step(bench: Bench) -> None:
    bench.run.engine.history = "RUN echo cGxhbnRlZC12YWx1ZQ=="
    record = built(bench, "-t x:1 --secret id=NPM", "NPM=planted-value")
    assert ended(record) == (RunStatus.FAILED, Reason.SECRET_DENIED)


@pytest.mark.parametrize(
    ("builder", "dockerfile", "said"),
    [
        ("buildkit", "FROM scratch\nCOPY x /\n", "the buildkit builder makes no image for Windows"),
        ("buildah", "FROM scratch\nRUN x\n", "a RUN for Windows needs an engine of Windows"),
        ("buildah", "FROM scratch\nCOPY x /\n", None),
    ],
)
def test_an_image_for_windows_is_refused_before_a_builder_that_cannot(
    bench: Bench, builder: str, dockerfile: str, said: str | None
) -> None:
    bench.run.engine.name = builder
    record = built(bench, "--platform windows/amd64", dockerfile=dockerfile)
    if said is None:
        assert record.status is RunStatus.SUCCEEDED, record.message
    else:
        assert ended(record) == (RunStatus.FAILED, Reason.TASKFILE_INVALID)
        assert said in str(record.message)
    assert len(bench.run.engine.requests) == (said is None)


def test_labels_of_a_step_win_but_for_those_that_lead_back_to_the_run(bench: Bench) -> None:
    label = "org.opencontainers.image.revision"
    words = f"--label {label}=mine --label io.reconciler.run=forged --label a=b"
    built(bench, words, dockerfile="FROM known\n")
    labels = bench.run.engine.requests[0].labels
    assert (labels[label], labels["a"], labels["io.reconciler.run"]) == ("mine", "b", "r234567")


# ------------------------------------------------------------------- secrets
VOLUME: dict[str, Any] = {"volumes": [{"name": "v", "secret": {"k": "AAEC"}}]}


def mounted(*paths: str) -> dict[str, Any]:
    return cmd("a", "ok", volumeMounts=[{"name": "v", "mountPath": path} for path in paths])


def test_a_secret_volume_is_seen_at_each_of_its_paths(bench: Bench) -> None:
    bench.go(mounted("/one", "/two"), top=VOLUME)
    [request] = bench.containers.requests
    found = [(folder.path, folder.files) for folder in request.secrets]
    assert found == [("/one", (("k", b"\0\1\2"),)), ("/two", (("k", b"\0\1\2"),))]


def test_a_secret_volume_is_refused_on_a_remote_engine_before_any_step(bench: Bench) -> None:
    bench.containers.remote = True
    record = bench.go(cmd("first", "ok"), mounted("/keys"), top=VOLUME)
    assert ended(record) == (RunStatus.FAILED, Reason.SECRET_DENIED)
    assert 'step "a" (line 4) mounts a secret volume' in str(record.message)
    assert bench.containers.requests == []
    assert bench.go(cmd("a", "ok"), top=VOLUME).status is RunStatus.SUCCEEDED


# --------------------------------------------------------------------- names
@pytest.mark.parametrize("words", [("a/b", "a-b"), ("ä", "ö"), ("x" * 100, "x" * 101)])
def test_names_on_the_engine_are_legal_and_differ(words: tuple[str, str]) -> None:
    names = [thing_name("r1", word) for word in words]
    assert names[0] != names[1]
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-_") for name in names)
    assert all(len(name) < 120 for name in names)


# ---------------------------------------------------------------- privileges
def test_a_privileged_step_of_a_file_is_refused_before_any_step(bench: Bench) -> None:
    steps = {"id": "a", "cmd": "known ok"}, {"id": "b", "cmd": "known ok", "privileged": True}
    record = bench.go(*steps)
    assert (record.status, record.reason) == (RunStatus.FAILED, Reason.TASKFILE_INVALID)
    assert 'step "b" (line ' in str(record.message)
    assert "dockerSocket: true" in str(record.message)
    assert bench.containers.requests == []


def test_a_task_that_has_the_engines_socket_may_have_privileged_steps(bench: Bench) -> None:
    record = bench.go({"id": "a", "cmd": "known ok", "privileged": True}, docker_socket=True)
    assert record.status is RunStatus.SUCCEEDED, record.message
    assert [request.privileged for request in bench.containers.requests] == [True]


@pytest.mark.parametrize("manner", ["strict", "acb"])
@pytest.mark.parametrize(
    "words",
    ["--target hunter2 .", "http://host.example/hunter2/x.git#main", "-f hunter2 .", "hunter2"],
)
def test_a_masked_value_among_the_words_of_a_build_is_refused_before_any_step(
    bench: Bench, words: str, manner: str
) -> None:
    bench.run.secrets["env:S"] = "hunter2"
    first = cmd("a", "ok", env=["K={{.Values.s}}"])
    record = bench.go(
        first, {"id": "b", "build": words}, file={"setSecret": {"s": "env:S"}}, compat=manner
    )
    assert ended(record) == (RunStatus.FAILED, Reason.TASKFILE_INVALID)
    assert "is seen by all who list processes" in str(record.message)
    assert "hunter2" not in str(record.message)
    assert bench.argv() == []


@pytest.mark.parametrize(
    ("made_for", "wanted", "starts"),
    [
        ("linux/amd64", "linux/amd64", True),
        ("linux/arm64/v8", "linux/arm64", True),
        ("linux/arm", "linux/arm/v7", True),
        ("linux/amd64", "linux/arm64", False),
        ("linux/amd64", "windows/amd64", False),
        ("linux/arm64/v8", "linux/arm/v7", False),
    ],
)
def test_an_image_of_another_platform_is_not_started(
    bench: Bench, made_for: str, wanted: str, starts: bool
) -> None:
    bench.run.engine.made_for = made_for
    record = bench.go(cmd("a", "ok", retries=2, ignoreErrors=not starts), platform=wanted)
    if starts:
        assert ended(record) == (RunStatus.SUCCEEDED, None)
        return
    assert ended(record) == (RunStatus.ERROR, Reason.ENGINE)
    assert f'step "a" is for {made_for}, and this task has platform: {wanted}' in str(
        record.message
    )
    assert bench.argv() == []
