"""The words all models share: days, durations, secret references, one or many."""

from __future__ import annotations

import copy
from datetime import date
from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from reconciler.model.common import (
    Day,
    Duration,
    Match,
    OneOrMany,
    RegistryName,
    SecretReference,
    TaskName,
    duration_seconds,
    spell_seconds,
)

DAY: TypeAdapter[date] = TypeAdapter(Day)
DURATION: TypeAdapter[str] = TypeAdapter(Duration)
MANY: TypeAdapter[tuple[str, ...]] = TypeAdapter(Annotated[tuple[str, ...], OneOrMany])


@pytest.mark.parametrize("value", [86400, "86400", "2027-02-30", "2027-6-3", "20270603", 1.5, None])
def test_only_year_month_day_is_a_day(value: object) -> None:
    with pytest.raises(ValidationError, match="a date is written year-month-day"):
        DAY.validate_python(value)


def test_a_day_is_read_and_stays_a_day() -> None:
    assert DAY.validate_python("2027-06-30") == date(2027, 6, 30)
    assert DAY.validate_python(date(2027, 6, 30)) == date(2027, 6, 30)
    assert DAY.json_schema() == {"type": "string", "format": "date"}


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("24h", "1d"), ("90s", "90s"), ("60m", "1h"), ("0s", "0d"), ("30d", "30d")],
)
def test_a_duration_has_one_form(text: str, canonical: str) -> None:
    assert DURATION.validate_python(text) == canonical
    assert spell_seconds(duration_seconds(text)) == canonical


@pytest.mark.parametrize(
    "text", ["", "5", "d", "-1d", "1.5h", "1w", "1 d", "36501d", "\u0663d", "1d\n"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="a duration is a whole number and a unit"):
        DURATION.validate_python(text)


@pytest.mark.parametrize(
    "text",
    [
        "env:GIT_PAT",
        "file:/run/secrets/pat",
        "azurekv:https://v.vault/secrets/p",
        "vault:kv/pat#k",
    ],
)
def test_a_reference_is_accepted(text: str) -> None:
    assert SecretReference.model_validate({"secret": text}).secret == text


@pytest.mark.parametrize(
    "text",
    [
        "hunter2",
        "",
        "env:",
        "env:1A",
        "env:A-B",
        "ENV:A",
        "file:",
        "vault:https://a:b@c",
        "env:A\n",
    ],
)
def test_a_value_is_no_reference_and_is_not_repeated(text: str) -> None:
    with pytest.raises(ValidationError, match="a secret is a reference") as caught:
        SecretReference.model_validate({"secret": text})
    (error,) = caught.value.errors()
    assert "hunter2" not in error["msg"]


@pytest.mark.parametrize(
    "name", ["", "four", "a" * 51, "with.dot", "with blank", "name\n", "näme5"]
)
def test_a_task_name_follows_the_rule(name: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(TaskName).validate_python(name)


@pytest.mark.parametrize("name", ["", "-a", "a" * 51, "a.b", "a\n"])
def test_a_registry_name_follows_the_rule(name: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(RegistryName).validate_python(name)


def test_one_item_is_a_list_of_one() -> None:
    assert MANY.validate_python("a") == MANY.validate_python(["a"]) == ("a",)


def test_the_schema_of_one_or_many_says_both() -> None:
    item = {"type": "string"}
    assert MANY.json_schema() == {"anyOf": [item, {"items": item, "type": "array"}]}


def test_a_frozen_model_is_its_own_copy() -> None:
    match = Match.model_validate({"owner": "team-web"})
    assert copy.deepcopy(match) is match
    with pytest.raises(ValidationError):
        match.owner = "other"  # type: ignore[misc]
