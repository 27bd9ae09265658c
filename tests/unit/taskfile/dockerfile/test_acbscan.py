"""The gaps of ACR's own scanner, one by one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.taskfile.dockerfile.acbscan import read_reference, scan
from reconciler.taskfile.dockerfile.logicallines import DockerfileError


def runtime(text: str, *build_args: str) -> str:
    return str(scan(text, build_args=build_args)[0]["runtime-dependency"]["reference"])


RUNTIME = {
    "\ufefffrom 'nginx:1'\n": "nginx:1",
    "ARG V=3\nFROM a:$V\n": "a:3",
    "FROM a\nRUN <<E\nFROM b:1\nE\n": "b:1",
    "FROM a$$:1\n": "a:1",
    "FROM a${}:1\n": "a:1",
    "FROM a:${V\n": "a:V",
    "ARG A=1 B=2\nFROM a:$A$B\n": "a:1",
}


@pytest.mark.parametrize("text", RUNTIME)
def test_what_it_takes_for_the_runtime_image(text: str) -> None:
    assert runtime(text) == RUNTIME[text]


def test_a_build_argument_wins_though_nobody_declares_it() -> None:
    assert runtime("ARG V=3\nFROM a:$V\n", "V=4") == "a:4"
    assert runtime("FROM a:$V\n", "V=4") == "a:4"


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "RUN x\n", "FROM Alpine\n", "FROM a # x\n", "ARG A=$B\nFROM a:$A\n"]
)
def test_where_it_fails(text: str) -> None:
    with pytest.raises(DockerfileError):
        scan(text)


def test_equal_images_are_one_build_time_entry() -> None:
    found = scan("FROM library/nginx\nFROM nginx\nFROM nginx:latest\nFROM a\n")
    assert [item["reference"] for item in found[0]["buildtime-dependency"]] == [
        "library/nginx:latest"
    ]


def test_the_runtime_image_by_another_name_counts_at_build_time_too() -> None:
    found = scan("FROM nginx AS a\nFROM nginx:latest\n")[0]
    assert found["buildtime-dependency"] == [found["runtime-dependency"]]


def test_a_target_ends_the_scan() -> None:
    assert scan("FROM a AS x\nFROM --bad\n", target="x")[0]["runtime-dependency"]["tag"] == "latest"


@pytest.mark.parametrize(
    ("name", "registry", "repository", "tag"),
    [
        ("localhost:5000/a/b:1", "registry.hub.docker.com", "localhost:5000/a/b", "1"),
        ("my_reg/x", "registry.hub.docker.com", "library/my_reg/x", "latest"),
        ("reg.io:443/x", "reg.io:443", "x", None),
        ("UPPER/case:1", "registry.hub.docker.com", "UPPER/case", "1"),
    ],
)
def test_its_parts_of_a_name(name: str, registry: str, repository: str, tag: str | None) -> None:
    found = read_reference(name)
    assert (found["registry"], found["repository"], found.get("tag")) == (registry, repository, tag)


@given(
    st.lists(
        st.sampled_from(["FROM ", "ARG ", "AS ", "a", ":1", "$V", "${", "}", "\n", "V=2", "@", "/"])
    )
)
def test_any_text_is_scanned_or_refused(parts: list[str]) -> None:
    try:
        found = scan("".join(parts))
    except DockerfileError:
        return
    assert found[0]["runtime-dependency"]["reference"]
