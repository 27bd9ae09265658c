"""What a plan says of pushes to base images: whom they rebuild from then on, as the daemon will."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.engine.following import follow
from reconciler.engine.rebuilding import read_standers
from reconciler.model.tracked import TaskBases, TrackedBase, tracked_reference
from reconciler.model.watched import Move, Served
from reconciler.operations.serving.book import read_book
from reconciler.plan.planfile import plan_schema
from reconciler.store.task_bases import observe_bases
from tests.flow.chains import own, write
from tests.flow.project import Project, new_project

HUB = "docker.io/library"
ALPINE = f"{HUB}/alpine:3"


@pytest.fixture(name="project")
def workspace(tmp_path: Path) -> Project:
    return new_project(tmp_path / "workspace")


def apply(project: Project) -> None:
    outcome = project.run("apply", "--auto-approve")
    assert outcome.code == 0, outcome.err


def told(project: Project, *words: str) -> dict[str, dict[str, Any]]:
    """What the plan says, by image."""
    outcome = project.run("plan", "-o", "json", *words)
    assert outcome.code == 0, outcome.err
    return {one["image"]: one for one in json.loads(outcome.out)["rebuilds"]}


def waves(project: Project) -> dict[str, list[int]]:
    return {image: one["waves"] for image, one in told(project).items()}


def drawn(project: Project, image: str) -> list[list[str]]:
    found = json.loads(project.run("graph", "--base", image, "-o", "json").out)
    rebuilds: list[list[str]] = found["rebuilds"]["waves"]
    return rebuilds


@pytest.fixture(name="tree")
def four_tasks(project: Project) -> Project:
    """base -> (left, right) -> app."""
    write(project, "base-image", "alpine:3")
    write(project, "left-image", own("base-image"))
    write(project, "right-image", own("base-image"))
    write(project, "app-image", own("left-image"), own("right-image"), trigger={"type": "All"})
    return project


def test_new_tasks_are_told_for_every_image_above_them(tree: Project) -> None:
    assert told(tree)[ALPINE] == {
        "image": ALPINE,
        "waves": [1, 2, 1],
        "waves_before": [],
        "gained": [
            "contoso/app-image",
            "contoso/base-image",
            "contoso/left-image",
            "contoso/right-image",
        ],
        "lost": [],
        "at_once": 10,
        "beyond": [],
        "platforms": ["linux/amd64"],
    }
    assert waves(tree) == {
        ALPINE: [1, 2, 1],
        own("base-image"): [2, 1],
        own("left-image"): [1],
        own("right-image"): [1],
    }
    text = " ".join(tree.run("plan").out.split())
    assert f"a push to {ALPINE} rebuilds 4 tasks in 3 waves (none until now)" in text
    assert f"a push to `{ALPINE}` rebuilds 4 tasks in 3 waves" in tree.run(
        "plan", "-o", "markdown"
    ).out.replace("\n", " ")


def test_what_a_plan_says_is_what_the_graph_draws_then(tree: Project) -> None:
    said = waves(tree)
    apply(tree)
    assert {image: [*map(len, drawn(tree, image))] for image in said} == said
    assert waves(tree) == {}


def test_a_plan_that_changes_no_push_says_nothing_of_them(tree: Project) -> None:
    apply(tree)
    tree.write("other-task")
    write(tree, "left-image", own("base-image"), timeout=900)
    assert told(tree) == {}
    assert "until now" not in tree.run("plan").out


def test_a_task_more_is_told_to_all_images_above_it(tree: Project) -> None:
    apply(tree)
    write(tree, "tail-image", own("app-image"))
    found = told(tree)
    assert waves(tree) == {
        ALPINE: [1, 2, 1, 1],
        own("base-image"): [2, 1, 1],
        own("left-image"): [1, 1],
        own("right-image"): [1, 1],
        own("app-image"): [1],
    }
    assert (found[ALPINE]["waves_before"], found[ALPINE]["gained"]) == (
        [1, 2, 1],
        ["contoso/tail-image"],
    )
    text = " ".join(tree.run("plan").out.split())
    assert f"push to {ALPINE} rebuilds 5 tasks in 4 waves (4 in 3 waves until now)" in text


def test_a_delete_a_trigger_that_goes_and_another_name_lose_tasks(tree: Project) -> None:
    apply(tree)
    write(tree, "left-image", own("base-image"), trigger=False)
    assert told(tree)[ALPINE]["lost"] == ["contoso/left-image"]
    write(tree, "left-image", own("base-image"), step={"docker": {"images": ["left:2"]}})
    write(tree, "right-image", own("base-image"), step={"docker": {"images": ["right:2"]}})
    assert told(tree)[ALPINE]["lost"] == ["contoso/app-image"]
    (tree.root / "specs/base-image.yaml").unlink()
    found = told(tree)[ALPINE]
    assert (found["waves"], len(found["lost"])) == ([], 4)
    text = " ".join(tree.run("plan").out.split())
    assert f"a push to {ALPINE} rebuilds no applied task (4 in 3 waves until now)" in text


def test_a_task_that_is_renamed_is_the_same_one(tree: Project) -> None:
    apply(tree)
    (tree.root / "specs/left-image.yaml").unlink()
    parts = {"context": {"source": "left-image"}, "triggers": {"baseImage": {}}}
    images = {"docker": {"images": ["left-image:1"]}}
    tree.write("left-new", metadata={"movedFrom": ["left-image"]}, step=images, **parts)
    assert told(tree) == {}
    apply(tree)
    assert drawn(tree, own("base-image"))[0] == ["contoso/left-new", "contoso/right-image"]


def test_a_dockerfile_that_changed_is_told_with_the_spec_that_does(tree: Project) -> None:
    apply(tree)
    write(tree, "left-image", "alpine:3", timeout=900)
    found = told(tree)
    # Alpine still reaches all of them.
    assert set(found) == {own("base-image")}
    assert found[own("base-image")]["lost"] == ["contoso/left-image"]


@pytest.mark.parametrize(
    ("trigger", "counted"),
    [({}, False), ({"type": "All"}, True), ({"type": "All", "status": "Disabled"}, False)],
)
def test_a_stage_that_only_gives_files_counts_for_all_alone(
    project: Project, trigger: dict[str, Any], *, counted: bool
) -> None:
    write(project, "web-api", "golang:1", "alpine:3", trigger=trigger)
    assert (f"{HUB}/golang:1" in told(project)) is counted
    off = trigger.get("status") == "Disabled"
    assert (ALPINE in told(project)) is not off


def test_a_task_that_takes_an_image_twice_is_rebuilt_once_and_not_left(project: Project) -> None:
    write(project, "web-api", "alpine:3", "alpine:3")
    assert waves(project) == {ALPINE: [1]}
    apply(project)
    found = json.loads(project.run("graph", "--base", "alpine:3", "-o", "json").out)
    assert (found["rebuilds"]["waves"], found["rebuilds"]["left"]) == ([["contoso/web-api"]], [])


def test_a_task_on_its_own_image_is_drawn_without_an_edge_to_itself(project: Project) -> None:
    project.write(step={"docker": {"images": ["web-api:1"]}}, triggers={"baseImage": {}})
    apply(project)
    tell_run(project, "contoso/web-api", own("web-api"))
    found = json.loads(project.run("graph", "--base", own("web-api"), "-o", "json").out)
    assert [one["source"] for one in found["edges"]] == [f"image {own('web-api')}"]


def test_a_task_that_is_off_and_a_digest_count_for_nothing(project: Project) -> None:
    write(project, "web-api", "alpine:3", status="Disabled")
    write(project, "shop-api", f"alpine@sha256:{'1' * 64}")
    assert told(project) == {}


def test_more_than_run_at_once_and_more_than_one_platform_are_said(project: Project) -> None:
    for number in range(11):
        platform = "linux/arm64" if number == 3 else "linux/amd64"
        write(project, f"web-{number:02}", "alpine:3", platform=platform, agent={"pool": "big"})
    text = " ".join(project.run("plan").out.split())
    more = ", at most 10 at once, fewer if it moves for some of linux/amd64, linux/arm64"
    assert f"a push to {ALPINE} rebuilds 11 tasks in 1 wave{more} (none until now)" in text
    apply(project)
    drawn = " ".join(project.run("graph", "--base", "alpine:3").err.split())
    assert drawn == f"a push to {ALPINE} rebuilds 11 tasks in 1 wave{more}"


def test_what_the_hop_limit_leaves_is_said(project: Project) -> None:
    above = "alpine:3"
    for number in range(13):
        write(project, f"web-{number:02}", above)
        above = own(f"web-{number:02}")
    found = told(project)[ALPINE]
    assert found["waves"] == [1] * 11
    assert found["beyond"] == ["contoso/web-11", "contoso/web-12"]
    text = " ".join(project.run("plan").out.split())
    limit = "2 more not, which would be more than 10 builds one after the other"
    assert f"rebuilds 11 tasks in 11 waves, at most 10 at once; {limit} (none" in text
    apply(project)
    outcome = project.run("graph", "--base", "alpine:3", "-o", "json")
    assert json.loads(outcome.out)["rebuilds"]["left"] == [
        {"task": "contoso/web-11", "why": "hop limit"},
        {"task": "contoso/web-12", "why": "hop limit"},
    ]
    assert "more than 10 builds one after the other: contoso/web-11" in outcome.err


def test_the_daemon_rebuilds_what_was_said(tree: Project) -> None:
    """Its own book and its own standers, read as it reads them."""
    write(tree, "tools-image", own("base-image"), "scratch")
    said = told(tree)
    apply(tree)
    with tree.opened() as opened, opened.database.read() as connection:
        book, standers = read_book(opened), read_standers(connection)
    for image in said:
        followed = follow(1, [Move(image, Served("a"), Served("b"))], standers, book.standing)
        hops: dict[int, list[str]] = {}
        for one in followed.rebuilds:
            hops.setdefault(one.hop, []).append(one.address)
        assert [sorted(hops[hop]) for hop in sorted(hops)] == drawn(tree, image)
        assert [len(hops[hop]) for hop in sorted(hops)] == said[image]["waves"]
        assert said[image]["beyond"] == []


@pytest.mark.parametrize(("trigger", "asked"), [(False, "False"), ({}, "True")])
def test_a_plan_without_such_triggers_pays_nothing(
    project: Project, trigger: object, asked: str
) -> None:
    write(project, "web-api", "alpine:3", trigger=trigger)
    code = (
        "import sys; from reconciler.cli.main import run; run(['plan']); "
        "print('reconciler.engine.following' in sys.modules)"
    )
    outcome = project.finish(code=code)
    assert outcome.out.splitlines()[-1] == asked, outcome.err


def test_the_published_schema_knows_it(tree: Project) -> None:
    fields = plan_schema()["$defs"]["RebuildChange"]["properties"]
    assert set(told(tree)[ALPINE]) == set(fields)


def test_what_a_run_told_counts_while_the_build_is_the_same(project: Project) -> None:
    """Two tasks with contexts elsewhere, of which a run of the first told what it stands on."""
    parts: dict[str, Any] = {
        "triggers": {"baseImage": {}},
        "step": {"docker": {"images": ["web-api:1"]}},
    }
    project.write(**parts)
    apply(project)
    tell_run(project, "contoso/web-api", "alpine:3")
    project.write(**parts, timeout=900)
    assert told(project) == {}
    project.write("web-new", metadata={"movedFrom": ["web-api"]}, **parts)
    (project.root / "specs/web-api.yaml").unlink()
    assert told(project) == {}
    write(project, "tail-image", own("web-api"))
    assert waves(project)[ALPINE] == [1, 1]
    other = {"source": "https://git.contoso.example/other.git#main"}
    project.write("web-new", metadata={"movedFrom": ["web-api"]}, **parts, context=other)
    assert waves(project)[ALPINE] == [1, 1], "until its new files are read, the former count"
    said = waves(project)
    apply(project)
    assert {image: [*map(len, drawn(project, image))] for image in said} == said
    project.write("web-new", **{**parts, "triggers": {}}, context=other)
    assert "contoso/web-new" in told(project)[ALPINE]["lost"]


def test_what_may_not_be_so_any_more_is_no_circle(project: Project) -> None:
    """The change of an argument that ends a circle is not refused for what a run told before."""
    docker: dict[str, Any] = {"images": ["web-api:1"], "args": {"BASE": own("web-api")}}
    project.write(step={"docker": docker}, triggers={"baseImage": {}})
    apply(project)
    tell_run(project, "contoso/web-api", own("web-api"))
    project.write(step={"docker": docker}, triggers={"baseImage": {}}, timeout=900)
    assert "without an end" in project.run("plan").err
    docker["args"]["BASE"] = "alpine:3"
    project.write(step={"docker": docker}, triggers={"baseImage": {}})
    apply(project)


def tell_run(project: Project, address: str, image: str) -> None:
    base = TrackedBase(reference=tracked_reference(image), platform="linux/amd64", kind="runtime")
    now = datetime.now(UTC)
    with project.opened() as opened, opened.database.write() as connection:
        observe_bases(connection, address, TaskBases(images=(base,)), asked=now, at=now)
