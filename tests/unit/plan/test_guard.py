"""A plan may not delete what is protected, nor more than the limits of each scope allow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.base.errors import WrongUsage
from reconciler.model.workspace import Workspace
from reconciler.plan.change import Action, Change, FieldChange, Frozen
from reconciler.plan.guard import (
    OverLimit,
    Protected,
    over_limits,
    protected_deletes,
    refuse_blocked,
    scopes_of,
)
from reconciler.plan.overrides import Overrides, overrides_of

NONE = Overrides()


def changes(
    action: Action, count: int, *, protect: bool = False, registry: str = "r"
) -> list[Change]:
    base = Frozen.of({"spec": {"protect": protect}})
    return [Change(address=f"{registry}/task-{n}", action=action, base=base) for n in range(count)]


def test_a_rename_that_changes_fields_counts_as_an_update() -> None:
    name = FieldChange(path="metadata.name", before="a", after="b")
    edited = FieldChange(path="spec.context.source", before="a", after="b")
    plain, more = (
        [replace(one, paths=paths) for one in changes(Action.RENAME, 12)]
        for paths in ((name,), (name, edited))
    )
    found = workspace({"update": 5}, r={})
    check(plain, {"r": 12}, found)
    with pytest.raises(OverLimit, match="would update 12 of 12"):
        check(more, {"r": 12}, found)


def workspace(limits: dict[str, Any], **registries: dict[str, Any]) -> Workspace:
    """A workspace with limits, and registries with theirs."""
    rows = [
        {"name": name, "loginServer": f"{name}.example", "limits": own}
        for name, own in registries.items()
    ]
    head = {"apiVersion": "reconciler/v1", "kind": "Workspace"}
    return Workspace.model_validate({**head, "registries": rows, "limits": limits})


def refuse_protected(asked: list[Change], overrides: Overrides) -> None:
    """Hold deletes against what is protected."""
    refuse_blocked([*protected_deletes(asked, overrides)])


def check(
    asked: list[Change],
    live: dict[str, int],
    found: Workspace,
    overrides: Overrides = NONE,
) -> None:
    """Hold changes against a workspace with so many live tasks in each registry."""
    addresses = [f"{name}/task-{n}" for name, count in live.items() for n in range(count)]
    refuse_blocked([*over_limits(asked, addresses, scopes_of(found), overrides)])


def test_a_protected_task_is_named() -> None:
    with pytest.raises(Protected) as caught:
        refuse_protected(changes(Action.DELETE, 1, protect=True), NONE)
    assert caught.value.details == (("task", "r/task-0"),)
    refuse_protected(changes(Action.DELETE, 1), NONE)
    refuse_protected(changes(Action.UPDATE, 1, protect=True), NONE)


@pytest.mark.parametrize(
    ("limit", "live", "deletes", "refused"),
    [
        ("5%", 100, 5, False),
        ("5%", 100, 6, True),
        ("5%", 9, 9, False),
        ("5%", 10, 1, True),
        ("3", 100, 3, False),
        (3, 100, 4, True),
        ("0%", 10, 1, True),
        (["5%", 20], 1000, 20, False),
        (["5%", 20], 1000, 21, True),
        (["5%", 20], 100, 6, True),
    ],
)
def test_a_limit_is_a_share_or_a_count_or_both(
    limit: Any, live: int, deletes: int, refused: bool
) -> None:
    found = workspace({"delete": limit})
    if not refused:
        check(changes(Action.DELETE, deletes), {"r": live}, found)
        return
    with pytest.raises(OverLimit, match=f"delete {deletes} of {live:,}"):
        check(changes(Action.DELETE, deletes), {"r": live}, found)


def test_updates_have_their_own_limit() -> None:
    found = workspace({"update": "10%"})
    check(changes(Action.DELETE, 50), {"r": 100}, found)
    with pytest.raises(OverLimit):
        check(changes(Action.UPDATE, 50), {"r": 100}, found)


def test_twenty_protected_tasks_are_named_and_no_more() -> None:
    with pytest.raises(Protected) as caught:
        refuse_protected(changes(Action.DELETE, 30, protect=True), NONE)
    assert [name for _, name in caught.value.details] == [f"r/task-{n}" for n in range(20)]


def test_all_that_blocks_a_plan_is_told_at_once() -> None:
    found, live = workspace({"delete": 1, "update": 1}), [f"r/task-{n}" for n in range(20)]
    asked = [*changes(Action.DELETE, 3, protect=True), *changes(Action.UPDATE, 2)]
    blocked = [*protected_deletes(asked, NONE), *over_limits(asked, live, scopes_of(found), NONE)]
    assert [(one.rule, one.action, one.count) for one in blocked] == [
        ("protect", "delete", 3),
        ("limit", "delete", 3),
        ("limit", "update", 2),
    ]
    with pytest.raises(Protected) as caught:
        refuse_blocked(blocked)
    assert caught.value.details[3:] == (
        ("also", "it would delete 3 of 20 (15.0 %) of the workspace; the limit is 1"),
        ("also", "it would update 2 of 20 (10.0 %) of the workspace; the limit is 1"),
    )


# ------------------------------------------------------------------- scopes
def test_what_is_little_of_the_whole_may_be_too_much_of_one_registry() -> None:
    found = workspace({"delete": "10%"}, big={}, small={})
    asked = changes(Action.DELETE, 5, registry="small")
    with pytest.raises(OverLimit, match=r"5 of 20 \(25.0 %\) of registry small; the limit is 10%"):
        check(asked, {"big": 500, "small": 20}, found)
    check(asked, {"big": 500, "small": 9}, found)  # below ten no share says anything
    check(changes(Action.DELETE, 5, registry="big"), {"big": 500, "small": 20}, found)


def test_a_registry_has_limits_of_its_own_and_inherits_the_other() -> None:
    found = workspace({"delete": "50%", "update": "10%"}, prod={"delete": 1})
    live = {"prod": 20}
    check(changes(Action.DELETE, 1, registry="prod"), live, found)
    with pytest.raises(OverLimit, match="registry prod; the limit is 1"):
        check(changes(Action.DELETE, 2, registry="prod"), live, found)
    with pytest.raises(OverLimit) as caught:
        check(changes(Action.UPDATE, 3, registry="prod"), live, found)
    assert caught.value.details == (
        ("also", "3 of 20 (15.0 %) of registry prod; the limit is 10%"),
    )


# ---------------------------------------------------------------- overrides
def overrides(*limits: str, destroy: tuple[str, ...] = ()) -> Overrides:
    return overrides_of(limits, destroy, "moved to prod", "lead@contoso.example")


def test_an_override_allows_its_own_number_and_no_more() -> None:
    found, live = workspace({"delete": "5%"}), {"r": 100}
    allowed = overrides("delete=12")
    check(changes(Action.DELETE, 12), live, found, allowed)
    (used,) = allowed.used
    assert (used.rule, used.action, used.allowed) == ("limit", "delete", 12)
    assert (used.reason, used.by) == ("moved to prod", "lead@contoso.example")
    with pytest.raises(OverLimit, match="delete 13 of 100") as caught:
        check(changes(Action.DELETE, 13), live, found, overrides("delete=12"))
    assert caught.value.details == (("allowed", "12 by --override-limit"),)
    assert "--override-limit delete=13" in str(caught.value.hint)


def test_an_override_of_deletes_is_none_of_updates() -> None:
    found = workspace({"update": "5%"})
    with pytest.raises(OverLimit):
        check(changes(Action.UPDATE, 12), {"r": 100}, found, overrides("delete=12"))


def test_an_override_that_is_not_needed_is_not_told() -> None:
    allowed = overrides("delete=12", "update=3")
    check(changes(Action.DELETE, 2), {"r": 100}, workspace({"delete": "5%"}), allowed)
    assert allowed.used == []


@pytest.mark.parametrize("name", ["r/task-1", "task-1"])
def test_a_protected_task_goes_only_where_it_is_named(name: str) -> None:
    asked = changes(Action.DELETE, 2, protect=True)
    allowed = overrides(destroy=(name,))
    with pytest.raises(Protected) as caught:
        refuse_protected(asked, allowed)
    assert caught.value.details == (("task", "r/task-0"),)
    refuse_protected(asked[1:], overrides(destroy=(name,)))
    assert [one.task for one in allowed.used] == ["r/task-1"]


@pytest.mark.parametrize("name", ["task-9", "task-*", "", "s/task-1"])
def test_a_name_that_fits_no_protected_task_is_wrong_usage(name: str) -> None:
    with pytest.raises(WrongUsage, match="deletes no protected task"):
        refuse_protected(changes(Action.DELETE, 2, protect=True), overrides(destroy=(name,)))


def test_a_name_that_two_registries_have_is_written_in_full() -> None:
    asked = [
        *changes(Action.DELETE, 1, protect=True),
        *changes(Action.DELETE, 1, protect=True, registry="s"),
    ]
    with pytest.raises(WrongUsage, match="may be one of r/task-0, s/task-0"):
        refuse_protected(asked, overrides(destroy=("task-0",)))
    refuse_protected(asked, overrides(destroy=("r/task-0", "s/task-0")))


@pytest.mark.parametrize(
    "text", ["delete", "delete=", "delete=-1", "delete=5%", "create=1", "delete=\u0665"]
)
def test_an_override_is_a_verb_and_a_number(text: str) -> None:
    with pytest.raises(WrongUsage):
        overrides(text)


def test_a_limit_is_set_aside_for_a_reason_and_a_reason_is_for_something() -> None:
    with pytest.raises(WrongUsage, match="for a reason"):
        overrides_of(["delete=1"], [], " ", "lead")
    with pytest.raises(WrongUsage, match="nothing that the reason is for"):
        overrides_of([], [], "just so", "lead")
    assert overrides_of([], ["web-api"], None, "lead").destroy == ("web-api",)
