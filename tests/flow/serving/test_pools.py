"""A run in a pool that no worker serves does not wait in silence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.flow.project import Project, new_project
from tests.flow.serving.desk import daemon, eventually
from tests.flow.serving.test_hooks import CONTEXT, SERVER
from tests.unit.wire.payloads import push


@pytest.fixture(name="project")
def with_a_task_in_another_pool(tmp_path: Path) -> Project:
    project = new_project(tmp_path / "workspace")
    config = project.root / "reconciler.yaml"
    config.write_text(config.read_text() + SERVER + "  pools: {default: {slots: 1}}\n")
    project.write("web-api", context=CONTEXT, triggers={"commit": {}}, agent={"pool": "gpu"})
    assert project.run("apply", "--auto-approve").code == 0
    return project


def test_everybody_who_looks_is_told_of_a_pool_that_nobody_serves(project: Project) -> None:
    with daemon(project.root) as at:
        (told,) = eventually(lambda: at.told("pools"))
        assert told["message"] == (
            "no worker has served the pool gpu so far: 1 task and 0 waiting runs"
        )
        (run,) = at.post(push()).json()["runs"]
        eventually(lambda: 'served{pool="default"} 1.0' in at.client.get(f"{at.url}/metrics").text)
        metrics = at.client.get(f"{at.url}/metrics").text
        assert 'reconciler_queue_served{pool="gpu"} 0.0' in metrics
        shown = " ".join(project.run("runs").out.split())
        waits = f"run {run} waits for a worker of the pool gpu: none has served it so far"
        assert shown.endswith(waits)
        assert " ".join(project.run("show", "web-api").out.split()).endswith(waits)
        assert json.loads(project.run("show", "web-api", "-o", "json").out)["unserved"]
        found = json.loads(project.run("runs", "-o", "json").out)
        assert found["unserved"] == [{"pool": "gpu", "since": None, "runs": [run]}]
        assert at.stop() == 0
    assert len(at.told("pools")) == 1


def test_who_serves_a_pool_is_seen_by_the_daemons_that_do_not(project: Project) -> None:
    with daemon(project.root, "--no-worker") as at:
        assert at.post(push()).status_code == 202
        eventually(lambda: [line for line in at.told("pools") if line["pool"] == "gpu"])
        config = project.root / "reconciler.yaml"
        config.write_text(config.read_text().replace("default: {slots: 1}", "gpu: {slots: 1}"))
        with daemon(project.root) as other:
            eventually(lambda: other.told("worker"))
            again = "the pool gpu is served again"
            eventually(lambda: [one for one in at.told("pools") if one["message"] == again])
    assert json.loads(project.run("runs", "-o", "json").out)["unserved"] == []


def test_a_run_that_waits_follows_its_task_into_a_pool_that_is_served(project: Project) -> None:
    with daemon(project.root) as at:
        (run,) = at.post(push()).json()["runs"]
        project.write("web-api", context=CONTEXT, triggers={"commit": {}})
        assert project.run("apply", "--auto-approve").code == 0
        moved = "waiting runs of contoso/web-api have moved from the pool gpu to default"
        eventually(lambda: [one for one in at.told("pools") if one["message"] == moved])
        eventually(lambda: [one for one in at.told("worker") if one.get("run") == run])
        left = "the pool gpu is not needed any more"
        eventually(lambda: [one for one in at.told("pools") if one["message"] == left])


def test_doctor_names_a_pool_that_the_workspace_does_not_have(project: Project) -> None:
    told = " ".join(project.run("doctor").out.split())
    assert "pool gpu: 1 task in it; `server.pools` has default (specs/web-api.yaml:" in told
    config = project.root / "reconciler.yaml"
    config.write_text(config.read_text().replace("{slots: 1}", "{slots: 1}, gpu: {slots: 0}"))
    assert "pool gpu" not in project.run("doctor").out
