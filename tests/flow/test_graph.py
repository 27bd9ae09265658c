"""The graph of declared tasks: who builds on whom, what wakes whom, in three languages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.operations.showing.graph import Edge, Graph, Node
from reconciler.report.graph import graph_dot, graph_mermaid
from tests.flow.project import Project, new_project

HOSTILE = '"] --> x\n%%{init: {}}%% <script> `a` # ; click n1 "javascript:x" \\ \u202e'


@pytest.fixture(name="project")
def workspace(tmp_path: Path) -> Project:
    project = new_project(tmp_path / "workspace")
    for folder, text in (
        ("base", "FROM alpine:3.20 AS x\nFROM scratch\nCOPY --from=x /a /a\n"),
        ("web", "# syntax=docker/dockerfile:1\nFROM registry.contoso.example/base:1\n"),
    ):
        (project.root / folder).mkdir()
        (project.root / folder / "Dockerfile").write_text(text)
    project.write(
        "base-image",
        context={"source": "base"},
        step={"docker": {"images": ["base:1"]}},
        triggers={
            "timers": {
                "nightly": "0 3 * * *",
                "off": {"schedule": "0 4 * * *", "status": "Disabled"},
            }
        },
    )
    project.write(
        "web-api",
        metadata={"owner": "team-web"},
        context={"source": "web"},
        step={"docker": {"images": ["web:1"]}},
        triggers={"baseImage": {}},
    )
    project.write("idle-task", status="Disabled", triggers={"timers": {"nightly": "0 3 * * *"}})
    return project


def drawn(project: Project, *words: str) -> Any:
    outcome = project.run("graph", "-o", "json", *words)
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_the_graph_has_tasks_triggers_and_images(project: Project) -> None:
    found = drawn(project)
    assert {(one["kind"], one["label"]) for one in found["nodes"]} == {
        ("task", "contoso/base-image"),
        ("task", "contoso/web-api"),
        ("task", "contoso/idle-task"),
        ("image", "alpine:3.20"),
        ("trigger", "timer nightly: 0 3 * * *"),
        ("trigger", "base image (Runtime)"),
    }
    assert {(one["source"], one["target"], one["kind"]) for one in found["edges"]} == {
        ("image alpine:3.20", "task contoso/base-image", "base"),
        ("task contoso/base-image", "task contoso/web-api", "base"),
        ("trigger contoso/base-image timer nightly: 0 3 * * *", "task contoso/base-image", "wakes"),
        ("trigger contoso/web-api base image (Runtime)", "task contoso/web-api", "wakes"),
    }
    assert not (project.root / ".reconciler").exists()


def test_mermaid_and_dot_are_as_printed(project: Project) -> None:
    assert project.run("graph", "--exclude", "idle-*").out == (
        "flowchart LR\n"
        '  n1[("alpine:3.20")]\n'
        '  n2["contoso/base-image"]\n'
        '  n3["contoso/web-api"]\n'
        '  n4(["timer nightly: 0 3 #42; #42; #42;"])\n'
        '  n5(["base image #40;Runtime#41;"])\n'
        "  n1 --> n2\n"
        "  n2 --> n3\n"
        "  n4 -.-> n2\n"
        "  n5 -.-> n3\n"
    )
    assert project.run("graph", "--target", "base-*", "-o", "dot").out == (
        "digraph reconciler {\n"
        "  rankdir=LR;\n"
        '  n1 [label="alpine:3.20", shape=cylinder];\n'
        '  n2 [label="contoso/base-image", shape=box];\n'
        '  n3 [label="timer nightly: 0 3 * * *", shape=ellipse];\n'
        "  n1 -> n2 [style=solid];\n"
        "  n3 -> n2 [style=dashed];\n"
        "}\n"
    )


def test_a_base_that_is_not_chosen_is_an_image_from_outside(project: Project) -> None:
    found = drawn(project, "--target", "owner:team-web")
    assert {(one["kind"], one["label"]) for one in found["nodes"]} == {
        ("task", "contoso/web-api"),
        ("image", "registry.contoso.example/base:1"),
        ("trigger", "base image (Runtime)"),
    }
    assert project.run("graph", "--target", "web-apy").code == 64


def test_hostile_names_are_labels_and_nothing_else() -> None:
    graph = Graph(
        (Node("task", "a", HOSTILE), Node("trigger", "b", HOSTILE)), (Edge("b", "a", "wakes"),)
    )
    mermaid, dot = graph_mermaid(graph).splitlines(), graph_dot(graph).splitlines()
    assert len(mermaid) == 4
    assert len(dot) == 6
    for line in mermaid[1:3]:
        label = line[line.index('"') + 1 : line.rindex('"')]
        assert not set(label) & set("\"`<>%{}[]()\\'|\u202e")
    for line in dot[2:4]:
        label = line[line.index('"') + 1 : line.rindex('"')]
        assert label.replace("\\\\", "").replace('\\"', "").count('"') == 0
        assert not label.replace("\\\\", "").endswith("\\")


def test_wrong_specs_are_told_and_nothing_is_drawn(project: Project) -> None:
    project.write("web-api", timeout=1)
    outcome = project.run("graph")
    assert (outcome.code, outcome.out) == (1, "")
    assert "specs/web-api.yaml:" in outcome.err


def test_a_dockerfile_that_is_missing_is_told(project: Project) -> None:
    assert project.run("graph").err == ""
    (project.root / "web/Dockerfile").unlink()
    outcome = project.run("graph")
    assert outcome.code == 0
    told = " ".join(outcome.err.split())
    assert "note: what contoso/web-api is built from is not drawn: web/Dockerfile: " in told
    (one,) = drawn(project)["unread"]
    assert (one["task"], "web/Dockerfile" in one["why"]) == ("contoso/web-api", True)
