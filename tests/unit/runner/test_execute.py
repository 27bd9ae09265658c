"""The story of one run: every way it can end leaves a final record that says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.base.errors import EngineUnavailable, RegistryRefused
from reconciler.model.build import BuildResult, Refusal, Transfer
from reconciler.model.run import Reason, RunRecord, RunStatus, StepStatus
from reconciler.model.step import DockerStep
from reconciler.runner.bases import provide_bases, read_dependencies
from reconciler.runner.ledger import Ledger
from reconciler.runner.push import note_built
from reconciler.runner.request import RunRequest
from reconciler.runner.stopping import StopWatch
from reconciler.runner.work import Work
from tests.unit.runner.memory import DIGEST, IMAGE, NOW, MemoryEngine, Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def ended(record: RunRecord) -> tuple[RunStatus, Reason | None]:
    return record.status, record.reason


def test_a_run_builds_pushes_and_writes_down_what_came_of_it(run: Run) -> None:
    record = run.go(images=["web:{{.Run.ID}}", "web"], args={"REV": "{{.Run.Commit}}"})
    assert ended(record) == (RunStatus.SUCCEEDED, None)
    wanted = ["r.example:5000/web:r234567", "r.example:5000/web:latest"]
    assert run.engine.pushed == wanted == [output.reference for output in record.outputs]
    assert {output.digest for output in record.outputs} == {DIGEST}
    assert run.engine.requests[0].args == {"REV": "c0ffee"}
    assert [step.status for step in record.steps] == [StepStatus.SUCCEEDED] * 2
    assert not run.engine.requests[0].keep


def test_every_state_is_handed_on_and_the_first_is_running(run: Run) -> None:
    run.go()
    statuses = [record.status for record in run.records]
    assert statuses[0] is RunStatus.RUNNING
    assert statuses[-1] is RunStatus.SUCCEEDED
    assert [status.final for status in statuses].count(True) == 1


def test_without_a_name_nothing_is_pushed_and_the_log_says_so(run: Run) -> None:
    record = run.go()
    assert record.status is RunStatus.SUCCEEDED
    assert run.engine.pushed == []
    assert "nothing is pushed" in run.log.text


def test_no_push_tags_only(run: Run) -> None:
    record = run.go(images=["web"], push=False)
    assert (run.engine.pushed, record.outputs[0].digest) == ([], None)
    assert run.engine.requests[0].keep
    assert run.engine.requests[0].tags == ("r.example:5000/web:latest",)


def test_an_unknown_variable_ends_the_run_before_anything_is_done(run: Run) -> None:
    record = run.go(images=["web:{{.Run.Nope}}"])
    assert ended(record) == (RunStatus.FAILED, Reason.TASKFILE_INVALID)
    assert record.context_bytes is None


def test_the_bases_are_written_down_with_the_digest_of_the_local_image(run: Run) -> None:
    record = run.go("FROM known\n")
    assert [(base.reference, base.role, base.image_id) for base in record.bases] == [
        ("known:latest", "runtime", IMAGE.id)
    ]
    assert record.bases[0].digest == "sha256:" + "b" * 64
    assert run.engine.pulled == []


NEW = "sha256:" + "e" * 64


def built_from(run: Run) -> str:
    return run.engine.requests[0].dockerfile.read_text()


def test_a_base_is_pinned_to_what_its_registry_serves_now_though_an_old_one_is_here(
    run: Run,
) -> None:
    run.tags["docker.io/library/known:latest"] = NEW
    record = run.go("FROM known\nRUN x\n")
    assert run.engine.pulled == [f"known@{NEW}"]
    assert built_from(run) == f"FROM known@{NEW}\nRUN x\n"
    assert (run.folder / "Dockerfile").read_text() == "FROM known\nRUN x\n"
    assert [(base.digest, base.pinned) for base in record.bases] == [(NEW, True)]


def test_a_base_whose_registry_does_not_answer_is_pinned_to_the_engines_copy(run: Run) -> None:
    run.refused = RegistryRefused("docker.io does not answer")
    record = run.go("FROM known\n")
    assert built_from(run) == f"FROM known@sha256:{'b' * 64}\n"
    assert record.bases[0].pinned
    assert "known:latest is taken as the engine has it: docker.io does not answer" in run.log.text


def test_a_base_whose_registry_does_not_answer_is_what_it_was_last_seen_to_serve(run: Run) -> None:
    """The engine's copy of the tag is older: a build on it would undo a rebuild."""
    run.refused = RegistryRefused("docker.io answers 429")
    run.seen = {"docker.io/library/known:latest": NEW}
    record = run.go("FROM known\n")
    assert run.engine.pulled == [f"known@{NEW}"]
    assert built_from(run) == f"FROM known@{NEW}\n"
    assert record.bases[0].pinned
    assert "known:latest is taken as it was last seen: docker.io answers 429" in run.log.text


def test_what_was_last_seen_and_cannot_be_had_is_no_reason_to_build_on_an_older_one(
    run: Run,
) -> None:
    run.refused = RegistryRefused("docker.io answers 429")
    run.seen = {"docker.io/library/known:latest": NEW}
    run.engine.transfer = Transfer(refusal=Refusal.UNREACHABLE, message="429")
    record = run.go("FROM known\n")
    assert (record.status, record.reason) == (RunStatus.FAILED, Reason.BASE_PULL)
    assert run.engine.requests == []


def test_a_base_made_on_the_engine_stays_as_it_is_written_and_nobody_is_asked(run: Run) -> None:
    run.engine.local = ("made:here",)
    run.tags["docker.io/library/made:here"] = NEW
    record = run.go("FROM made:here\n")
    assert built_from(run) == "FROM made:here\n"
    base = record.bases[0]
    assert (base.digest, base.image_id, base.pinned) == (None, IMAGE.id, False)


@pytest.mark.parametrize("written", ["ubuntu", "ubuntu:latest", "docker.io/library/ubuntu"])
def test_a_digest_is_fixed_for_every_spelling_of_a_name(run: Run, written: str) -> None:
    run.bases = {"docker.io/library/ubuntu:latest": NEW}
    run.tags = {"docker.io/library/ubuntu:latest": "sha256:" + "f" * 64}
    record = run.go(f"FROM {written}\n")
    assert [(base.digest, base.pinned) for base in record.bases] == [(NEW, True)]


def test_a_digest_that_the_request_fixes_wins_over_the_registry(run: Run) -> None:
    run.tags["far.example/base:1"] = "sha256:" + "f" * 64
    run.bases = {"far.example/base:1": NEW}
    record = run.go("FROM far.example/base:1\n")
    assert built_from(run) == f"FROM far.example/base:1@{NEW}\n"
    assert (record.bases[0].reference, record.bases[0].digest) == ("far.example/base:1", NEW)


def test_a_digest_that_is_written_is_used_and_the_dockerfile_stays(run: Run) -> None:
    record = run.go(f"FROM known:1@{NEW}\n")
    assert built_from(run) == f"FROM known:1@{NEW}\n"
    assert record.bases[0].pinned


def test_a_base_that_this_run_has_built_is_taken_as_it_was_built(run: Run) -> None:
    run.engine.local = ("r.example:5000/web:latest",)
    run.tags["r.example:5000/web:latest"] = NEW
    request = RunRequest(id="r2", actor="dev", source="app", step=DockerStep())
    ports = run.ports()
    work = Work(request, ports, Ledger(request.first_record(NOW), ports), StopWatch(ports, 60))
    note_built(("r.example:5000/web:latest",), IMAGE.id, work)
    found = read_dependencies(
        b"FROM r.example:5000/web\n",
        args={},
        target=None,
        platform="linux/amd64",
        build_platform="linux/amd64",
        tell=pytest.fail,
    )
    bases = provide_bases(found, run.engine, work)
    assert (bases.digests, bases.records[0].image_id, run.engine.pulled) == ({}, IMAGE.id, [])


def test_the_platform_of_the_builder_is_that_of_the_engine(run: Run) -> None:
    text = "FROM --platform=$BUILDPLATFORM tool:$BUILDARCH AS t\nFROM base:$TARGETARCH\n"

    class Other(MemoryEngine):
        def platform(self) -> tuple[str, str]:
            return "linux", "arm64"

    run.engine = Other()
    run.tags["docker.io/library/tool:arm64"] = NEW
    run.go(text + "COPY --from=t a b\n")
    assert run.engine.pulled == [f"tool@{NEW}", "base:amd64"]
    assert f"tool:arm64@{NEW}" in built_from(run)


def test_the_own_ignore_file_of_a_dockerfile_goes_with_its_copy(run: Run) -> None:
    (run.folder / "Dockerfile.dockerignore").write_text("secret\n")
    run.go("FROM known\n")
    copy = run.engine.requests[0].dockerfile
    rules = copy.with_name("Dockerfile.dockerignore").read_text().splitlines()
    assert (rules[0], rules[-1]) == (".git", "secret")
    assert not copy.is_relative_to(run.folder)


def test_bytes_that_are_not_utf_8_survive_in_the_copy(run: Run) -> None:
    class Latin(MemoryEngine):
        def platform(self) -> tuple[str, str]:
            (run.folder / "Dockerfile").write_bytes(b"FROM known\nLABEL a=\xe9\n")
            return "linux", "amd64"

    run.engine = Latin()
    run.go()
    assert run.engine.requests[0].dockerfile.read_bytes().endswith(b"LABEL a=\xe9\n")


def test_a_base_that_cannot_be_written_with_a_digest_is_said_to_be_unpinned(run: Run) -> None:
    record = run.go('FROM scratch\nRUN --mount=type=bind,\\"from=known\\",target=/x true\n')
    assert built_from(run) == (run.folder / "Dockerfile").read_text()
    assert [base.pinned for base in record.bases] == [False]
    assert "warning: the bases stay as they are written" in run.log.text


def test_a_base_that_is_not_there_is_pulled_once(run: Run) -> None:
    record = run.go("FROM far:1 AS a\nFROM far:1\nCOPY --from=a / /\n")
    assert run.engine.pulled == ["far:1"]
    assert record.status is RunStatus.SUCCEEDED


def test_a_base_that_cannot_be_pulled_is_named_with_its_line(run: Run) -> None:
    run.engine.transfer = Transfer(refusal=Refusal.MISSING, message="manifest unknown")
    record = run.go("# base\nFROM far:1\n")
    assert ended(record) == (RunStatus.FAILED, Reason.BASE_PULL)
    assert "far:1 (Dockerfile line 2)" in str(record.message)


def test_a_dockerfile_that_is_not_understood_is_told_and_the_builder_judges(run: Run) -> None:
    record = run.go("FROM known:1\nCOPY --from=none$X /a /a\n")
    assert record.status is RunStatus.SUCCEEDED
    assert built_from(run) == "FROM known:1\nCOPY --from=none$X /a /a\n"
    assert (record.bases, run.engine.pulled) == ((), [])
    assert "warning: the base images are not known" in run.log.text
    assert "(Dockerfile line 2)" in run.log.text


def test_a_failed_build_has_its_code_and_the_push_is_not_run(run: Run) -> None:
    run.engine.built = BuildResult(exit_code=3, message="RUN x failed")
    record = run.go(images=["web"])
    assert ended(record) == (RunStatus.FAILED, Reason.STEP)
    assert record.message == 'step "build" exited with 3: RUN x failed'
    assert [(step.status, step.exit_code) for step in record.steps] == [
        (StepStatus.FAILED, 3),
        (StepStatus.SKIPPED, None),
    ]


def test_an_engine_that_dies_during_the_build_is_no_fault_of_the_task(run: Run) -> None:
    run.engine.built, run.engine.up = BuildResult(exit_code=1), False
    assert ended(run.go()) == (RunStatus.ERROR, Reason.ENGINE)


def test_no_engine_is_an_error_with_the_fix(run: Run) -> None:
    run.engine_error = EngineUnavailable("no engine answers", hint="start it")
    record = run.go()
    assert ended(record) == (RunStatus.ERROR, Reason.ENGINE)
    assert record.message == "no engine answers; start it"


@pytest.mark.parametrize(
    ("refusal", "reason", "advice"),
    [
        (Refusal.AUTH, Reason.PUSH_AUTH, "docker login r.example:5000"),
        (Refusal.CONFLICT, Reason.PUSH_CONFLICT, "use a new tag"),
        (Refusal.UNREACHABLE, Reason.STEP, "cannot be reached"),
    ],
)
def test_a_refused_push_names_registry_repository_and_what_to_do(
    run: Run, refusal: Refusal, reason: Reason, advice: str
) -> None:
    run.engine.transfer = Transfer(refusal=refusal, message="no")
    record = run.go(images=["team/web:1"])
    assert ended(record) == (RunStatus.FAILED, reason)
    assert all(word in str(record.message) for word in ("r.example:5000", "team/web", advice))
    assert record.steps[1].status is StepStatus.FAILED


def test_a_registry_that_does_not_serve_what_it_took_is_a_failure(run: Run) -> None:
    run.served = None
    record = run.go(images=["web"])
    assert ended(record) == (RunStatus.FAILED, Reason.STEP)
    assert "does not serve" in str(record.message)


def test_ctrl_c_is_a_canceled_run(run: Run) -> None:
    run.interrupted = True
    record = run.go()
    assert ended(record) == (RunStatus.CANCELED, Reason.CANCELED)
    assert record.message == "interrupted"


def test_a_request_from_elsewhere_is_a_canceled_run_that_names_who(run: Run) -> None:
    run.canceled_by = "oncall@contoso.example"
    record = run.go()
    assert ended(record) == (RunStatus.CANCELED, Reason.CANCELED)
    assert record.message == "canceled by oncall@contoso.example"


def test_a_run_that_takes_too_long_is_a_timeout(run: Run) -> None:
    class Slow(MemoryEngine):
        def platform(self) -> tuple[str, str]:
            run.seconds += 100
            return "linux", "amd64"

    run.engine = Slow()
    assert ended(run.go(timeout=60)) == (RunStatus.TIMEOUT, Reason.TIMEOUT)


def test_a_secret_is_masked_in_lines_and_messages_and_only_its_print_is_kept(run: Run) -> None:
    run.secrets = {"env:TOK": "planted-value"}
    run.engine.output = b"it is planted-value\nand cGxhbnRlZC12YWx1ZQ==\n"
    run.engine.built = BuildResult(exit_code=1, message="planted-value is wrong")
    record = run.go(secrets={"TOK": "env:TOK"})
    seen = run.log.text + "".join(record.model_dump_json() for record in run.records)
    assert "planted-value" not in seen
    assert "cGxhbnRlZC12YWx1Z" not in seen
    assert "it is ***" in run.log.text
    assert record.secrets[0].fingerprint == "print of 13"


def test_a_secret_that_cannot_be_read_is_a_reason_of_its_own(run: Run) -> None:
    record = run.go(secrets={"TOK": "env:NONE"})
    assert ended(record) == (RunStatus.FAILED, Reason.SECRET_DENIED)
    assert "env:NONE" in str(record.message)


def test_a_builder_without_secrets_refuses_them_and_says_what_to_install(run: Run) -> None:
    run.engine.secrets = False
    record = run.go(secrets={"TOK": "env:TOK"})
    assert ended(record) == (RunStatus.FAILED, Reason.SECRET_DENIED)
    assert "buildx" in str(record.message)


def test_a_secret_too_short_to_mask_is_warned_about(run: Run) -> None:
    run.secrets = {"env:PIN": "123"}
    run.go(secrets={"PIN": "env:PIN"})
    assert "the secret PIN is too short to be masked" in run.log.text


def test_an_image_with_a_secret_in_its_history_is_not_pushed(run: Run) -> None:
    run.secrets, run.engine.history = {"env:TOK": "planted"}, "ENV TOK=planted"
    record = run.go(images=["web"], secrets={"TOK": "env:TOK"})
    assert ended(record) == (RunStatus.FAILED, Reason.SECRET_DENIED)
    assert run.engine.pushed == []
    assert run.engine.untagged == ["r.example:5000/web:latest"]


def test_an_unexpected_error_closes_the_record_and_goes_on(run: Run) -> None:
    run.engine_error = ZeroDivisionError("planted")
    with pytest.raises(ZeroDivisionError):
        run.go()
    assert run.records[-1].status is RunStatus.ERROR
    assert "planted" not in str(run.records[-1].message)


def test_the_image_carries_the_run_and_the_base(run: Run) -> None:
    run.go()
    labels = run.engine.requests[0].labels
    assert labels["io.reconciler.run"] == "r234567"
    assert labels["org.opencontainers.image.revision"] == "c0ffee"
    assert labels["org.opencontainers.image.base.name"] == "known:latest"
    assert "org.opencontainers.image.source" not in labels


MOUNTS = "FROM known\nRUN --mount=type=secret,id=NPM{} cat /run/secrets/NPM\n"


def test_a_secret_that_the_dockerfile_mounts_and_nobody_gives_is_told_before_the_build(
    run: Run,
) -> None:
    record = run.go(MOUNTS.format(""), images=["web"])
    assert ended(record) == (RunStatus.FAILED, Reason.SECRET_DENIED)
    assert str(record.message).startswith("Dockerfile line 2 mounts the secret NPM, and nobody")
    assert run.engine.requests == []


def test_a_mount_without_a_name_is_told_as_that(run: Run) -> None:
    record = run.go("FROM known\nRUN --mount=type=secret x\n", images=["web"])
    assert ended(record) == (RunStatus.FAILED, Reason.SECRET_DENIED)
    told = "Dockerfile line 2 mounts a secret without a name; write id=NAME, or a target="
    assert record.message == told


def test_a_secret_that_is_given_or_may_be_missing_is_no_reason(run: Run) -> None:
    run.secrets = {"env:NPM": "planted-value"}
    given = {"NPM": "env:NPM"}
    assert run.go(MOUNTS.format(""), secrets=given).status is RunStatus.SUCCEEDED
    assert run.go(MOUNTS.format(",required=false")).status is RunStatus.SUCCEEDED


def test_a_secret_as_argument_is_refused_and_the_mount_is_named(run: Run) -> None:
    run.secrets = {"env:NPM": "planted-value"}
    record = run.go(secrets={"NPM": "env:NPM"}, args={"TOKEN": "x-planted-value"})
    assert ended(record) == (RunStatus.FAILED, Reason.SECRET_DENIED)
    assert "RUN --mount=type=secret,id=NAME" in str(record.message)
    assert "planted" not in run.log.text + record.model_dump_json()


def test_what_the_dockerfile_says_of_its_image_wins_but_the_run_is_ours(run: Run) -> None:
    own = "org.opencontainers.image.revision=mine io.reconciler.run=forged"
    run.go(f"FROM known\nLABEL {own}\n")
    labels = run.engine.requests[0].labels
    assert "org.opencontainers.image.revision" not in labels
    assert labels["io.reconciler.run"] == "r234567"


def test_a_branch_in_a_tag_is_made_legal_and_the_log_says_so(run: Run) -> None:
    run.branch = "feature/x"
    record = run.go(images=["web:{{.Run.Branch}}"])
    assert [output.reference for output in record.outputs] == ["r.example:5000/web:feature-x"]
    assert "the branch feature/x is feature-x in a tag" in run.log.text
