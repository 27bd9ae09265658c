"""Plans for some tasks: by selector, and by what changed since a Git ref."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from tests.flow.project import Outcome, Project, new_project
from tests.flow.repository import commit, git, new_repository


@pytest.fixture(name="project")
def applied(tmp_path: Path) -> Project:
    """Three tasks applied; then two change, one goes and one comes."""
    project = new_project(tmp_path / "workspace", "web-api", "shop-api", "old-api")
    assert project.run("apply", "--auto-approve").code == 0
    project.write("web-api", timeout=600)
    project.write("shop-api", timeout=600, metadata={"owner": "team-shop"})
    project.write("new-api")
    (project.root / "specs/old-api.yaml").unlink()
    return project


def changes(outcome: Outcome) -> dict[str, str]:
    return {one["address"]: one["action"] for one in json.loads(outcome.out)["changes"]}


def planned(project: Project, *words: str) -> dict[str, str]:
    outcome = project.run("plan", "-o", "json", *words)
    assert outcome.code == 0, outcome.err
    return changes(outcome)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--target", "web-*"], ["web-api"]),
        (["--target", "owner:team-shop", "--target", "contoso/new-*"], ["new-api", "shop-api"]),
        (["--exclude", "*-api"], []),
        (
            ["--target", "registry:contoso", "--exclude", "old-*"],
            ["new-api", "shop-api", "web-api"],
        ),
        (["--target", "old-api"], ["old-api"]),
    ],
)
def test_a_plan_has_the_chosen_changes_alone(
    project: Project, words: list[str], names: list[str]
) -> None:
    assert sorted(planned(project, *words)) == [f"contoso/{name}" for name in names]


def test_a_plan_says_what_was_left_out_and_how_much(project: Project) -> None:
    told = " ".join(project.run("plan", "--target", "web-*").out.split())
    assert (
        "note: left out by --target web-*: 3 tasks; 3 of them differ from what is declared, "
        "was applied or is live" in told
    )
    told = " ".join(project.run("plan", "-o", "markdown", "--target", "web-*").out.split())
    assert "left out by" in told
    assert "3 tasks; 3 of them differ" in told
    left = json.loads(project.run("plan", "-o", "json", "--target", "web-*").out)["left_out"]
    assert (left["target"], left["tasks"], left["differing"]) == (["web-*"], 3, 3)


def test_apply_writes_the_chosen_tasks_alone(project: Project) -> None:
    before = project.live()
    outcome = project.run("apply", "--auto-approve", "--target", "web-api")
    assert outcome.code == 0, outcome.err
    after = project.live()
    assert {name for name in before if before[name] != after[name]} == {"contoso/web-api"}
    assert before.keys() == after.keys()
    assert len(planned(project)) == 3


def test_a_saved_plan_is_for_what_it_was_made_for(project: Project) -> None:
    project.run("plan", "--out", "p.json", "--exclude", "old-*")
    refused = project.run("apply", "p.json", "--target", "web-api")
    assert refused.code == 64
    assert "applied as it is" in refused.err
    assert project.run("apply", "p.json").code == 0
    assert planned(project) == {"contoso/old-api": "delete"}


def test_a_selector_that_fits_nothing_is_wrong_usage_with_the_nearest_name(
    project: Project,
) -> None:
    for command in (["plan"], ["apply", "--auto-approve"], ["drift"]):
        outcome = project.run(*command, "--target", "web-apy")
        assert outcome.code == 64
        assert "--target web-apy fits no task" in outcome.err
        assert "did you mean web-api?" in outcome.err
    assert len(planned(project)) == 4


def test_drift_is_looked_at_for_the_chosen_tasks_alone(project: Project) -> None:
    project.actor = "oncall@contoso.example"
    project.change_live("old-api", timeout=7200)
    assert project.run("drift").code == 8
    assert project.run("drift", "--target", "old-*").code == 8
    other = project.run("drift", "--exclude", "old-*")
    assert other.code == 0
    assert "left out by --exclude old-*" in other.out


def test_a_wrong_spec_stops_a_plan_for_another_task(project: Project) -> None:
    project.write("shop-api", timeout=1)
    assert project.run("plan", "--target", "web-api").code == 1


# ------------------------------------------------------------------- since
@pytest.fixture(name="repository")
def committed(tmp_path: Path) -> Project:
    """Four tasks, none applied: each of them is a change."""
    project = new_repository(tmp_path / "workspace", "web-api", "shop-api", "data-api")
    folder = project.root / "specs/team"
    folder.mkdir()
    text = (project.root / "specs/web-api.yaml").read_text()
    (folder / "deep.yaml").write_text(text.replace("web-api", "team-api"))
    (folder / "late.yaml.j2").write_text(text.replace("web-api", "late-api"))
    commit(project.root)
    git(project.root, "tag", "v1")
    return project


def since(project: Project, ref: str = "v1") -> list[str]:
    return sorted(name.partition("/")[2] for name in planned(project, "--since", ref))


def test_since_chooses_what_was_committed_changed_or_is_new(repository: Project) -> None:
    assert since(repository) == []
    repository.write("web-api", timeout=600)
    commit(repository.root)
    repository.write("shop-api", timeout=600)
    repository.write("new-api")
    assert since(repository) == ["new-api", "shop-api", "web-api"]


@pytest.mark.parametrize("moment", ["comes", "changes", "goes"])
def test_since_follows_defaults_to_every_task_below(repository: Project, moment: str) -> None:
    path = repository.root / "specs/team/defaults.yaml"
    kind = "apiVersion: reconciler/v1\nkind: Defaults\nspec: {timeout: %d}\n"
    if moment != "comes":
        path.write_text(kind % 600)
        commit(repository.root)
        git(repository.root, "tag", "-f", "v1")
    if moment == "goes":
        path.unlink()
    else:
        path.write_text(kind % 900)
    assert since(repository) == ["late-api", "team-api"]


def test_since_follows_the_variables_of_templates(repository: Project) -> None:
    path = repository.root / "reconciler.yaml"
    path.write_text(path.read_text() + "vars: {tag: '2'}\n")
    assert since(repository) == ["late-api"]


def test_since_chooses_a_task_whose_file_is_gone(repository: Project) -> None:
    assert repository.run("apply", "--auto-approve").code == 0
    (repository.root / "specs/shop-api.yaml").unlink()
    assert planned(repository, "--since", "v1") == {"contoso/shop-api": "delete"}
    (repository.root / "specs/data-api.yaml").unlink()
    commit(repository.root)
    assert since(repository, "HEAD") == []


def test_since_leaves_out_what_others_did_after_the_branch_was_cut(repository: Project) -> None:
    git(repository.root, "checkout", "-q", "-b", "feature")
    repository.write("web-api", timeout=600)
    commit(repository.root)
    git(repository.root, "checkout", "-q", "main")
    repository.write("shop-api", timeout=600)
    commit(repository.root)
    git(repository.root, "checkout", "-q", "feature")
    assert since(repository, "main") == ["web-api"]


@pytest.mark.parametrize(
    ("ref", "told"),
    [
        ("mian", "did you mean main?"),
        ("--output=x", "there is no such branch"),
        ("", "there is no such branch"),
        ("v1:specs", "there is no such branch"),
    ],
)
@pytest.mark.parametrize("option", ["--since", "--base"])
def test_a_ref_that_is_none_is_wrong_usage(
    repository: Project, option: str, ref: str, told: str
) -> None:
    outcome = repository.run("plan", f"{option}={ref}")
    assert outcome.code == 64
    assert told in outcome.err
    assert not (repository.root / "x").exists()


def test_outside_of_git_there_is_nothing_to_count_from(tmp_path: Path) -> None:
    project = new_project(tmp_path / "plain", "web-api")
    outcome = project.run("plan", "--since", "main")
    assert outcome.code == 1
    assert "--since needs Git" in outcome.err


def test_a_cut_off_history_says_what_to_fetch(repository: Project, tmp_path: Path) -> None:
    git(repository.root, "checkout", "-q", "--orphan", "apart")
    commit(repository.root)
    outcome = repository.run("plan", "--since", "v1")
    assert outcome.code == 1
    assert "git fetch --unshallow" in outcome.err


# -------------------------------------------------------------------- base
def compared(project: Project, *words: str) -> Any:
    outcome = project.run("plan", "--base", "v1", "-o", "json", *words)
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_two_revisions_are_compared_without_any_state(repository: Project) -> None:
    repository.write("web-api", timeout=600)
    repository.write("new-api")
    (repository.root / "specs/shop-api.yaml").unlink()
    (repository.root / "specs/team/defaults.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Defaults\nmetadata: {owner: team-web}\n"
    )
    commit(repository.root)
    path = repository.root / "reconciler.yaml"
    path.write_text(path.read_text().replace("sqlite:///.reconciler/state.db", "sqlite:////proc/x"))
    plan = compared(repository)
    assert {one["address"].partition("/")[2]: one["action"] for one in plan["changes"]} == {
        "web-api": "update",
        "new-api": "create",
        "shop-api": "delete",
        "team-api": "update",
        "late-api": "update",
    }
    assert plan["mode"] == "compare"
    assert plan["compared_with"]["commit"] == git(repository.root, "rev-parse", "v1")
    by_name = {one["address"]: one for one in plan["changes"]}
    [field] = by_name["contoso/web-api"]["paths"]
    assert (field["path"], field["before"], field["after"]) == ("spec.timeout", 3600, 600)
    assert not (repository.root / ".reconciler").exists()


@pytest.mark.parametrize("form", ["text", "markdown", "github", "azure"])
def test_every_form_says_that_live_state_was_not_looked_at(repository: Project, form: str) -> None:
    outcome = repository.run("plan", "--base", "v1", "-o", form)
    assert outcome.code == 0
    assert "live state was not looked at, and this cannot be applied" in " ".join(
        outcome.out.split()
    )


def test_equal_revisions_are_no_change_and_exit_codes_hold(repository: Project) -> None:
    words = ("plan", "--base", "v1", "--detailed-exitcode")
    assert repository.run(*words).code == 0
    repository.write("web-api", timeout=600)
    assert repository.run(*words).code == 2


def test_a_comparison_is_not_saved(repository: Project) -> None:
    outcome = repository.run("plan", "--base", "v1", "--out", "p.json")
    assert outcome.code == 64
    assert not (repository.root / "p.json").exists()


def test_selectors_narrow_a_comparison(repository: Project) -> None:
    repository.write("web-api", timeout=600)
    repository.write("shop-api", timeout=600)
    plan = compared(repository, "--target", "web-*")
    assert [one["address"] for one in plan["changes"]] == ["contoso/web-api"]
    assert plan["left_out"]["differing"] == 1


def test_a_base_that_is_wrong_itself_says_where(repository: Project) -> None:
    repository.write("web-api", timeout=1)
    commit(repository.root)
    git(repository.root, "tag", "broken")
    repository.write("web-api")
    outcome = repository.run("plan", "--base", "broken")
    assert outcome.code == 1
    assert "the specs of broken are wrong themselves" in outcome.err
    assert "specs/web-api.yaml:" in outcome.err


def test_a_base_before_the_workspace_makes_everything_new(repository: Project) -> None:
    git(repository.root, "checkout", "-q", "--orphan", "empty")
    git(repository.root, "rm", "-rq", "--cached", ".")
    git(repository.root, "commit", "-q", "--allow-empty", "-m", "nothing")
    git(repository.root, "tag", "nothing")
    outcome = repository.run("plan", "--base", "nothing", "-o", "json")
    assert set(changes(outcome).values()) == {"create"}


def test_a_workspace_below_the_root_of_its_repository_is_compared(tmp_path: Path) -> None:
    project = new_project(tmp_path / "all/team", "web-api")
    (tmp_path / "all/specs").mkdir()
    (tmp_path / "all/specs/other.yaml").write_text("not: a spec\n")
    git(tmp_path / "all", "init", "-q", "-b", "main")
    commit(tmp_path / "all")
    project.write("web-api", timeout=600)
    outcome = project.run("plan", "--base", "main", "-o", "json")
    assert changes(outcome) == {"contoso/web-api": "update"}


@pytest.mark.parametrize("moves", [["specs/team/web-api.yaml"], ["specs/a.yaml", "specs/b.yaml"]])
def test_a_delete_after_moves_that_nothing_was_applied_for_is_chosen(
    tmp_path: Path, moves: list[str]
) -> None:
    project = new_repository(tmp_path / "workspace", "web-api", "shop-api")
    assert project.run("apply", "--auto-approve").code == 0
    (project.root / "specs/team").mkdir()
    for old, new in itertools.pairwise(["specs/web-api.yaml", *moves]):
        git(project.root, "mv", old, new)
        moved = commit(project.root, "move")
        assert planned(project, "--since", "HEAD~1") == {}
    (project.root / moves[-1]).unlink()
    assert planned(project, "--since", "HEAD") == {"contoso/web-api": "delete"}
    commit(project.root, "delete")
    assert planned(project, "--since", "HEAD~1") == {"contoso/web-api": "delete"}
    assert planned(project, "--since", "HEAD") == {}
    (change,) = json.loads(project.run("plan", "-o", "json").out)["changes"]
    assert change["cause"]["file"] == moves[-1]
    assert change["cause"]["commit"] == git(project.root, "rev-parse", "HEAD") != moved
