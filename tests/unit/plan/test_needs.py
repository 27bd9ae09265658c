"""Which change waits for which: base before app, and an app goes before its base goes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.task import Task
from reconciler.plan.change import Action, Change
from reconciler.plan.needs import needs_of
from reconciler.plan.order import in_order
from tests.unit.plan.builders import compared, task

SERVERS = {"contoso": "registry.contoso.example"}
HOST = "registry.contoso.example"
BASE = task("z-base", step={"docker": {"images": ["base/python:{{.Run.ID}}"]}})
APP, ROOT = "contoso/a-app", "contoso/z-base"


def app(**parts: Any) -> Task:
    return task("a-app", **parts)


def docker(**parts: Any) -> dict[str, Any]:
    return {"step": {"docker": {"images": ["app:1"], **parts}}}


def inline(**item: Any) -> dict[str, Any]:
    return {"step": {"inline": {"steps": [item]}}}


def needs(
    declared: list[Task],
    before: list[Task] | None = None,
    bases: dict[str, list[str]] | None = None,
) -> dict[str, set[str]]:
    """What waits for what on the way from one set of tasks to another."""
    changes = compared(declared, before or [], before or []).changes
    return needs_of(
        changes, SERVERS, {f"contoso/{name}": one for name, one in (bases or {}).items()}
    )


@pytest.mark.parametrize(
    "parts",
    [
        docker(args={"BASE": f"{HOST}/base/python:3"}),
        docker(args={"BASE": "{{.Run.Registry}}/base/python:3"}),
        docker(args={"BASE": "$Registry/base/python"}),
        docker(args={"BASE": f"{HOST}/base/python@sha256:{'0' * 64}"}),
        inline(cmd=f"{HOST}/base/python:3 make test"),
        inline(cmd="{{.Run.Registry}}/base/python:{{.Run.ID}} make"),
        inline(build=f"-t app:1 --build-arg BASE={HOST}/base/python:3 ."),
        {**docker(), "context": {"source": f"oci://{HOST}/base/python:3"}},
        {"step": {"file": {"path": "t.yaml", "set": {"base": f"{HOST}/base/python:3"}}}},
    ],
)
def test_who_takes_an_image_waits_for_who_writes_it(parts: dict[str, Any]) -> None:
    assert needs([app(**parts), BASE]) == {APP: {ROOT}}


@pytest.mark.parametrize(
    "parts",
    [
        docker(args={"BASE": "base/python:3"}),  # that one is Docker Hub's
        docker(args={"BASE": "other.example/base/python:3"}),
        docker(args={"BASE": f"{HOST}/base/python2:3"}),
        docker(args={"BASE": f"{HOST}/python:3"}),
        inline(cmd="base/python:3 make"),
    ],
)
def test_another_image_makes_nobody_wait(parts: dict[str, Any]) -> None:
    assert needs([app(**parts), BASE]) == {}


def test_what_an_inline_step_pushes_is_written_too() -> None:
    base = task(
        "z-base",
        step={"inline": {"steps": [{"build": "-t x ."}, {"push": [f"{HOST}/base/python:3"]}]}},
    )
    parts = docker(args={"BASE": f"{HOST}/base/python:3"})
    assert needs([app(**parts), base]) == {APP: {ROOT}}


def test_a_base_in_the_dockerfile_counts() -> None:
    assert needs([app(), BASE], bases={"a-app": [f"{HOST}/base/python:3"]}) == {APP: {ROOT}}


@pytest.mark.parametrize("name", ["a-app", "contoso/a-app"])
def test_a_downstream_task_waits(name: str) -> None:
    base = task("z-base", metadata={"downstream": [name, "aks-prod/web", "z-base"]})
    assert needs([app(), base]) == {APP: {ROOT}}


def test_a_task_does_not_wait_for_itself() -> None:
    step = {"docker": {"images": ["app:1"], "args": {"CACHE": f"{HOST}/app:0"}}}
    assert needs([app(step=step), BASE]) == {}


TAKING = app(**docker(args={"BASE": f"{HOST}/base/python:3"}))


def test_a_base_goes_after_those_that_took_from_it() -> None:
    assert needs([], [TAKING, BASE]) == {ROOT: {APP}}
    moved_on = app(**docker(args={"BASE": f"{HOST}/base/ruby:3"}))
    assert needs([moved_on], [TAKING, BASE]) == {ROOT: {APP}}


def test_a_base_goes_after_its_downstream_tasks() -> None:
    base = task("z-base", metadata={"downstream": ["a-app"]})
    assert needs([], [app(), base]) == {ROOT: {APP}}


def test_who_does_not_change_makes_nobody_wait() -> None:
    assert needs([TAKING, BASE], [BASE]) == {}


# -------------------------------------------------------------------- order
def changes(*names: str) -> list[Change]:
    return [Change(address=name, action=Action.CREATE) for name in names]


def order(found: list[Change], needed: dict[str, set[str]]) -> list[str]:
    return [change.address for change in in_order(found, needed).changes]


def test_without_needs_the_order_of_addresses_stays() -> None:
    assert order(changes("a", "b", "c"), {}) == ["a", "b", "c"]


def test_what_is_needed_comes_first_and_the_rest_stays_in_order() -> None:
    found = in_order(changes("a", "b", "c", "d"), {"a": {"c"}, "c": {"d"}})
    assert [one.address for one in found.changes] == ["b", "d", "c", "a"]
    assert {one.address: one.depends_on for one in found.changes if one.depends_on} == {
        "a": ("c",),
        "c": ("d",),
    }


def test_a_circle_is_told_and_waits_for_nothing_inside() -> None:
    found = in_order(changes("a", "b", "c", "d"), {"a": {"b"}, "b": {"a"}, "c": {"b", "d"}})
    assert found.cycles == (("a", "b"),)
    waiting = [(one.address, one.depends_on) for one in found.changes]
    assert waiting == [("a", ()), ("b", ()), ("d", ()), ("c", ("b", "d"))]


_names = st.sampled_from("abcdef")


@given(st.dictionaries(_names, st.sets(_names, max_size=3), max_size=6), st.permutations("abcdef"))
def test_every_change_comes_once_and_after_what_it_depends_on(
    needed: dict[str, set[str]], shuffled: list[str]
) -> None:
    needed = {name: others - {name} for name, others in needed.items()}
    found = in_order(changes(*"abcdef"), needed)
    names = [one.address for one in found.changes]
    assert sorted(names) == list("abcdef")
    for one in found.changes:
        assert all(names.index(other) < names.index(one.address) for other in one.depends_on)
        # What was dropped lies inside a circle.
        for other in needed.get(one.address, set()) - set(one.depends_on):
            assert any({one.address, other} <= set(circle) for circle in found.cycles)
    again = in_order(changes(*shuffled), needed)
    if any(needed.values()):
        assert (again.changes, again.cycles) == (found.changes, found.cycles)
