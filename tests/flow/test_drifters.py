"""Who drifted a live task is known after our own applies, too, and for known drift."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.flow.project import Project, new_project

KNOWN = """
knownDrift:
  - {match: {address: contoso/web-api}, field: spec.timeout, owner: a, reason: load test,
     expires: 2027-01-01}
"""


@pytest.fixture(name="project")
def drifted(tmp_path: Path) -> Project:
    project = new_project(tmp_path / "workspace")
    project.write("web-api", timeout=900)
    assert project.run("apply", "--auto-approve").code == 0
    project.actor = "oncall@contoso.example"
    project.change_live(timeout=7200)
    project.actor = "lead@contoso.example"
    return project


def told(project: Project, *words: str) -> str:
    return " ".join(project.run(*words).out.split())


def apply_another_change(project: Project, **more: Any) -> None:
    project.write("web-api", timeout=900, **more)
    assert project.run("apply", "--auto-approve").code == 0


def test_our_own_applies_hide_nobody(project: Project) -> None:
    apply_another_change(project, cache="enabled")
    assert "live 7200 by oncall@contoso.example" in told(project, "drift")
    apply_another_change(project, cache="disabled")
    assert "live 7200 by oncall@contoso.example" in told(project, "drift")
    (drift,) = json.loads(project.run("drift", "-o", "json").out)["drift"]
    assert drift["changed_by"] == "oncall@contoso.example"
    assert "7200 -> 900 undoes drift by oncall@contoso.example" in told(project, "plan", "--heal")


def test_of_two_who_drift_a_task_each_is_named_with_his_own(project: Project) -> None:
    apply_another_change(project, cache="enabled")
    project.actor = "second@contoso.example"
    project.change_live(timeout=7200, cache="enabled", protect=True)
    text = told(project, "drift")
    assert "live 7200 by oncall@contoso.example" in text
    assert "live true by second@contoso.example" in text


def test_known_drift_names_who_made_it_also_where_it_is_undone(project: Project) -> None:
    path = project.root / "reconciler.yaml"
    path.write_text(path.read_text() + KNOWN)
    for _ in range(2):
        assert "live 7200 by oncall@contoso.example" in told(project, "drift")
        (known,) = json.loads(project.run("plan", "-o", "json").out)["known_drift"]
        assert known["changed_by"] == "oncall@contoso.example"
        assert "changed by oncall@" in told(project, "plan", "-o", "markdown").replace("\u200b", "")
        text = told(project, "plan", "--heal")
        assert "7200 -> 900 undoes drift by oncall@contoso.example" in text
        apply_another_change(project, cache="enabled")
    assert project.run("apply", "--auto-approve", "--heal").code == 0
    assert "no drift" in told(project, "drift")
