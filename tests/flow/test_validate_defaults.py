"""Defaults, through the command: who wins, and where a wrong inherited value is found."""

from __future__ import annotations

import json

from tests.flow.desk import TASK, Desk

BARE = TASK.replace(", registry: contoso", "")


def defaults(text: str) -> str:
    return f"apiVersion: reconciler/v1\nkind: Defaults\n{text}\n"


def test_defaults_of_the_root_and_of_nested_folders_reach_a_task(desk: Desk) -> None:
    outcome = desk.validate(
        {
            "specs/defaults.yaml": defaults("metadata: {registry: contoso}"),
            "specs/team/defaults.yaml": defaults("spec: {context: {source: web}}"),
            "specs/team/api/defaults.yaml": defaults("spec: {timeout: 900}"),
            "specs/team/api/a.yaml": BARE.replace("  context: {source: web}\n", ""),
        }
    )
    assert (outcome.code, "1 spec, 3 defaults" in outcome) == (0, True)


def test_the_nearest_folder_wins_and_the_task_wins_over_all(desk: Desk) -> None:
    near = defaults("metadata: {registry: missing}")
    files: dict[str, str | bytes] = {
        "specs/defaults.yaml": defaults("metadata: {registry: contoso}"),
        "specs/team/defaults.yaml": near,
        "specs/team/a.yaml": BARE,
    }
    outcome = desk.validate(files)
    assert "specs/team/defaults.yaml:3:12: the registry 'missing' is not declared" in outcome
    assert desk.validate({"specs/team/a.yaml": TASK}).code == 0


def test_defaults_of_a_neighbour_folder_do_not_reach_a_task(desk: Desk) -> None:
    outcome = desk.validate(
        {
            "specs/one/defaults.yaml": defaults("metadata: {registry: contoso}"),
            "specs/b/a.yaml": BARE,
        }
    )
    assert "specs/b/a.yaml:3:1: the key 'registry' is missing in metadata" in outcome


def test_an_error_in_defaults_is_told_once_and_there(desk: Desk) -> None:
    broken = defaults('metadata: {registry: contoso}\nspec: {timeout: "5"}')
    other = BARE.replace("web-api", "other-api").replace("web:1", "web:2")
    outcome = desk.validate(
        {"specs/defaults.yaml": broken, "specs/a.yaml": BARE, "specs/b.yaml": other}, "-o", "json"
    )
    found = json.loads(outcome.text)["diagnostics"]
    assert [(item["file"], item["line"]) for item in found] == [("specs/defaults.yaml", 4)]


def test_defaults_that_are_no_yaml_are_told_once(desk: Desk) -> None:
    outcome = desk.validate({"specs/defaults.yaml": defaults("metadata: {"), "specs/a.yaml": BARE})
    assert outcome.code == 1
    assert "1 error, 0 warnings" in outcome


def test_other_errors_of_a_task_are_told_beside_broken_defaults(desk: Desk) -> None:
    broken = defaults("spec: {timeout: 5}")
    outcome = desk.validate(
        {"specs/defaults.yaml": broken, "specs/a.yaml": BARE + "  protect: 1\n"}
    )
    assert "specs/a.yaml:7:3: spec.protect is not true or false" in outcome
    assert "specs/defaults.yaml:3:8: spec.timeout is too small" in outcome
    assert "2 errors" in outcome


def test_a_value_that_is_wrong_only_in_its_tasks_is_told_once_at_the_defaults(desk: Desk) -> None:
    inherited = defaults("metadata: {registry: contoso}\nspec:\n  identity: {type: UserAssigned}")
    other = BARE.replace("web-api", "other-api").replace("web:1", "web:2")
    outcome = desk.validate(
        {"specs/defaults.yaml": inherited, "specs/a.yaml": BARE, "specs/b.yaml": other}
    )
    assert outcome.code == 1
    assert outcome.text.count("specs/defaults.yaml:5:3: spec.identity") == 1
    assert "1 error, 0 warnings" in outcome


def test_a_list_of_defaults_is_replaced_and_not_joined(desk: Desk) -> None:
    images = defaults('spec: {step: {docker: {images: ["web:1"]}}}')
    other = TASK.replace("web-api", "other-api").replace("web:1", "web:2")
    outcome = desk.validate({"specs/d.yaml": images, "specs/a.yaml": TASK, "specs/b.yaml": other})
    assert outcome.code == 0


def test_another_kind_of_step_replaces_the_default_kind(desk: Desk) -> None:
    step = defaults("spec: {step: {docker: {push: false}}}")
    other = TASK.replace('docker: {images: ["web:1"]}', "file: {path: task.yaml}")
    assert desk.validate({"specs/d.yaml": step, "specs/a.yaml": other}).code == 0


def test_name_and_former_name_have_no_default(desk: Desk) -> None:
    outcome = desk.validate({"specs/d.yaml": defaults("metadata: {name: web-api}")})
    assert "specs/d.yaml:3:12: unknown key 'name'" in outcome


def test_a_typo_in_defaults_is_told_with_the_right_word(desk: Desk) -> None:
    text = defaults("spec:\n  step: {docker: {imgaes: []}}\n  retention: {logz: 1d}")
    outcome = desk.validate({"specs/d.yaml": text})
    assert "specs/d.yaml:4:19: unknown key 'imgaes'" in outcome
    assert "did you mean 'images'?" in outcome
    assert "specs/d.yaml:5:15: unknown key 'logz'" in outcome
    assert "did you mean 'logs'?" in outcome
