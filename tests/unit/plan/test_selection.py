"""Selectors, and comparisons of the chosen tasks alone."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.base.errors import WrongUsage
from reconciler.model.task import Task
from reconciler.plan.build import Comparison
from reconciler.plan.change import Action
from reconciler.plan.declared import Declared
from reconciler.plan.narrow import Narrowed
from reconciler.plan.selection import Facts, LeftOut, Selection, Since, parse_selector
from tests.unit.plan.builders import located, stores, task

WEB = Facts(("contoso/web-api",), "team-web", {"tier": "prod"}, "specs/web/api.yaml")


def chosen(*texts: str, without: tuple[str, ...] = (), since: Since | None = None) -> Selection:
    return Selection(
        tuple(parse_selector("--target", text) for text in texts),
        tuple(parse_selector("--exclude", text) for text in without),
        since,
    )


def narrowed(
    selection: Selection, declared: list[Task], applied: list[Task], live: list[Task]
) -> tuple[Comparison, LeftOut]:
    narrow = Narrowed(selection, stores(*applied), stores(*live))
    for one in declared:
        narrow.add(Declared.of(located(one)))
    return narrow.finish(), narrow.left_out({})


@pytest.mark.parametrize(
    "text",
    [
        *("web-api", "web-*", "contoso/web-api", "contoso/*", "*/web-ap?", "label:tier=prod"),
        *("label:tier", "label:t*=p*", "owner:team-web", "owner:team-*", "registry:contoso"),
    ],
)
def test_a_selector_fits_by_what_it_names(text: str) -> None:
    assert chosen(text).selects(WEB)
    assert not chosen("*", without=(text,)).selects(WEB)


@pytest.mark.parametrize(
    "text",
    ["web", "fabrikam/*", "label:tier=dev", "label:prod", "owner:team", "registry:con", "WEB-API"],
)
def test_a_selector_does_not_fit_by_half(text: str) -> None:
    assert not chosen(text).selects(WEB)


def test_a_selector_of_no_kind_says_which_there_are() -> None:
    with pytest.raises(WrongUsage) as caught:
        parse_selector("--target", "lable:tier=prod")
    assert caught.value.hint == "did you mean label:tier=prod?"
    assert "registry:NAME" in str(caught.value.details)


@pytest.mark.parametrize("text", ["", "owner:", "label:"])
def test_a_selector_that_names_nothing_is_refused(text: str) -> None:
    with pytest.raises(WrongUsage, match="names nothing"):
        parse_selector("--exclude", text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("web-apy", "did you mean web-api?"),
        ("contoso/shop-ap", "did you mean contoso/shop-api?"),
        ("owner:team-wep", "did you mean owner:team-web?"),
        ("label:tier=prid", "did you mean label:tier=prod?"),
        ("registry:contosso", "did you mean registry:contoso?"),
        ("nothing-like-it", "reconciler tasks lists what is live"),
    ],
)
@pytest.mark.parametrize("option", ["--target", "--exclude"])
def test_a_selector_that_fits_no_task_is_an_error(text: str, hint: str, option: str) -> None:
    selector = parse_selector(option, text)
    selection = Selection((selector,)) if option == "--target" else Selection((), (selector,))
    web = task("web-api", metadata={"owner": "team-web", "labels": {"tier": "prod"}})
    with pytest.raises(WrongUsage) as caught:
        narrowed(selection, [web, task("shop-api")], [], [])
    assert caught.value.message == f"{option} {text} fits no task"
    assert caught.value.hint == hint


def test_a_plan_tells_of_the_chosen_tasks_alone_and_counts_the_rest() -> None:
    declared = [task("web-api", timeout=600), task("shop-api", timeout=600), task("same-api")]
    before = [task("web-api"), task("shop-api"), task("same-api"), task("old-api")]
    found, left = narrowed(chosen("web-*"), declared, before, [*before, task("by-hand")])
    assert [(one.address, one.action) for one in found.changes] == [
        ("contoso/web-api", Action.UPDATE)
    ]
    assert found.unmanaged == []
    assert (left.tasks, left.differing) == (4, 2)


def test_a_task_is_deleted_only_if_it_is_chosen_itself() -> None:
    before = [task("web-api"), task("old-api")]
    kept, _ = narrowed(chosen("web-api"), [before[0]], before, before)
    assert kept.changes == []
    gone, _ = narrowed(chosen("old-api"), [before[0]], before, before)
    assert [(one.address, one.action) for one in gone.changes] == [
        ("contoso/old-api", Action.DELETE)
    ]


@pytest.mark.parametrize(
    ("texts", "without", "addresses"),
    [
        (("by-hand",), (), ["contoso/by-hand"]),
        ((), ("by-hand",), []),
        (("web-api",), (), []),
    ],
)
def test_a_task_that_is_only_live_is_told_if_it_is_chosen(
    texts: tuple[str, ...], without: tuple[str, ...], addresses: list[str]
) -> None:
    web = task("web-api")
    found, _ = narrowed(chosen(*texts, without=without), [web], [web], [web, task("by-hand")])
    assert found.unmanaged == addresses


def test_drift_of_a_task_that_is_not_chosen_is_left_out() -> None:
    web, shop = task("web-api"), task("shop-api")
    moved = [task("web-api", timeout=900), task("shop-api", timeout=900)]
    found, left = narrowed(chosen(without=("shop-*",)), [web, shop], [web, shop], moved)
    assert [one.address for one in found.drift] == ["contoso/web-api"]
    assert left.differing == 1


@pytest.mark.parametrize("text", ["new-name", "old-name"])
def test_a_rename_is_chosen_and_left_out_by_either_name(text: str) -> None:
    old, new = task("old-name"), task("new-name", metadata={"movedFrom": ["old-name"]})
    found, _ = narrowed(chosen(text), [new], [old], [old])
    assert [one.action for one in found.changes] == [Action.RENAME]
    spared, left = narrowed(chosen(without=(text,)), [new], [old], [old])
    assert spared.changes == []
    assert (left.tasks, left.differing) == (1, 1)


def test_what_is_gone_is_chosen_by_the_owner_it_had() -> None:
    old = task("old-name", metadata={"owner": "team-web", "labels": {"tier": "prod"}})
    for text in ("owner:team-web", "label:tier=prod"):
        found, _ = narrowed(chosen(text), [], [old], [old])
        assert [one.action for one in found.changes] == [Action.DELETE]


@pytest.mark.parametrize(
    ("file", "touched"),
    [
        ("specs/a.yaml", True),
        ("specs/b.yaml", False),
        ("specs/a.yaml (rendered)", True),
        ("specs/team/deep/c.yaml", True),
        ("specs/teams/c.yaml", False),
        (None, False),
    ],
)
def test_since_looks_at_the_file_and_at_the_defaults_above(file: Any, touched: bool) -> None:
    since = Since("main", "c0", frozenset({"specs/a.yaml"}), frozenset({"specs/team"}))
    assert since.touches(file) is touched
