"""A live task that was spoiled by hand: told as drift, healed, deleted; the others go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from jsonschema import Draft202012Validator

from reconciler.store.schema import applied_tasks
from tests.flow.project import Outcome, Project, new_project

ADDRESS = "contoso/web-api"
SECRET = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"
KNOWN = """\
knownDrift:
  - {match: {address: contoso/web-api}, owner: web, reason: load test, expires: 2999-12-31}
"""


def _argument(document: dict[str, Any]) -> str:
    document["spec"]["step"]["docker"]["args"] = {"NPM_TOKEN": SECRET}
    return json.dumps(document)


def _unknown_field(document: dict[str, Any]) -> str:
    document["spec"]["fromLater"] = SECRET
    return json.dumps(document)


def _cut_off(document: dict[str, Any]) -> str:
    return json.dumps({**document, "note": SECRET})[:-1]


def _no_object(_: dict[str, Any]) -> str:
    return json.dumps(SECRET)


SPOILED = {
    "an argument that says no value": _argument,
    "a field of a newer version": _unknown_field,
    "no JSON": _cut_off,
    "no object": _no_object,
}


def spoil(project: Project, how: str = "an argument that says no value") -> None:
    project.actor = "mallory@contoso.example"
    with project.opened() as opened:
        document = json.loads(project.live()[ADDRESS])
        opened.provider.update(ADDRESS, SPOILED[how](document))
    project.actor = "lead@contoso.example"


@pytest.fixture(name="project")
def with_two_tasks(tmp_path: Path) -> Project:
    project = new_project(tmp_path / "workspace", "web-api", "shop-api")
    assert project.run("apply", "--auto-approve").code == 0
    return project


def told(outcome: Outcome) -> str:
    assert SECRET not in outcome.out + outcome.err
    assert "error" not in outcome.err
    return " ".join(outcome.out.split())


def is_healed(project: Project) -> bool:
    return project.run("drift").code == 0 and project.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("how", SPOILED)
def test_it_is_drift_with_who_and_without_values(project: Project, how: str) -> None:
    spoil(project, how)
    found = project.run("drift")
    text = told(found)
    assert found.code == 8
    assert f"{ADDRESS} cannot be read live; left alone (--heal to overwrite)" in text
    assert "by mallory@contoso.example" in text
    assert "1 task drifted since the last apply." in text


def test_the_json_of_drift_says_unreadable_and_fits_its_schema(project: Project) -> None:
    spoil(project)
    outcome = project.run("drift", "-o", "json")
    told(outcome)
    found = json.loads(outcome.out)
    (drift,) = found["drift"]
    assert (drift["kind"], drift["paths"]) == ("unreadable", [])
    assert drift["changed_by"] == "mallory@contoso.example"
    Draft202012Validator(json.loads(project.run("schema", "drift").out)).validate(found)


def test_the_others_are_planned_and_applied(project: Project) -> None:
    spoil(project)
    before = project.live()[ADDRESS]
    project.write("shop-api", timeout=600)
    project.write("new-api")
    done = project.run("apply", "--auto-approve")
    assert "Applied 2 of 2." in told(done)
    assert project.live()[ADDRESS] == before


@pytest.mark.parametrize("output", ["text", "json", "markdown", "github", "azure"])
def test_every_form_of_a_plan_copes(project: Project, output: str) -> None:
    spoil(project)
    level = ["--full"] if output == "text" else []
    plain = project.run("plan", *level, "-o", output)
    healing = project.run("plan", *level, "--heal", "-o", output)
    (project.root / "specs" / "web-api.yaml").unlink()
    deleting = project.run("plan", *level, "-o", output)
    for outcome in (plain, healing, deleting):
        assert outcome.code == 0
        told(outcome)
    if output == "json":
        (change,) = json.loads(healing.out)["changes"]
        assert (change["action"], change["unreadable"]) == ("update", True)
    elif output != "azure":
        assert "what is live cannot be read, and is overwritten" in told(healing)
        assert "cannot be read" in told(deleting)
    if output in {"text", "markdown"}:
        assert "what is live cannot be read" in told(deleting)


def test_a_changed_spec_waits_and_the_plan_says_so(project: Project) -> None:
    spoil(project)
    project.write(timeout=600)
    outcome = project.run("plan")
    assert "No changes: 2 unchanged, 1 drifted." in told(outcome)
    assert "what is new in the spec waits" in told(outcome)
    assert "what is new in the spec waits" in told(project.run("plan", "-o", "markdown"))


@pytest.mark.parametrize("how", SPOILED)
def test_heal_overwrites_it(project: Project, how: str) -> None:
    before = project.live()
    spoil(project, how)
    done = project.run("apply", "--auto-approve", "--heal", "--target", "web-api")
    assert "what is live cannot be read, and is overwritten" in told(done)
    assert (done.code, project.live()) == (0, before)
    assert is_healed(project)


def test_a_task_that_heals_itself_is_overwritten_with_what_is_new(project: Project) -> None:
    project.write(driftPolicy="heal")
    assert project.run("apply", "--auto-approve").code == 0
    spoil(project)
    project.write(driftPolicy="heal", timeout=600)
    done = project.run("apply", "--auto-approve")
    assert "timeout 3600 -> 600" in told(done)
    assert json.loads(project.live()[ADDRESS])["spec"]["timeout"] == 600
    assert is_healed(project)


def test_it_is_renamed_only_if_it_is_healed(project: Project) -> None:
    spoil(project)
    (project.root / "specs" / "web-api.yaml").unlink()
    project.write("site-api", metadata={"movedFrom": ["web-api"]})
    assert "what is new in the spec waits" in told(project.run("plan"))
    assert project.run("apply", "--auto-approve", "--heal").code == 0
    assert sorted(project.live()) == ["contoso/shop-api", "contoso/site-api"]
    assert is_healed(project)


def test_a_saved_plan_that_heals_is_stale_once_it_is_changed_again(project: Project) -> None:
    spoil(project)
    assert project.run("plan", "--heal", "--out", "saved.plan").code == 0
    assert SECRET not in (project.root / "saved.plan").read_text()
    with project.opened() as opened:
        opened.provider.update(ADDRESS, '{"still": "no task"}')
    stale = project.run("apply", "saved.plan")
    assert (stale.code, "now it cannot be read" in stale.err) == (6, True)
    spoil_again = project.run("plan", "--heal", "--out", "saved.plan")
    assert spoil_again.code == 0
    project.change_live(timeout=900)
    stale = project.run("apply", "saved.plan")
    assert stale.code == 6
    assert "planned from one that could not be read, now it can" in " ".join(stale.err.split())


def test_a_saved_plan_is_stale_if_a_task_was_spoiled_since(project: Project) -> None:
    project.write(timeout=600)
    assert project.run("plan", "--out", "saved.plan").code == 0
    spoil(project)
    stale = project.run("apply", "saved.plan")
    assert (stale.code, SECRET in stale.err) == (6, False)
    assert "now it cannot be read (by mallory@contoso.example" in " ".join(stale.err.split())


def test_a_saved_plan_that_heals_is_applied(project: Project) -> None:
    before = project.live()
    spoil(project)
    assert project.run("plan", "--heal", "--out", "saved.plan").code == 0
    schema = json.loads(project.run("schema", "plan").out)
    Draft202012Validator(schema).validate(json.loads((project.root / "saved.plan").read_text()))
    assert "Applied 1 of 1." in told(project.run("apply", "saved.plan"))
    assert project.live() == before


@pytest.mark.parametrize("how", SPOILED)
def test_destroy_and_a_plan_without_it_delete_it(project: Project, how: str) -> None:
    spoil(project, how)
    done = project.run("destroy", "--target", ADDRESS, "--auto-approve", "--confirm", "contoso")
    assert (done.code, list(project.live())) == (0, ["contoso/shop-api"])
    told(done)
    assert project.run("apply", "--auto-approve").code == 0
    spoil(project, how)
    (project.root / "specs" / "web-api.yaml").unlink()
    assert "Applied 1 of 1." in told(project.run("apply", "--auto-approve"))
    assert list(project.live()) == ["contoso/shop-api"]


def test_a_protected_one_is_deleted_by_nobody(project: Project) -> None:
    project.write(protect=True)
    assert project.run("apply", "--auto-approve").code == 0
    spoil(project)
    (project.root / "specs" / "web-api.yaml").unlink()
    refused = project.run("apply", "--auto-approve")
    assert (refused.code, ADDRESS in project.live()) == (1, True)
    assert "protected" in refused.out + refused.err


def test_one_that_was_never_applied_is_taken_over_only_by_heal(project: Project) -> None:
    with project.opened() as opened, opened.database.write() as connection:
        connection.execute(sa.delete(applied_tasks).where(applied_tasks.c.address == ADDRESS))
    spoil(project)
    config = project.root / "reconciler.yaml"
    config.write_text(config.read_text() + KNOWN.replace("address: contoso/web-api", "owner: web"))
    assert "left alone (--heal to overwrite)" in told(project.run("plan"))
    assert project.run("apply", "--auto-approve", "--heal").code == 0
    assert is_healed(project)


def test_show_says_that_it_cannot_be_read(project: Project) -> None:
    spoil(project)
    outcome = project.run("show", ADDRESS)
    assert outcome.code == 0
    assert "live it cannot be read as a task" in told(outcome)
    assert "by mallory@contoso.example" in told(outcome)
    found = json.loads(project.run("show", ADDRESS, "-o", "json").out)
    assert (found["live"], found["unreadable"]) == (None, True)


def test_on_the_list_of_known_drift_it_does_not_count(project: Project) -> None:
    config = project.root / "reconciler.yaml"
    config.write_text(config.read_text() + KNOWN)
    spoil(project)
    found = project.run("drift")
    assert (found.code, "known drift, cannot be read live" in told(found)) == (0, True)
    assert "no drift: 1 live task as last applied, 1 known drifted" in told(found)
    assert "Known drift" in told(project.run("plan", "-o", "markdown"))


def test_a_heal_that_was_killed_before_its_write_is_settled_as_not_done(project: Project) -> None:
    before = project.live()
    spoil(project)
    project.finish("apply", "--auto-approve", "--heal", "--fault-point", "1:before")
    assert "was interrupted after 0 of 1 writes" in told(project.run("plan"))
    assert project.run("apply", "--resume").code == 0
    assert project.live() == before


def test_what_was_last_applied_must_be_readable(project: Project) -> None:
    with project.opened() as opened, opened.database.write() as connection:
        change = sa.update(applied_tasks).where(applied_tasks.c.address == ADDRESS)
        connection.execute(change.values(document="{}"))
    outcome = project.run("plan")
    assert (outcome.code, "a stored task cannot be read" in outcome.err) == (1, True)
