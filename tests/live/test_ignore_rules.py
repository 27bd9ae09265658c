"""The rules of .dockerignore, beside what the docker client and engine make of generated trees."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import docker
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.adapters.building.buildkit import BuildKitBuilder, DockerClient, find_client
from reconciler.adapters.building.classic import ClassicBuilder
from reconciler.adapters.docker.engine import open_engine
from reconciler.model.build import BuildRequest
from reconciler.runner.context import measure
from reconciler.runner.failure import Failure
from reconciler.runner.ignorefile import ignore_rules

NAMES = ("a", "b", "ab", "a.b", "c d", "a$")
GLOBS = ("*", "?", "a*", "*b", "[ab]", "[^a]", "a?b", "\\a", "*.b")
# A backslash at the end escapes nothing: some of them the client refuses, some it does not. A class
# that is not closed it may never come to look at, and then takes it; we refuse it: see the corners.
OPEN = ("a\\", "*\\", "?\\", "b*\\", "**\\", "[-a]", "[]a]")
STARS = ("**", "**b", "a**")
# What exceptions are made of; the client looks into a folder that is left out for these only.
names = st.sampled_from(NAMES)
tree = st.sets(
    st.lists(names, min_size=1, max_size=3).map("/".join), min_size=1, max_size=8
).map(sorted)  # fmt: skip
around = st.sampled_from(
    [("", ""), ("/", ""), ("", "/"), ("./", ""), ("", "/."), ("../", ""), (" ", " "), ("x/../", "")]
)


def pattern(*words: str) -> st.SearchStrategy[str]:
    parts = st.lists(st.sampled_from(words), min_size=1, max_size=3).map("/".join)
    return st.tuples(parts, around).map(lambda made: f"{made[1][0]}{made[0]}{made[1][1]}")


open_ended = st.tuples(pattern(*NAMES, *GLOBS, *STARS), st.sampled_from(OPEN)).map("/".join)
anything = st.one_of(pattern(*NAMES, *GLOBS, *STARS), pattern(*NAMES, *GLOBS, *STARS), open_ended)
exceptions = pattern(*NAMES).map(lambda text: f"!{text}")
others = st.sampled_from(["", "# a", " # b", "\t", "a b", "!  a"])
new_rules = st.lists(st.one_of(anything, exceptions, others), min_size=1, max_size=5)
old_rules = st.one_of(
    st.lists(st.one_of(anything, others.filter(lambda text: "!" not in text)), max_size=5),
    st.lists(st.one_of(pattern(*NAMES), exceptions, others), min_size=1, max_size=5),
)


# Signs that clients before 23 take for an expression, and endings that they do not know.
SIGNED = ("a+b", "(a|b)", "a{2}", "a.b", "aab", "ab", "a", "b", "aa")
signed_tree = st.sets(
    st.lists(st.sampled_from(SIGNED), min_size=1, max_size=2).map("/".join), min_size=2, max_size=8
).map(sorted)  # fmt: skip
signed_rules = st.lists(
    pattern(*SIGNED, "*", "a*", "*b)", "?+b", "[+(]*", "**", "**b", "a**", "**.b", "(a**"),
    min_size=1, max_size=4,
)  # fmt: skip


def client_version() -> int:
    program = shutil.which("docker")
    if program is None:
        pytest.skip("there is no docker client")
    words = [program, "version", "--format", "{{.Client.Version}}"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return int(re.split(r"\D", done.stdout)[0])


@pytest.fixture(scope="module")
def rules() -> st.SearchStrategy[list[str]]:
    """Clients before 23 read an exception beside a glob in a way that was mended later."""
    return new_rules if client_version() >= 23 else old_rules


def built(engine: docker.DockerClient, folder: Path) -> dict[str, bytes] | None:
    """The files of the image that the client and the engine make of a folder; None if refused."""
    environment = {**os.environ, "DOCKER_BUILDKIT": "0"}
    done = subprocess.run(
        ["docker", "build", "--quiet", "--no-cache", "."],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "no source files were specified" in done.stdout + done.stderr:
        return {}
    if "syntax error in pattern" in done.stderr:
        return None
    assert done.returncode == 0, done.stderr
    return image_files(engine, done.stdout.strip().splitlines()[-1])


def image_files(engine: docker.DockerClient, image_id: str) -> dict[str, bytes]:
    """The files of an image, which is removed, by path."""
    image = engine.images.get(image_id)
    try:
        if not image.attrs["RootFS"].get("Layers"):
            return {}  # nothing was left to copy
        data = io.BytesIO(b"".join(image.save()))
        found: dict[str, bytes] = {}
        with tarfile.open(fileobj=data) as saved:
            for member in saved:
                if member.name.endswith("layer.tar"):
                    layer = saved.extractfile(member)
                    assert layer is not None
                    with tarfile.open(fileobj=io.BytesIO(layer.read())) as files:
                        found |= {one.name: _bytes(files, one) for one in files if one.isfile()}
        return found
    finally:
        engine.images.remove(str(image.id), force=True)


def _bytes(files: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    content = files.extractfile(member)
    assert content is not None
    return content.read()


def built_here(engine: docker.DockerClient, folder: Path, client: DockerClient) -> set[str]:
    """The files of the image that our builder makes with a client."""
    address = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    output: list[bytes] = []
    request = BuildRequest(folder, folder / "Dockerfile", no_cache=True)
    result = BuildKitBuilder(client, address, os.environ).build(
        request, output.append, lambda: False
    )
    assert result.image_id, b"".join(output).decode()
    return set(image_files(engine, result.image_id))


def built_classic(engine: docker.DockerClient, folder: Path) -> dict[str, bytes]:
    """The files of the image that our classic builder makes, from a Dockerfile with other words."""
    opened, output = open_engine(None, os.environ), list[bytes]()
    with tempfile.TemporaryDirectory() as place, contextlib.closing(opened):
        copy = Path(place) / "Dockerfile"
        copy.write_text("# pinned\n" + (folder / "Dockerfile").read_text())
        rules = (folder / ".dockerignore").read_bytes()
        copy.with_name("Dockerfile.dockerignore").write_bytes(rules)
        request = BuildRequest(folder, copy, no_cache=True)
        result = ClassicBuilder(opened).build(request, output.append, lambda: False)
    if result.image_id is None and "no source files were specified" in str(result.message):
        return {}
    assert result.image_id, (result.message, b"".join(output).decode())
    return image_files(engine, result.image_id)


def the_same(engine: docker.DockerClient, folder: Path) -> None:
    """Compare what the client makes of a folder with what our rules, and our builder, do."""
    theirs = built(engine, folder)
    ours = kept(folder)
    assert (None if theirs is None else set(theirs)) == ours
    if theirs is not None:
        found = built_classic(engine, folder)
        if found.get(".dockerignore", b"").endswith(b"\n!.dockerignore\n.dockerfile\n"):
            # It leaves nothing out by a simple name: then there is no other way.
            assert found.pop(".dockerignore").startswith(theirs.pop(".dockerignore").strip(b"\n"))
        assert found == theirs


def kept(folder: Path) -> set[str] | None:
    """The files that our rules keep, None if they cannot be read."""
    try:
        judged = ignore_rules(folder, folder / "Dockerfile")
    except Failure:
        return None
    files = (path for path in folder.rglob("*") if path.is_file())
    relative = {str(path.relative_to(folder)) for path in files}
    return {path for path in relative if not judged.ignored(path)}


def write(folder: Path, files: list[str], lines: list[str]) -> None:
    for name in files:
        path = folder / name
        if not path.exists() and not any(above.is_file() for above in path.parents):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (folder / ".dockerignore").write_text("\n".join(lines))


@pytest.fixture(scope="module")
def compared(engine: docker.DockerClient, rules: st.SearchStrategy[list[str]]) -> object:
    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(files=tree, lines=rules)
    def compare(files: list[str], lines: list[str]) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write(folder, files, lines)
            the_same(engine, folder)

    return compare


def test_the_same_files_are_left_out_of_generated_trees(compared: object) -> None:
    assert callable(compared)
    compared()


@pytest.mark.parametrize(
    "lines",
    [
        ["a", "!a/b", "*"],
        ["*", "!a"],
        ["*", "!a/b", "a/b/c"],
        ["**/b", "!a/b"],
        ["a/**"],
        ["**b"],
        ["a**b"],
        ["Dockerfile", ".dockerignore"],
        ["\ufeffa"],
        ["*", "!Dockerfile"],
        ["a/**/a\\"],
        ["a/*/a\\"],
        ["a*\\"],
        ["a\\"],
        ["b/*[-x]"],
        ["[-x]"],
        ["a*["],
    ],
)
def test_the_corners_are_the_same(
    lines: list[str], engine: docker.DockerClient, tmp_path: Path
) -> None:
    if client_version() < 23 and lines[0] == "a" and len(lines) > 1:
        pytest.skip("this client is older than the rule")
    write(tmp_path, ["a/b/c", "a/b/a", "a/ab", "b/a", "ab", "c d", "a/b/a$", "a/a$x", "b/x"], lines)
    the_same(engine, tmp_path)


@pytest.mark.parametrize(
    "lines",
    [
        ["**.txt"],
        ["**b.txt"],
        ["a+b"],
        ["(a|b)"],
        ["(a|b)*"],
        ["a{2}"],
        ["*.t+t"],
        ["[+(]*"],
        ["a\\+*"],
        ["**/a+b"],
        ["a+**"],
        ["*", "!a+b"],
        ["a^b", "^a*"],
    ],
)
def test_the_client_that_builds_reads_them_as_we_do(
    lines: list[str], engine: docker.DockerClient, tmp_path: Path
) -> None:
    client = find_client(os.environ)
    if client is None:
        pytest.skip("there is no docker client with BuildKit")
    names = ["a+b", "ab", "aab", "aa", "a", "b", "(a|b)", "(a|b)c", "a{2}", "x.txt", "s/b.txt"]
    write(tmp_path, [*names, "s/a+b", "s/ab", "x.t+t", "x.tt", "+x", "a^b", ".txt"], lines)
    assert kept(tmp_path) == built_here(engine, tmp_path, client)


@pytest.fixture(scope="module")
def compared_here(engine: docker.DockerClient) -> object:
    client = find_client(os.environ)
    if client is None:
        pytest.skip("there is no docker client with BuildKit")

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(files=signed_tree, lines=signed_rules)
    def compare(files: list[str], lines: list[str]) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write(folder, files, lines)
            assert kept(folder) == built_here(engine, folder, client)

    return compare


def test_signs_of_expressions_are_text_to_the_client_that_builds(compared_here: object) -> None:
    assert callable(compared_here)
    compared_here()


def test_the_size_is_that_of_what_is_kept(tmp_path: Path) -> None:
    write(tmp_path, ["a/b", "a/c d", "b"], ["a", "!a/b", ".dockerignore", "Dockerfile"])
    assert measure(tmp_path, tmp_path / "Dockerfile", lambda: None).bytes == len("a/b") + len("b")
