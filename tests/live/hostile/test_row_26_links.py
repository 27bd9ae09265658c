"""Row 26: a link of a repository leads nowhere: it is a plain file that holds its text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.runner.context import find_dockerfile, measure, read_dockerfile
from reconciler.runner.failure import Failure
from reconciler.runner.ports import Fetched
from tests.live.git_server import GitServer, add_commit, git
from tests.live.hostile.places import Door
from tests.live.workshop import Workshop


@pytest.fixture
def hostile(server: GitServer, repositories: Path, tmp_path: Path) -> str:
    """A repository of links out of it: to a folder and a file of this machine."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "Dockerfile").write_text("FROM planted\n")
    work = repositories / "app-work"
    for name, target in {
        "folder": str(outside),
        "up": "../../../../../outside",
        "Dockerfile": str(outside / "Dockerfile"),
        "api/linked": "../../../../../outside/Dockerfile",
        "dot": ".",
    }.items():
        (work / name).symlink_to(target)
    add_commit(work, {}, "links")
    git(work, "push", "--quiet", "origin", "trunk")
    return f"{server.url}/app.git#trunk"


@pytest.mark.parametrize("name", ["folder", "up", "dot", "dot/api", "folder/.."])
def test_a_linked_folder_is_no_folder(name: str, hostile: str, door: Door) -> None:
    message = door.refuse(f"{hostile}:{name}")
    assert "planted" not in message


def test_a_linked_dockerfile_is_its_own_text(hostile: str, door: Door, tmp_path: Path) -> None:
    found = door.fetch(hostile)
    text = read_dockerfile(find_dockerfile(found, "Dockerfile")).decode()
    assert text == str(tmp_path / "outside" / "Dockerfile")
    assert not any(path.is_symlink() for path in found.root.rglob("*"))


@pytest.mark.parametrize("name", ["../outside/Dockerfile", "folder/Dockerfile", "/etc/passwd"])
def test_no_dockerfile_is_read_through_one(name: str, hostile: str, door: Door) -> None:
    found = door.fetch(hostile)
    with pytest.raises(Failure):
        find_dockerfile(found, name)


def test_a_link_of_an_archive_or_a_folder_is_not_followed_out(tmp_path: Path) -> None:
    """A local folder has links as they are: the Dockerfile is not read through one that leaves."""
    folder = tmp_path / "context"
    folder.mkdir()
    (tmp_path / "Outside").write_text("FROM planted\n")
    (folder / "Dockerfile").symlink_to("../Outside")
    (folder / "large").symlink_to("/usr")
    with pytest.raises(Failure, match="leads out of its context"):
        find_dockerfile(Fetched(folder, folder), "Dockerfile")
    (folder / "Plain").write_text("FROM scratch\n")
    size = measure(folder, folder / "Plain", lambda: None)
    assert size.bytes == len("FROM scratch\n")


def test_a_dockerfile_that_no_context_can_have_is_told_without_a_path_of_ours(door: Door) -> None:
    found = door.fetch("/dev/null")
    with pytest.raises(Failure, match=r"looked at /dev/null:Dockerfile") as caught:
        find_dockerfile(found, "Dockerfile")
    assert str(door.place) not in caught.value.message


@pytest.mark.parametrize("name", [".dockerignore", "Dockerfile.dockerignore"])
@pytest.mark.parametrize("words", [("build", "--no-push"), ("run", "--no-push", "-f", "t.yaml")])
def test_a_linked_ignore_file_of_a_local_folder_is_refused_and_nothing_of_it_is_told(
    words: tuple[str, ...], name: str, workshop: Workshop, tmp_path: Path
) -> None:
    folder = workshop.context("ctx")
    step = {"build": "-t linked:1 .", "env": ["DOCKER_BUILDKIT=0"]}
    (folder / "t.yaml").write_text(json.dumps({"version": "v1.1.0", "steps": [step]}))
    outside = tmp_path / "outside"
    outside.write_text("planted:[line\n")
    (folder / name).symlink_to(outside)
    done = workshop.call(*words, *([] if "-f" in words else ["-t", "linked:1"]), "ctx")
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert f"the ignore file {name} leads out of its context" in said
    assert "planted" not in said
