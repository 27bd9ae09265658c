"""Live changes behind our back: told, never undone in silence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.flow.project import Project, new_project

KNOWN = """\
knownDrift:
  - {match: {address: contoso/shop-*}, owner: team-shop, reason: load test, expires: 2999-12-31}
  - {match: {address: contoso/gone}, owner: team-shop, reason: load test, expires: 2999-12-31}
"""


@pytest.fixture(name="project")
def applied(tmp_path: Path) -> Project:
    project = new_project(tmp_path / "workspace", "web-api", "shop-api")
    assert project.run("apply", "--auto-approve").code == 0
    project.actor = "oncall@contoso.example"
    project.change_live(timeout=7200)
    return project


def timeout(project: Project) -> object:
    return json.loads(project.live()["contoso/web-api"])["spec"].get("timeout", 3600)


def test_without_drift_the_command_is_0(tmp_path: Path) -> None:
    project = new_project(tmp_path / "other", "web-api")
    project.run("apply", "--auto-approve")
    outcome = project.run("drift")
    assert (outcome.code, outcome.out) == (0, "no drift: 1 live task as last applied\n")


def test_drift_is_8_and_names_field_values_and_who(project: Project) -> None:
    outcome = project.run("drift")
    assert outcome.code == 8
    told = " ".join(outcome.out.split())
    assert "timeout applied 3600, live 7200 by oncall@contoso.example" in told


def test_drift_as_json_has_both_values(project: Project) -> None:
    outcome = project.run("drift", "-o", "json")
    (drift,) = json.loads(outcome.out)["drift"]
    (path,) = drift["paths"]
    assert (path["path"], path["before"], path["after"]) == ("spec.timeout", 3600, 7200)
    assert outcome.code == 8


def test_the_json_of_drift_validates_against_its_schema(project: Project) -> None:
    config = project.root / "reconciler.yaml"
    config.write_text(config.read_text() + KNOWN)
    project.change_live("shop-api", timeout=600)
    with project.opened() as opened:
        opened.provider.create("contoso/by-hand", project.live()["contoso/web-api"])
    schema = json.loads(project.run("schema", "drift").out)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    whole = json.loads(project.run("drift", "-o", "json").out)
    part = json.loads(project.run("drift", "-o", "json", "--target", "shop-api").out)
    for found in (whole, part):
        assert list(validator.iter_errors(found)) == []
        assert not validator.is_valid({**found, "unknown": 1})
        for key in found:
            assert not validator.is_valid({name: found[name] for name in found.keys() - {key}})
    # Each list has something in it, so that the schema of its items was used.
    assert all(whole[key] for key in ("drift", "known_drift", "unused_known_drift", "unmanaged"))
    assert whole["left_out"] is None
    assert part["left_out"]["target"] == ["shop-api"]


def test_looking_at_drift_writes_nothing(project: Project) -> None:
    before = project.live()
    project.run("drift")
    project.run("plan")
    assert project.live() == before


def test_apply_leaves_drift_alone(project: Project) -> None:
    project.write(platform="linux/arm64")
    assert project.run("apply", "--auto-approve").code == 0
    assert timeout(project) == 7200
    assert project.run("drift").code == 8


def test_heal_undoes_it(project: Project) -> None:
    assert "undone by this plan" in project.run("plan", "--heal").out
    assert project.run("apply", "--auto-approve", "--heal").code == 0
    assert timeout(project) == 3600
    assert project.run("drift").code == 0


def test_a_task_that_heals_itself_needs_no_flag(project: Project) -> None:
    project.write(driftPolicy="heal")
    assert project.run("apply", "--auto-approve").code == 0
    assert timeout(project) == 3600


def test_a_spec_that_takes_the_live_value_ends_the_drift(project: Project) -> None:
    project.write(timeout=7200)
    plan = project.run("plan", "--detailed-exitcode")
    assert plan.code == 8
    assert "the spec says the same by now" in " ".join(plan.out.split())
    assert project.run("apply", "--auto-approve").code == 0
    assert project.run("plan", "--detailed-exitcode").code == 0


def test_a_task_deleted_live_is_drift_and_made_again_only_if_asked(project: Project) -> None:
    with project.opened() as opened:
        opened.provider.delete("contoso/shop-api")
    assert "deleted live; left so" in " ".join(project.run("plan").out.split())
    project.run("apply", "--auto-approve")
    assert "contoso/shop-api" not in project.live()
    project.run("apply", "--auto-approve", "--heal")
    assert "contoso/shop-api" in project.live()


def test_drift_hides_no_rename(tmp_path: Path) -> None:
    project = new_project(tmp_path / "workspace", "web-api")
    assert project.run("apply", "--auto-approve").code == 0
    project.change_live(timeout=1200, agent={"cpu": 8}, platform="linux/arm64")
    (project.root / "specs/web-api.yaml").unlink()
    project.write("web-new", step={"docker": {"images": ["web-api:{{.Run.ID}}"]}})
    plan = json.loads(project.run("plan", "-o", "json").out)
    (pair,) = plan["looks_like_renames"]
    assert (pair["previous_address"], pair["address"]) == ("contoso/web-api", "contoso/web-new")
    assert pair["equal"] == pair["fields"]
