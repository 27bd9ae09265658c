"""Names that are written for the first time, or by another task than before."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.model.image import release_name
from reconciler.model.task import Task
from reconciler.plan.releases import release_paths
from tests.unit.plan.builders import compared, stores, task

SERVERS = {"contoso": "registry.contoso.example"}


def pushing(name: str, *images: str, **docker: Any) -> Task:
    return task(name, step={"docker": {"images": list(images), **docker}})


def found(declared: list[Task], live: list[Task]) -> list[tuple[str, str, tuple[str, ...]]]:
    comparison = compared(declared, live, live)
    paths = release_paths(comparison.changes, SERVERS).paths
    return [(path.image, path.address, path.former) for path in paths]


def test_a_new_task_and_a_new_tag_are_new_paths() -> None:
    old = pushing("web-api", "web:1")
    paths = found([pushing("web-api", "web:1", "web:prod"), pushing("shop-api", "shop")], [old])
    assert paths == [
        ("registry.contoso.example/shop:latest", "contoso/shop-api", ()),
        ("registry.contoso.example/web:prod", "contoso/web-api", ()),
    ]


def test_what_leaves_the_registry_and_what_is_a_new_tasks_own_are_told_apart() -> None:
    images = ("web-api:1", "web:{{.Run.ID}}", "web:prod", "other.example/web-api:1", "shop:1")
    changes = compared([pushing("web-api", *images), pushing("shop-api", "shop:1")], [], []).changes
    paths = release_paths(changes, SERVERS).paths
    kinds = {(path.image.rpartition("/")[2], path.elsewhere, path.own) for path in paths}
    assert kinds == {
        ("web-api:1", False, True),
        ("web:{run id}", False, True),
        ("web:prod", False, False),
        ("web-api:1", True, False),
        ("shop:1", False, False),  # two tasks write it
    }
    old = pushing("web-api", "web:1")
    (path,) = release_paths(
        compared([pushing("web-api", "web:{{.Run.ID}}")], [old], [old]).changes, SERVERS
    ).paths
    assert not path.own  # the task is not new


def beside(declared: list[Task], live: list[Task], **more: str) -> list[tuple[str, ...]]:
    changes = compared(declared, live, live).changes
    texts = [(address, one.document) for address, one in stores(*live).items()]
    return [
        path.beside for path in release_paths(changes, SERVERS, live=[*texts, *more.items()]).paths
    ]


def test_a_task_that_goes_on_writing_a_name_is_named() -> None:
    stays = pushing("shop-api", "team/img:{{.Run.ID}}")
    slower = task("web-api", step={"docker": {"images": ["team/img:$ID"]}}, timeout=900)
    old = [stays, pushing("web-api", "team/img:$ID"), pushing("etl-job", "etl:1")]
    new = [stays, slower, pushing("etl-job", "etl:1", "team/img:{{ .Run.ID }}")]
    assert beside(new, old, broken="img: no task") == [("contoso/shop-api", "contoso/web-api")]
    assert beside([pushing("etl-job", "etl:1", "team/img:2"), *new[:2]], old) == [()]


def test_of_very_many_new_names_writers_are_found_too() -> None:
    stays = pushing("shop-api", "img-7:{{.Run.ID}}")
    images = [f"img-{number}:{{{{.Run.ID}}}}" for number in range(250)]
    found = beside([stays, pushing("web-api", *images)], [stays])
    assert found.count(("contoso/shop-api",)) == 1
    assert len(found) == 250


def test_another_task_that_takes_a_name_over_names_who_had_it() -> None:
    old = [pushing("web-api", "web:prod"), pushing("shop-api", "shop:1")]
    new = [pushing("web-api", "web:next"), pushing("shop-api", "shop:1", "web:prod")]
    assert ("registry.contoso.example/web:prod", "contoso/shop-api", ("contoso/web-api",)) in found(
        new, old
    )


def test_the_name_of_a_deleted_task_may_be_taken_over_too() -> None:
    old = [pushing("web-api", "web:prod")]
    (path,) = found([pushing("web-new", "web:prod")], old)
    assert path == ("registry.contoso.example/web:prod", "contoso/web-new", ("contoso/web-api",))


def test_a_rename_and_a_change_elsewhere_open_no_path() -> None:
    old = [pushing("web-api", "web:prod"), pushing("shop-api", "shop:{{.Run.ID}}")]
    renamed = task(
        "web-new",
        metadata={"movedFrom": ["web-api"]},
        step={"docker": {"images": ["web:prod"]}},
    )
    slower = task("shop-api", step={"docker": {"images": ["shop:{{ .Run.ID }}"]}}, timeout=900)
    assert found([renamed, slower], old) == []


def test_what_is_built_but_not_pushed_is_no_path_until_it_is_pushed() -> None:
    quiet = pushing("web-api", "web:prod", push=False)
    assert found([quiet], []) == []
    assert len(found([pushing("web-api", "web:prod")], [quiet])) == 1


def test_the_pushes_of_inline_steps_count() -> None:
    steps = [{"build": "-t $Registry/web:prod ."}, {"push": ["$Registry/web:prod"]}]
    (path,) = found([task("web-api", step={"inline": {"steps": steps}})], [])
    assert path[0] == "registry.contoso.example/web:prod"


def test_a_path_says_where_it_is_written() -> None:
    comparison = compared([pushing("web-api", "web:1")], [], [])
    (path,) = release_paths(comparison.changes, SERVERS).paths
    assert path.origin == "specs/web-api.yaml:1:1"


def test_a_path_that_only_begins_to_be_pushed_says_where_that_is() -> None:
    quiet = pushing("web-api", "web:prod", push=False)
    comparison = compared([pushing("web-api", "web:prod", push=True)], [quiet], [quiet])
    (path,) = release_paths(comparison.changes, SERVERS).paths
    assert path.origin == "specs/web-api.yaml:9:3"


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("web", "host.example/web:latest"),
        ("$Registry/web:1", "host.example/web:1"),
        ("Other.example/web:1", "other.example/web:1"),
        ("web:{{.Run.ID}}", "host.example/web:{run id}"),
        ("web:v-{{ .Build.ID }}", "host.example/web:v-{run id}"),
        ("web:$ID-$Date", "host.example/web:{run id}-{run date}"),
        ("Not An Image", "Not An Image"),
    ],
)
def test_a_name_says_server_repository_and_tag(image: str, name: str) -> None:
    assert release_name(image, "host.example") == name
