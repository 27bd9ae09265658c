"""Run variables: known ones have values, unknown ones are errors with a suggestion."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.model.run import Reason, TriggerKind
from reconciler.model.variables import NAMES, run_date, shared_volume
from reconciler.runner.containers import thing_name
from reconciler.runner.failure import Failure
from reconciler.runner.variables import (
    RunVariables,
    check_variables,
    empty_variables,
    expand,
)

VALUES = RunVariables(id="r234567", registry="r.example", registry_name="r", date="D", os="linux")


def test_the_documented_names_are_known() -> None:
    documented = (
        "ID Registry RegistryName Date Commit Branch TaskName OS Architecture TriggeredBy "
        "Repository GitTag SharedVolume"
    )
    assert set(NAMES) == {f".Run.{name}" for name in documented.split()} | {".Build.ID"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("web:{{.Run.ID}}", "web:r234567"),
        ("web:{{ .Run.ID }}-{{.Run.Date}}", "web:r234567-D"),
        ("{{.Run.Registry}}/a:{{.Build.ID}}", "r.example/a:r234567"),
        ("{{.Run.OS}}{{.Run.Commit}}", "linux"),
        ("$ID plain", "$ID plain"),
    ],
)
def test_variables_are_replaced(text: str, expanded: str) -> None:
    check_variables(text, "image")
    assert expand(text, VALUES) == expanded


def test_a_trigger_is_told_in_one_word() -> None:
    words = [kind.word for kind in TriggerKind]
    assert words == ["Manual", "Commit", "PullRequest", "BaseImage", "Timer"]


def test_a_value_is_not_expanded_again() -> None:
    values = RunVariables(id="r1", branch="{{.Run.ID}}")
    assert expand("{{.Run.Branch}}", values) == "{{.Run.ID}}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a:{{.Run.Idd}}", "{{.Run.ID}}?"),
        ("a:{{.Run.commit}}", "{{.Run.Commit}}?"),
        ("a:{{.Values.x}}", "docker step knows .Run"),
        ("a:{{.Run.ID | upper}}", "unknown variable"),
        ("a:{{}}", "unknown variable"),
        ("a:{{.Run.ID", "not closed"),
    ],
)
def test_an_unknown_variable_is_an_error_that_names_it(text: str, said: str) -> None:
    with pytest.raises(Failure) as caught:
        check_variables(text, "image x")
    assert caught.value.reason is Reason.TASKFILE_INVALID
    assert said in caught.value.message


def test_variables_without_a_value_are_named() -> None:
    assert empty_variables("a:{{.Run.Commit}}-{{.Run.ID}}", VALUES) == [".Run.Commit"]


def test_the_date_has_acrs_form_and_is_utc() -> None:
    assert run_date(datetime(2026, 11, 21, 3, 0, 5, tzinfo=UTC)) == "20261121-030005z"


def test_the_shared_volume_is_the_volume_that_a_run_makes() -> None:
    assert shared_volume("r234567") == thing_name("r234567")
    assert shared_volume("r234567", 2) == thing_name("r234567", fence=2)
