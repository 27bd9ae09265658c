"""Known drift is set apart while its entry holds, and counts again afterwards."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from reconciler.model.workspace import KnownDrift
from reconciler.plan.known import Sorted, set_apart
from tests.unit.plan.builders import compared, stores, task

TODAY = date(2026, 11, 21)
OWNED = {"owner": "team-data", "labels": {"tier": "prod"}}
OLD = task("etl-job", metadata=OWNED)
LIVE = task("etl-job", metadata=OWNED, timeout=7200, protect=True)


def entry(**fields: Any) -> KnownDrift:
    values = {"match": {"address": "contoso/etl-*"}, "reason": "load test", "owner": "team-data"}
    return KnownDrift.model_validate({**values, "expires": "2026-11-30", **fields})


def sort(*entries: KnownDrift, gone: bool = False) -> Sorted:
    comparison = compared([OLD], [OLD], [] if gone else [LIVE])
    placed = [(f"reconciler.yaml:{number}:5", one) for number, one in enumerate(entries)]
    return set_apart(comparison.drift, placed, stores(OLD), TODAY)


def fields(result: Sorted) -> tuple[list[str], list[str]]:
    return (
        [path.path for drift in result.drift for path in drift.paths],
        [path.path for drift in result.known for path in drift.paths],
    )


def test_without_a_list_all_drift_counts() -> None:
    assert fields(sort()) == (["spec.protect", "spec.timeout"], [])


def test_a_task_that_is_known_as_a_whole_does_not_count() -> None:
    result = sort(entry())
    assert fields(result) == ([], ["spec.protect", "spec.timeout"])
    assert result.known[0].origin == "reconciler.yaml:0:5"
    assert (result.known[0].owner, result.known[0].reason) == ("team-data", "load test")


@pytest.mark.parametrize("glob", ["spec.timeout", "spec.t*", "*.timeout"])
def test_only_the_field_that_is_named_is_set_apart(glob: str) -> None:
    assert fields(sort(entry(field=glob))) == (["spec.protect"], ["spec.timeout"])


def test_it_holds_through_its_last_day_and_then_says_when_it_ended() -> None:
    assert sort(entry(expires="2026-11-21")).drift == []
    (drift,) = sort(entry(expires="2026-11-20")).drift
    assert drift.ended == date(2026, 11, 20)
    assert len(drift.paths) == 2


def test_an_entry_that_holds_wins_over_one_that_ended() -> None:
    result = sort(entry(expires="2026-11-01"), entry(reason="again"))
    assert result.drift == []
    assert [known.reason for known in result.known] == ["again"]


@pytest.mark.parametrize(
    ("match", "meant"),
    [
        ({"owner": "team-data"}, True),
        ({"owner": "team-web"}, False),
        ({"labels": {"tier": "prod"}}, True),
        ({"labels": {"tier": "test"}}, False),
        ({"registry": "contoso"}, True),
        ({"registry": "other"}, False),
        ({"address": "contoso/web-*"}, False),
    ],
)
def test_tasks_are_named_as_in_waivers(match: dict[str, Any], meant: bool) -> None:
    result = sort(entry(match=match))
    assert (result.drift == []) is meant
    assert (result.unused == []) is meant


def test_an_entry_that_nothing_matches_is_told_even_if_its_task_drifted() -> None:
    assert sort(entry(field="spec.cache"), entry(field="spec.timeout")).unused == [
        "reconciler.yaml:0:5"
    ]


def test_a_deletion_is_known_only_if_the_whole_task_is() -> None:
    assert sort(entry(field="spec.timeout"), gone=True).known == []
    (known,) = sort(entry(), gone=True).known
    assert (known.kind, known.paths) == ("deleted", ())


@pytest.mark.parametrize("wrong", [{"match": {}}, {"reason": ""}, {"expires": None}])
def test_an_entry_for_every_task_or_without_a_reason_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        entry(**wrong)
