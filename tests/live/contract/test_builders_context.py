"""Which files of a context an image holds, and that an unchanged one costs nothing again."""

from __future__ import annotations

import hashlib
import os
import subprocess
import uuid
from pathlib import Path

import docker
import pytest

from reconciler.adapters.docker.transfer import EngineImages
from tests.live.contract.builders import Bench

FILES = ("Dockerfile", "a", "ab", "b", "sub/a", "sub/c", "x.log")
# The Dockerfile that is built from is a copy with its bases pinned, as of a run.
# Two of them that are the same are built once by BuildKit, and only one has the output.
LOOK = "RUN cd /x && find . -type f | while read f; do echo has:${{f#./}}:$(md5sum < $f); done # {}"


def look() -> str:
    return LOOK.format(uuid.uuid4())


def written(folder: Path, ignored: str | None, own: str | None = None) -> None:
    for name in FILES:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"this is {name}\n")
    if ignored is not None:
        (folder / ".dockerignore").write_text(ignored)
    if own is not None:
        (folder / "Dockerfile.dockerignore").write_text(own)


def copied(bench: Bench, place: Path, rules: str | None, *lines: str) -> Path:
    """A Dockerfile outside of the context, with the rules that hold beside it."""
    copy = place / "copy" / "Dockerfile"
    copy.parent.mkdir(exist_ok=True)
    copy.write_text("\n".join([f"FROM {bench.base}", *lines, ""]))
    if rules is not None:
        copy.with_name("Dockerfile.dockerignore").write_text(rules)
    return copy


def held(output: bytes) -> dict[str, str]:
    found = (line.split("has:")[1] for line in output.decode().splitlines() if "has:" in line)
    named = (item.strip().partition(":") for item in found if "${" not in item)
    return {name: digest.split(" ")[0] for name, _, digest in named}


@pytest.mark.parametrize(
    ("ignored", "own", "gone"),
    [
        (None, None, ""),
        ("a\n", None, "a"),
        (".dockerignore\n", None, ".dockerignore"),
        ("Dockerfile\n.dockerignore", None, ".dockerignore Dockerfile"),
        ("*\n!b\n", None, ".dockerignore Dockerfile a ab sub/a sub/c x.log"),
        ("# all\n*.log", None, "x.log"),
        ("sub\n", None, "sub/a sub/c"),
        ("**/a\n!sub/a\n", None, "a"),
        ("sub/a\n", None, "sub/a"),
        ("none/at/all\n*.none\n", None, ""),
        ("a\n.dockerignore\n", "b\n", "b"),
        ("b\n", "b\n", "b"),
        (None, "Dockerfile*\n", "Dockerfile Dockerfile.dockerignore"),
    ],
)
def test_an_image_holds_the_files_that_are_not_left_out_as_they_are(
    bench: Bench, tmp_path: Path, ignored: str | None, own: str | None, gone: str
) -> None:
    written(bench.folder, ignored, own)
    copy = copied(bench, tmp_path, ignored if own is None else own, "COPY . /x/", look())
    assert bench.build(dockerfile=copy, no_cache=True).exit_code == 0, bench.output
    left = [path for path in bench.folder.rglob("*") if path.is_file()]
    names = {str(path.relative_to(bench.folder)): path.read_bytes() for path in left}
    wanted = {
        name: hashlib.md5(data).hexdigest()  # noqa: S324  (what busybox has everywhere)
        for name, data in names.items()
        if name not in gone.split()
    }
    found = held(bench.output)
    if bench.builder.name == "classic" and ignored == "a\n.dockerignore\n":
        # The only case it cannot do: the engine takes the file out that is to stay.
        assert found.pop(".dockerignore") != wanted.pop(".dockerignore")
    assert found == wanted


@pytest.mark.parametrize("ignored", ["", "# nothing\n", "!a\n"])
def test_where_nothing_is_left_out_an_ignore_file_may_get_a_line(
    bench: Bench, tmp_path: Path, ignored: str
) -> None:
    written(bench.folder, ignored)
    copy = copied(bench, tmp_path, ignored, "COPY . /x/", look(), "RUN cat /x/.dockerignore")
    assert bench.build(dockerfile=copy, no_cache=True).exit_code == 0, bench.output
    found = held(bench.output)
    assert set(found) == {*FILES, ".dockerignore"}
    assert ignored.strip().encode() in bench.output
    assert (b"!.dockerignore" in bench.output) is (bench.builder.name == "classic")


@pytest.mark.parametrize("ignored", [None, "", "a\n", ".dockerignore\n"])
def test_an_unchanged_folder_is_not_built_again(
    bench: Bench, tmp_path: Path, ignored: str | None
) -> None:
    if not isinstance(bench.images, EngineImages):
        pytest.skip("its store is new for each run")
    written(bench.folder, ignored)
    lines = ("COPY . /x/", f"RUN cat /proc/sys/kernel/random/uuid > /id # {uuid.uuid4()}")
    copy = copied(bench, tmp_path, ignored, *lines)
    first, again = bench.build(dockerfile=copy), bench.build(dockerfile=copy)
    assert first.image_id == again.image_id is not None
    (bench.folder / "b").write_text("changed")
    assert bench.build(dockerfile=copy).image_id != first.image_id


@pytest.mark.parametrize("ignored", [None, "a\n", ".dockerignore\nDockerfile\n"])
@pytest.mark.parametrize("pair", ["classic"], indirect=True, ids=str)
def test_the_layers_are_those_of_docker_build(
    bench: Bench, tmp_path: Path, engine: docker.DockerClient, ignored: str | None
) -> None:
    lines = ("COPY . /x/", f"RUN cat /proc/sys/kernel/random/uuid > /id # {uuid.uuid4()}")
    written(bench.folder, ignored)
    bench.write(*lines)
    done = subprocess.run(
        ["docker", "build", "--quiet", "."],
        cwd=bench.folder, env={**os.environ, "DOCKER_BUILDKIT": "0"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    theirs = done.stdout.strip()
    try:
        # Another text with the same instructions: the name of the base is another one in a run.
        copy = copied(bench, tmp_path, ignored, "# pinned", *lines)
        assert bench.build(dockerfile=copy).image_id == theirs
    finally:
        bench.made.clear()
        engine.images.remove(theirs, force=True)
