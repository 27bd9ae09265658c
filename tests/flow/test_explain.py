"""What a field is, from the schema that specs are checked with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.model.meanings import MEANINGS, meaning_of
from reconciler.operations.authoring.explain import explain_field
from reconciler.operations.authoring.schema import schema_of
from reconciler.report.explain_text import explain_lines
from tests.flow.project import Project


@pytest.fixture(name="anywhere")
def empty_folder(tmp_path: Path) -> Project:
    """No workspace is needed."""
    return Project(tmp_path)


def test_a_field_is_told_whole(anywhere: Project) -> None:
    assert anywhere.run("explain", "spec.timeout").out == (
        "spec.timeout\n"
        "  meaning   Seconds after which a run is ended.\n"
        "  type      whole number\n"
        "  default   3600\n"
        "  allowed   at least 300, at most 28800\n"
    )


def test_names_of_ones_own_stand_for_all(anywhere: Project) -> None:
    told = anywhere.run("explain", "spec.triggers.timers.nightly.missed").out
    assert '  default   "run_once"\n' in told
    assert "  allowed   skip, run_once, run_all\n" in told
    assert "NAME.schedule" in anywhere.run("explain", "spec.triggers.timers").out


def test_keys_of_items_of_lists_are_found(anywhere: Project) -> None:
    assert "Succeeded, Failed" in anywhere.run("explain", "spec.notify.on").out
    assert "cmd" in anywhere.run("explain", "spec.step.inline.steps").out


def test_other_kinds_are_told_too(anywhere: Project) -> None:
    told = anywhere.run("explain", "registries.loginServer", "--kind", "workspace")
    assert told.code == 0
    assert "it must be given" in told.out


def test_as_json_it_has_the_same(anywhere: Project) -> None:
    found = json.loads(anywhere.run("explain", "metadata.owner", "-o", "json").out)
    assert (found["path"], found["types"], found["required"]) == (
        "metadata.owner",
        ["text", "null"],
        False,
    )


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("spec.timeot", "did you mean spec.timeout?"),
        ("spec.triggers.timer", "did you mean spec.triggers.timers?"),
        ("spec.timeout.x", "nothing below it"),
        ("spec.\x1b[2J", "spec has no field \\x1b[2J"),
    ],
)
def test_a_field_that_is_none_is_wrong_usage(anywhere: Project, field: str, told: str) -> None:
    outcome = anywhere.run("explain", field)
    assert outcome.code == 64
    assert told in outcome.err


def test_every_field_of_a_task_has_a_meaning_and_none_is_left_over() -> None:
    schema = schema_of("task")
    models = {**schema["$defs"], "Task": schema}
    fields = {(name, key) for name, one in models.items() for key in one.get("properties", {})}
    assert {one for one in fields if meaning_of(*one) is None} == set()
    own = {(name, key) for name, keys in MEANINGS.items() if name for key in keys}
    assert own - fields == set()
    assert set(MEANINGS[""]) - {key for name, key in fields if key not in MEANINGS[name]} == set()


def test_every_field_fits_the_width() -> None:
    waiting = [""]
    while waiting:
        path = waiting.pop()
        field = explain_field(path)
        assert max(map(len, explain_lines(field, 80))) <= 80
        if path.count(".") < 4:
            waiting += [f"{path}.{key}".strip(".") for key, _ in field.keys]
