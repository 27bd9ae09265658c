"""`destroy`: its own verb, its own words; the same plan file, limits, protection and order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.flow.project import Project, new_project
from tests.terminal import answered as on_terminal

WORDS = ("--auto-approve", "--confirm", "contoso")


@pytest.fixture(name="project")
def with_three_live_tasks(tmp_path: Path) -> Project:
    """Three applied tasks, and one that somebody else made."""
    project = new_project(tmp_path / "workspace", "web-api", "web-shop", "old-api")
    assert project.run("apply", "--auto-approve").code == 0
    project.change_live("foreign")
    return project


def names(project: Project) -> list[str]:
    return [address.removeprefix("contoso/") for address in project.live()]


def test_all_that_was_applied_goes_and_nothing_else(project: Project) -> None:
    outcome = project.run("destroy", *WORDS)
    assert outcome.code == 0, outcome.err
    assert "Plan: 3 to delete" in outcome.out
    assert "Applied 3 of 3." in outcome.out
    assert names(project) == ["foreign"]
    assert "3 to create" in project.run("plan").out  # the specs stayed
    for words in (WORDS, ()):  # where there is nothing to delete, nobody need be asked
        again = project.run("destroy", *words)
        assert (again.code, "Nothing to apply." in again.out) == (0, True)


@pytest.mark.parametrize(
    ("target", "left"),
    [
        ("web-api", ["foreign", "old-api", "web-shop"]),
        ("contoso/web-*", ["foreign", "old-api"]),
        ("web-*", ["foreign", "old-api"]),
    ],
)
def test_only_targets_go(project: Project, target: str, left: list[str]) -> None:
    outcome = project.run("destroy", "--target", target, *WORDS)
    assert outcome.code == 0
    assert names(project) == left


@pytest.mark.parametrize("target", ["web-apo", "foreign", "nothing"])
def test_a_target_that_fits_nothing_is_wrong_usage(project: Project, target: str) -> None:
    outcome = project.run("destroy", "--target", "web-api", "--target", target, *WORDS)
    assert outcome.code == 64
    assert ("did you mean web-api?" in outcome.err) == (target == "web-apo")
    assert len(names(project)) == 4


NOBODY, TOGETHER = "nobody can be asked here", "--auto-approve and --confirm belong together"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), NOBODY),
        (("--auto-approve",), TOGETHER),
        (("--confirm", "contoso"), TOGETHER),
        (("--auto-approve", "--confirm", "yes"), "found yes allowed contoso"),
        (("--auto-approve", "--confirm", ""), "found nothing allowed contoso"),
        (("p.json", "--target", "web-api", *WORDS), "a saved plan is destroyed as it is"),
    ],
)
def test_without_the_right_words_nothing_goes(
    project: Project, words: tuple[str, ...], told: str
) -> None:
    outcome = project.finish("destroy", *words, stdin=-3)
    assert outcome.code == 64
    assert told in " ".join(outcome.err.split())
    assert len(names(project)) == 4


def test_the_words_are_not_taken_from_the_environment(project: Project) -> None:
    project.environment = {
        "RECONCILER_DESTROY_AUTO_APPROVE": "1",
        "RECONCILER_DESTROY_CONFIRM": "contoso",
    }
    outcome = project.finish("destroy", stdin=-3)
    assert (outcome.code, NOBODY in outcome.err) == (64, True)


def answered(project: Project, answer: str) -> tuple[int, str]:
    """`destroy` on a terminal where somebody types an answer: exit code, what it printed."""
    return on_terminal(
        lambda slave: project.spawn("destroy", stdin=slave, stdout=slave, stderr=slave),
        "to destroy 3 tasks: ",
        answer,
    )


def test_a_person_types_the_registries(project: Project) -> None:
    code, shown = answered(project, "yes\n")
    assert (code, "do not name what is destroyed" in " ".join(shown.split())) == (64, True)
    assert len(names(project)) == 4
    code, shown = answered(project, "contoso\n")
    assert (code, "Applied 3 of 3." in shown) == (0, True)
    assert names(project) == ["foreign"]


# ------------------------------------------------------------------ plan file
def test_a_saved_plan_is_for_destroy_alone(project: Project) -> None:
    outcome = project.run("destroy", "--target", "web-*", "--out", "d.json")
    assert (outcome.code, "reconciler destroy d.json" in outcome.out) == (0, True)
    assert len(names(project)) == 4
    refused = project.run("apply", "d.json")
    assert refused.code == 1
    assert "reconciler destroy d.json" in " ".join(refused.err.split())
    assert project.finish("destroy", "d.json", stdin=-3).code == 64
    assert project.run("destroy", "d.json", *WORDS).code == 0
    assert names(project) == ["foreign", "old-api"]


def test_a_plan_to_apply_is_not_for_destroy(project: Project) -> None:
    (project.root / "specs/web-api.yaml").unlink()
    project.run("plan", "--out", "p.json")
    assert project.run("destroy", "p.json", *WORDS).code == 1
    assert len(names(project)) == 4


def test_what_moved_since_is_refused_and_named(project: Project) -> None:
    project.run("destroy", "--out", "d.json")
    project.change_live("web-api", timeout=7200)
    outcome = project.run("destroy", "d.json", *WORDS)
    assert (outcome.code, "contoso/web-api" in outcome.err) == (6, True)
    assert len(names(project)) == 4


# ------------------------------------------------------------ the same rules
def test_broken_specs_do_not_keep_anybody_from_destroying(project: Project) -> None:
    (project.root / "specs/web-api.yaml").write_text("{")
    assert project.run("destroy", *WORDS).code == 0


def test_protection_and_limits_hold(project: Project) -> None:
    project.write("web-api", protect=True)
    for number in range(10):
        project.write(f"more-{number}")
    config = project.root / "reconciler.yaml"
    content = {**yaml.safe_load(config.read_text()), "limits": {"delete": "50%"}}
    config.write_text(yaml.safe_dump(content))
    assert project.run("apply", "--auto-approve").code == 0
    assert "protected" in project.run("destroy", *WORDS).err
    allowed = ("--allow-destroy", "web-api")
    assert "the limit is 50%" in " ".join(project.run("destroy", *WORDS, *allowed).err.split())
    assert len(names(project)) == 14
    override = ("--override-limit", "delete=13", "--reason", "end of life")
    outcome = project.run("destroy", *WORDS, *allowed, *override)
    assert outcome.code == 0, outcome.err
    assert names(project) == ["foreign"]


def test_a_base_goes_last_and_an_interrupted_destroy_is_resumed(project: Project) -> None:
    host = "registry.contoso.example"
    project.write("a-base", step={"docker": {"images": ["base:1"]}})
    project.write("z-app", step={"docker": {"images": ["app:1"], "args": {"B": f"{host}/base:1"}}})
    assert project.run("apply", "--auto-approve").code == 0
    assert project.finish("destroy", *WORDS, "--fault-point", "2:written").code == -9
    assert "a-base" in names(project)
    assert project.run("apply", "--resume").code == 0
    assert names(project) == ["foreign"]
    with project.opened() as opened, opened.database.read() as connection:
        query = "SELECT address FROM journal ORDER BY intended_at DESC, position DESC LIMIT 1"
        assert connection.exec_driver_sql(query).scalar_one() == "contoso/a-base"


def test_the_plan_of_a_destroy_says_so_in_its_file(project: Project) -> None:
    project.run("destroy", "--out", "d.json")
    content = json.loads((project.root / "d.json").read_text())
    assert content["mode"] == "destroy"
    assert {change["action"] for change in content["changes"]} == {"delete"}
