"""What a rerun keeps of the old run, and what it says it cannot keep."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from reconciler.base.errors import WrongUsage
from reconciler.model.context import Token
from reconciler.model.run import (
    BaseImage,
    RunRecord,
    StepRecord,
    StepStatus,
    TriggerKind,
    UsedSecret,
)
from reconciler.model.step import DockerStep, FileStep
from reconciler.operations.running.reruns import Rerun, rerun_request
from reconciler.operations.running.run_place import RunPlace
from reconciler.runner.multistep import MultiStep
from reconciler.runner.request import RunRequest, read_request

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
DIGEST = "sha256:" + "b" * 64
COMMIT = "c0ffee" * 6 + "abcd"
STEP = DockerStep(images=("web:{{.Run.ID}}",), args={"V": "1"}, secrets={"NPM": "env:NPM"})


def request(source: str = "https://git.contoso.example/web.git#main:api") -> RunRequest:
    return RunRequest(
        id="rold", actor="a", source=source, step=STEP, token=Token(secret="env:PAT"),
        trigger=TriggerKind.TIMER, timeout=60, overrides={"push": "false"}, queued=NOW,
    )  # fmt: skip


def record(wanted: RunRequest, **fields: Any) -> RunRecord:
    known = {"builder": "buildkit", "commit": COMMIT, "branch": "main", **fields}
    return wanted.first_record(NOW).model_copy(update=known)


def rerun(found: RunRecord, root: Path | None = None) -> Rerun:
    place = SimpleNamespace(actor="oncall", root=root)
    return rerun_request(cast("RunPlace", place), found)


def test_a_stored_request_comes_back_as_it_was() -> None:
    stored = RunRecord.model_validate_json(record(request()).model_dump_json(by_alias=True))
    assert read_request(stored.wanted) == request()


def test_a_rerun_has_the_same_step_and_values_under_a_new_id() -> None:
    found = rerun(record(request())).request
    assert (found.step, found.token, found.timeout) == (STEP, Token(secret="env:PAT"), 60)
    assert (found.trigger, found.overrides) == ("timer", {"push": "false"})
    assert (found.rerun_of, found.actor, found.queued) == ("rold", "oncall", None)
    assert found.id != "rold"


@pytest.mark.parametrize(
    ("source", "pinned"),
    [
        ("https://g.example/web.git", f"https://g.example/web.git#{COMMIT}"),
        ("https://g.example/web.git#main:api", f"https://g.example/web.git#{COMMIT}:api"),
        ("https://g.example/web.git#:api", f"https://g.example/web.git#{COMMIT}:api"),
    ],
)
def test_a_git_context_is_pinned_to_the_commit_and_remembers_its_branch(
    source: str, pinned: str
) -> None:
    found = rerun(record(request(source)))
    assert (found.request.source, found.request.branch) == (pinned, "main")
    assert found.unpinned == ()


def test_bases_with_a_digest_are_fixed_and_others_are_told() -> None:
    bases = (
        BaseImage(reference="far/base:1", role="runtime", digest=DIGEST, pinned=True),
        BaseImage(reference="made:here", role="buildtime", image_id="sha256:1"),
        BaseImage(reference="docker/dockerfile:1", role="syntax"),
    )
    found = rerun(record(request(), bases=bases))
    assert found.request.bases == {"far/base:1": DIGEST}
    assert found.request.base_ids == {"made:here": "sha256:1"}
    assert [text.partition(":")[0] for text in found.unpinned] == [
        "the base made",
        "the frontend docker/dockerfile",
    ]


def test_a_secret_is_told_by_its_reference() -> None:
    used = UsedSecret(name="NPM", reference="env:NPM")
    found = rerun(record(request(), secrets=(used,)))
    assert found.unpinned == ("the secret NPM: env:NPM is read as it is now",)


def test_a_run_that_ended_early_has_nothing_to_pin_and_that_is_told() -> None:
    found = rerun(record(request(), commit=None, branch=None, builder=None))
    assert [text.partition(":")[0] for text in found.unpinned] == ["the commit", "the bases"]


@pytest.mark.parametrize(
    ("statuses", "told"),
    [
        ((StepStatus.SUCCEEDED, StepStatus.FAILED), []),
        ((StepStatus.FAILED, StepStatus.SKIPPED), ["the images of step-1"]),
        ((), ["the images"]),
    ],
)
def test_a_task_file_that_ended_early_says_whose_images_are_not_settled(
    statuses: tuple[StepStatus, ...], told: list[str]
) -> None:
    multi = MultiStep(file=FileStep(path="task.yaml"))
    steps = tuple(
        StepRecord(name=f"step-{number}", kind="cmd", status=status)
        for number, status in enumerate(statuses)
    )
    found = rerun(record(replace(request(), multi=multi), builder=None, steps=steps))
    assert found.request.multi == multi
    assert [text.partition(":")[0] for text in found.unpinned] == told


def test_the_image_of_a_command_without_a_digest_is_told() -> None:
    local = BaseImage(reference="tool:1", role="step", image_id="sha256:1")
    found = rerun(record(request(), bases=(local,)))
    assert found.request.base_ids == {"tool:1": "sha256:1"}
    assert found.unpinned == (
        "the image tool:1: it has no digest; the engine's own of then is used if it is there",
    )


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"commit": None}, "in no Git repository"),
        ({"dirty": True}, "had changes that no commit holds"),
        ({"dirty": False}, "it was at c0ffeec and is at no commit"),
    ],
)
def test_a_folder_that_is_not_the_same_is_told(
    tmp_path: Path, fields: dict[str, Any], told: str
) -> None:
    (tmp_path / "app").mkdir()
    found = rerun(record(request("app"), **fields), tmp_path)
    assert told in found.unpinned[0]
    assert found.request.source == "app"


def test_a_run_of_an_older_version_cannot_be_run_again() -> None:
    with pytest.raises(WrongUsage, match="without all of its request"):
        rerun(record(request()).model_copy(update={"wanted": {}}))
