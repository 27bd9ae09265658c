"""Steps that a spec holds: built, pushed and run as those of a task file."""

from __future__ import annotations

import uuid

import pytest
import yaml

from tests.live.workshop import Workshop

pytestmark = pytest.mark.live


def test_inline_steps_build_push_and_run(workshop: Workshop) -> None:
    name = f"test-{uuid.uuid4().hex[:8]}"
    workshop.context("ctx", "RUN echo made > /made")
    image = f"$Registry/{name}:1"
    steps = [
        {"id": "pack", "build": f"-t {image} ."},
        {"id": "try", "cmd": f"{image} cat /made"},
        {"id": "send", "push": [image]},
    ]
    task = {
        "apiVersion": "reconciler/v1",
        "kind": "Task",
        "metadata": {"name": name, "registry": "contoso"},
        "spec": {"context": {"source": "ctx"}, "step": {"inline": {"steps": steps}}},
    }
    (workshop.root / "specs").mkdir()
    (workshop.root / "specs" / "a.yaml").write_text(yaml.safe_dump(task))
    applied = workshop.call("apply", "--auto-approve")
    assert applied.returncode == 0, applied.stderr
    done = workshop.call("run", name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "made" in done.stdout
    assert "has no effect" not in done.stdout
    assert [step["status"] for step in workshop.last()["steps"]] == ["succeeded"] * 3
