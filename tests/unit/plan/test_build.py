"""Declared, last applied and live: which changes and which drift come out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.base.canonical import digest_text
from reconciler.base.errors import StateUnusable
from reconciler.plan.build import Stored, compare
from reconciler.plan.change import Action
from reconciler.report.change_text import fields_of
from tests.unit.plan.builders import NOW, compared, frozen, located, stored, stores, task

OLD = task(timeout=3600)
SLOW = task(timeout=7200)
QUICK = task(timeout=600)


def test_what_is_the_same_everywhere_is_counted_and_not_listed() -> None:
    found = compared([OLD], [OLD], [OLD])
    assert (found.changes, found.drift, found.unchanged) == ([], [], 1)


def test_a_new_task_is_created_and_shows_what_it_declares() -> None:
    (change,) = compared([SLOW], [], []).changes
    assert change.action is Action.CREATE
    assert (change.target, change.paths) == (frozen(SLOW), ())
    told = {field.path for field in fields_of(change)}
    assert {"spec.timeout", "spec.context.source"} <= told
    assert "spec.platform" not in told


def test_a_changed_field_has_both_values_even_where_one_is_the_default() -> None:
    (change,) = compared([SLOW], [OLD], [OLD]).changes
    (field,) = change.paths
    assert (field.path, field.before, field.after) == ("spec.timeout", 3600, 7200)
    assert field.origin == "specs/web-api.yaml:9:3"


def test_a_task_that_is_no_longer_declared_is_deleted() -> None:
    (change,) = compared([], [OLD], [OLD]).changes
    assert (change.action, change.base) == (Action.DELETE, frozen(OLD))


def test_a_live_task_that_was_never_applied_is_left_alone() -> None:
    found = compared([], [], [OLD])
    assert (found.changes, found.unmanaged) == ([], ["contoso/web-api"])


def test_a_declared_task_that_is_live_but_was_never_applied_is_adopted() -> None:
    (change,) = compared([SLOW], [], [OLD]).changes
    assert (change.action, change.adopts) == (Action.UPDATE, True)


def test_a_moved_task_is_renamed_and_keeps_its_live_document_as_base() -> None:
    moved = task("front-end", metadata={"movedFrom": ["web-api"]})
    (change,) = compared([moved], [OLD], [OLD]).changes
    assert (change.action, change.previous_address) == (Action.RENAME, "contoso/web-api")
    assert change.base == frozen(OLD)


def test_moved_from_may_stay_in_the_file_after_the_rename() -> None:
    moved = task("front-end", metadata={"movedFrom": ["web-api"]})
    found = compared([moved], [moved], [moved])
    assert (found.changes, found.unchanged) == ([], 1)


# -------------------------------------------------------------------- drift
def test_a_live_change_is_drift_and_no_change() -> None:
    found = compared([OLD], [OLD], [SLOW])
    assert found.changes == []
    (field,) = found.drift[0].paths
    assert (field.before, field.after, field.cause) == (3600, 7200, "drift")
    assert found.drift[0].changed_by == "lead@contoso.example"


def test_a_change_of_the_spec_elsewhere_does_not_revert_drift() -> None:
    new = task(timeout=3600, platform="linux/arm64")
    (change,) = compared([new], [OLD], [SLOW]).changes
    assert change.target == frozen(task(timeout=7200, platform="linux/arm64"))
    assert [field.path for field in change.paths] == ["spec.platform"]


def test_a_map_taken_out_of_the_spec_leaves_what_was_added_live() -> None:
    nightly, both = {"nightly": "0 3 * * *"}, {"nightly": "0 3 * * *", "hourly": "0 * * * *"}
    found = compared(
        [task()], [task(triggers={"timers": nightly})], [task(triggers={"timers": both})]
    )
    kept = task(triggers={"timers": {"hourly": "0 * * * *"}})
    assert found.changes[0].target == frozen(kept)


def test_the_spec_wins_where_both_changed_one_field() -> None:
    found = compared([QUICK], [OLD], [SLOW])
    assert found.changes[0].target == frozen(QUICK)
    assert found.drift[0].paths[0].cause == "spec"


def test_drift_that_the_spec_takes_over_is_only_remembered() -> None:
    found = compared([SLOW], [OLD], [SLOW])
    assert found.changes[0].action is Action.NO_OP
    assert found.drift[0].paths[0].cause == "accepted"


def test_of_two_kinds_of_step_the_spec_has_its_own_and_other_drift_stays() -> None:
    by_file = task(timeout=7200, step={"file": {"path": "task.yaml"}})
    step = {"docker": {"images": ["other:1"]}}
    found = compared([task(step=step)], [task()], [by_file])
    assert found.changes[0].target == frozen(task(timeout=7200, step=step))


def test_where_drift_and_spec_do_not_fit_together_the_spec_decides() -> None:
    old, drifted = task(), task(agent={"pool": "big"})
    new = task(agent={"cpu": 2})
    assert compared([new], [old], [drifted]).changes[0].target == frozen(new)


@pytest.mark.parametrize("by_policy", [True, False])
def test_heal_undoes_drift(by_policy: bool) -> None:
    declared = task(timeout=3600, driftPolicy="heal") if by_policy else OLD
    live = SLOW if not by_policy else task(timeout=7200, driftPolicy="heal")
    found = compared([declared], [declared], [live], heal=not by_policy)
    assert found.changes[0].target == frozen(declared)
    assert found.changes[0].paths[0].cause == "drift"
    assert found.drift[0].heal


def test_a_task_deleted_live_stays_deleted_unless_healed() -> None:
    found = compared([OLD], [OLD], [])
    assert found.changes == []
    assert (found.drift[0].kind, found.drift[0].heal) == ("deleted", False)
    assert compared([OLD], [OLD], [], heal=True).changes[0].action is Action.CREATE


def test_a_task_deleted_live_is_made_again_when_its_spec_changes_and_drift_says_so() -> None:
    found = compared([SLOW], [OLD], [])
    assert found.changes[0].action is Action.CREATE
    assert found.drift[0].heal


def test_drift_of_a_task_that_is_deleted_is_told() -> None:
    found = compared([], [OLD], [SLOW])
    assert found.changes[0].action is Action.DELETE
    assert found.drift[0].paths[0].after == 7200


# ------------------------------------------------------------------- hostile
@pytest.mark.parametrize("text", ["{", "[]", '{"kind": "Task"}', "[" * 20_000])
def test_a_last_applied_task_that_is_no_task_is_named(text: str) -> None:
    applied = {"contoso/web-api": Stored(text)}
    for live in ({}, stores(OLD), applied):
        for declared in ([], [located(SLOW)]):
            with pytest.raises(StateUnusable) as caught:
                compare(declared, applied, live)
            assert ("task", "contoso/web-api") in caught.value.details


@pytest.mark.parametrize("text", ["{", "[]", '{"kind": "Task"}', "[" * 20_000])
def test_a_live_task_that_is_no_task_is_drift_and_written_over_only_by_heal(text: str) -> None:
    live = {"contoso/web-api": Stored(text, "mallory", NOW)}
    found = compare([located(OLD)], stores(OLD), live)
    assert (found.changes, found.unchanged) == ([], 1)
    (drift,) = found.drift
    assert (drift.kind, drift.heal, drift.waits) == ("unreadable", False, False)
    assert (drift.changed_by, drift.changed_at) == ("mallory", NOW)
    (change,) = compare([located(OLD)], stores(OLD), live, heal=True).changes
    assert (change.action, change.unreadable) == (Action.UPDATE, True)
    assert change.live_hash == digest_text(text)
    assert change.target == frozen(OLD)


def test_a_plan_keeps_nothing_of_what_cannot_be_read() -> None:
    live = {"contoso/web-api": Stored('{"args": "ghp_secret"}', "mallory", NOW)}
    for declared in ([], [located(OLD)], [located(SLOW)]):
        found = compare(declared, stores(OLD), live, heal=True)
        assert found.changes
        assert "ghp_secret" not in repr((found.changes, found.drift))


def test_secret_fields_are_marked_and_show_the_reference() -> None:
    new = task(context={"source": "a.git", "token": {"secret": "env:NEW"}})
    old = task(context={"source": "a.git", "token": {"secret": "env:OLD"}})
    (field,) = compared([new], [old], [old]).changes[0].paths
    assert (field.before, field.after, field.sensitive) == ("env:OLD", "env:NEW", True)


@pytest.mark.parametrize(("hours", "name"), [(-1, None), (0, None), (1, "oncall")])
def test_who_drifted_is_not_said_once_an_apply_wrote_the_task_again(
    hours: int, name: str | None
) -> None:
    moment = datetime(2026, 11, 2, tzinfo=UTC)
    applied = Stored(stored(OLD).document, "lead", moment)
    live = Stored(stored(SLOW).document, "oncall", moment + timedelta(hours=hours))
    for declared in ([located(OLD)], []):  # kept, and about to be deleted
        found = compare(declared, {OLD.address: applied}, {OLD.address: live})
        assert [drift.changed_by for drift in found.drift] == [name]
