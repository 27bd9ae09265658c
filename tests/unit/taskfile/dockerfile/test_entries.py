"""Dependencies in ACR's shape, as BuildKit would take from them."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.taskfile.dockerfile.entries import dependency_entries, read_reference
from reconciler.taskfile.dockerfile.images import base_images
from reconciler.taskfile.dockerfile.logicallines import DockerfileError


def entry(text: str, *, target: str | None = None, **args: str) -> dict[str, Any]:
    found = base_images(text, build_args=args, target=target, platform="linux/arm64", unneeded=True)
    (one,) = dependency_entries(found)
    return one


def roles(text: str, *, target: str | None = None, **args: str) -> tuple[str, list[str]]:
    """The runtime image and the buildtime ones, as references."""
    found = entry(text, target=target, **args)
    runtime, buildtime = found["runtime-dependency"], found["buildtime-dependency"]
    return runtime["reference"] if runtime else "", [one["reference"] for one in buildtime or []]


# What ACR's scanner gets wrong, row by row, and what is right.
BETTER = {
    "a stage's name has no case": (
        "FROM golang:1 AS Build\nFROM build\n",
        ("golang:1", []),
    ),
    "a platform is no reason to stop": (
        "FROM --platform=$TARGETPLATFORM alpine:3\n",
        ("alpine:3", []),
    ),
    "a default in the braces": ("ARG V\nFROM alpine:${V:-9}\n", ("alpine:9", [])),
    "a word where there is a value": ("ARG V=1\nFROM alpine${V:+:$V}\n", ("alpine:1", [])),
    "COPY --from an image": (
        "FROM alpine:3\nCOPY --from=nginx:1 /a /a\n",
        ("alpine:3", ["nginx:1"]),
    ),
    "RUN --mount from an image": (
        "FROM alpine:3\nRUN --mount=type=bind,from=tools.example/lint:2,target=/l /l/run\n",
        ("alpine:3", ["tools.example/lint:2"]),
    ),
    "the frontend": (
        "# syntax=docker/dockerfile:1\nFROM alpine:3\n",
        ("alpine:3", ["docker/dockerfile:1"]),
    ),
    "FROM in a heredoc is text": (
        "FROM alpine:3\nRUN <<EOF\nFROM nginx:1\nEOF\n",
        ("alpine:3", []),
    ),
    "a line that goes on": ("FROM \\\n  alpine:3\n", ("alpine:3", [])),
    "a comment in a line that goes on": ("FROM \\\n# x\n  alpine:3 AS \\\n b\n", ("alpine:3", [])),
    "another escape character": ("# escape=`\nFROM `\n alpine:3\n", ("alpine:3", [])),
    "a target's number": (
        "FROM golang:1\nFROM alpine:3\n",
        ("golang:1", []),
    ),
    "a predefined argument": (
        "FROM base-$TARGETARCH:1\n",
        ("base-arm64:1", []),
    ),
    "the same image in other words": (
        "FROM docker.io/library/nginx AS a\nFROM nginx:latest AS b\nFROM alpine\n",
        ("alpine:latest", ["docker.io/library/nginx:latest"]),
    ),
    "what runs is not what only builds, too": (
        "FROM nginx AS a\nFROM nginx:latest\n",
        ("nginx:latest", []),
    ),
    "scratch is no image": ("FROM golang:1 AS b\nFROM scratch\n", ("", ["golang:1"])),
}


@pytest.mark.parametrize("name", BETTER)
def test_what_that_scanner_gets_wrong(name: str) -> None:
    text, expected = BETTER[name]
    assert roles(text, target="0" if "number" in name else None) == expected


def test_an_argument_of_a_stage_is_none_of_the_file() -> None:
    text = "ARG V=1\nFROM a:$V AS x\nARG V=2\nFROM b:$V\n"
    assert roles(text) == ("b:1", ["a:1"])
    assert roles(text, V="7") == ("b:7", ["a:7"])


def test_every_stage_up_to_the_target_counts_needed_or_not() -> None:
    text = "FROM a:1 AS x\nFROM b:1 AS y\nFROM c:1 AS z\nFROM d:1\n"
    assert roles(text, target="y") == ("b:1", ["a:1"])
    assert roles(text, target="Z") == ("c:1", ["a:1", "b:1"])
    with pytest.raises(DockerfileError, match="target"):
        roles(text, target="none")


def test_a_number_of_no_stage_is_refused() -> None:
    with pytest.raises(DockerfileError, match="no stage"):
        roles("FROM a:1\nCOPY --from=7 /a /a\n")


def test_each_tag_has_its_entry_and_the_commit_stands_in_all() -> None:
    found = base_images("FROM a\n", build_args={}, target=None, platform="linux")
    entries = dependency_entries(found, tags=["x:1", "reg.io/y"], revision="4be02d1")
    assert [one["image"]["reference"] for one in entries] == ["x:1", "reg.io/y:latest"]
    assert {one["git"]["git-head-revision"] for one in entries} == {"4be02d1"}
    assert entries[0]["buildtime-dependency"] is None


@pytest.mark.parametrize(
    ("name", "registry", "repository", "tag"),
    [
        ("nginx", "registry.hub.docker.com", "library/nginx", "latest"),
        ("user/app:1", "registry.hub.docker.com", "user/app", "1"),
        ("docker.io/nginx", "docker.io", "library/nginx", "latest"),
        ("localhost:5000/a/b:1", "localhost:5000", "a/b", "1"),
        ("localhost/a", "localhost", "a", "latest"),
        ("reg.io:443/x", "reg.io:443", "x", "latest"),
        ("my_reg/x:1", "registry.hub.docker.com", "my_reg/x", "1"),
    ],
)
def test_a_host_is_what_docker_takes_for_one(
    name: str, registry: str, repository: str, tag: str
) -> None:
    found = read_reference(name)
    assert (found["registry"], found["repository"], found["tag"]) == (registry, repository, tag)


def test_a_digest_needs_no_tag() -> None:
    digest = "sha256:" + "a" * 64
    found = read_reference(f"x@{digest}")
    assert found["digest"] == digest
    assert "tag" not in found
    assert found["reference"] == f"x@{digest}"


def test_an_illegal_name_is_told_with_its_line() -> None:
    with pytest.raises(DockerfileError) as caught:
        entry("FROM alpine:3 AS a\nFROM Alpine\n")
    assert (caught.value.line, caught.value.message) == (2, "'Alpine' is no image name")
