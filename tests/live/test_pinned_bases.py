"""Bases are pinned to what their registry serves now; `rerun` takes those of the old run."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import docker
import docker.errors
import pytest

from reconciler.adapters.web.registry import served_digest
from tests.live.git_server import GitServer, add_commit, git, make_repository, serve_git
from tests.live.workshop import Workshop

Publish = Callable[[str], str]


def unique() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


def allow_http(workshop: Workshop, server: GitServer) -> None:
    with (workshop.root / "reconciler.yaml").open("a") as file:
        file.write(f'hosts: {{"{server.host}": {{insecure: true}}}}\n')


@pytest.fixture
def base(workshop: Workshop, engine: docker.DockerClient) -> Iterator[str]:
    """The name of a base in the registry, `registry/repository:1`."""
    name = f"{workshop.registry}/{unique()}:1"
    yield name
    for image in engine.images.list(name=name.removesuffix(":1")):
        with suppress(docker.errors.APIError):
            engine.images.remove(str(image.id), force=True)


@pytest.fixture
def publish(workshop: Workshop, base: str, engine: docker.DockerClient, tmp_path: Path) -> Publish:
    """Serves another image under the tag; the engine's own copy of the tag stays what it is."""

    def push(content: str) -> str:
        folder = tmp_path / f"base-{content}"
        folder.mkdir()
        # An image of its own: what is the same is one on the engine, and others remove theirs.
        lines = f"FROM {workshop.base}\nRUN echo {content} > /base # {base}\n"
        (folder / "Dockerfile").write_text(lines)
        old = engine.images.list(name=base)
        image, _ = engine.images.build(path=str(folder), tag=base, rm=True)
        engine.images.push(base)
        if old:
            old[0].tag(base)
            # The engine forgets what it pushed: only the registry has the new one.
            engine.images.remove(str(image.id), force=True)
        repository = base.removeprefix(f"{workshop.registry}/").removesuffix(":1")
        return str(served_digest(workshop.registry, repository, "1"))

    return push


def test_an_engine_with_an_old_copy_of_a_tag_builds_on_the_new_image(
    workshop: Workshop, base: str, publish: Publish, engine: docker.DockerClient
) -> None:
    (workshop.context("app") / "Dockerfile").write_text(f"FROM {base}\nRUN echo is-$(cat /base)\n")
    first = publish(unique())
    assert workshop.call("build", "app").returncode == 0
    assert [(b["digest"], b["pinned"]) for b in workshop.last()["bases"]] == [(first, True)]
    stale = engine.images.get(base).id
    content = unique()
    second = publish(content)
    assert engine.images.get(base).id == stale
    done = workshop.call("build", "app")
    assert done.returncode == 0, done.stderr
    assert f"is-{content}" in done.stdout
    assert workshop.last()["bases"][0]["digest"] == second != first


def test_a_base_of_this_engine_only_is_recorded_as_not_pinned(workshop: Workshop) -> None:
    workshop.context("app")
    assert workshop.call("build", "app").returncode == 0
    base = workshop.last()["bases"][0]
    assert (base["pinned"], base["digest"]) == (False, None)
    assert base["imageId"].startswith("sha256:")


@pytest.mark.parametrize("file", ["Dockerfile", "build/app.Dockerfile"])
def test_the_own_ignore_file_of_a_dockerfile_holds_when_its_bases_are_pinned(
    workshop: Workshop, base: str, publish: Publish, file: str
) -> None:
    publish(unique())
    folder = workshop.context("app")
    (folder / "build").mkdir()
    (folder / file).write_text(f"FROM {base}\nCOPY . /app\nRUN ls /app\n")
    (folder / f"{file}.dockerignore").write_text("hidden\n")
    (folder / ".dockerignore").write_text("seen\n")
    for name in ("hidden", "seen"):
        (folder / f"{name}.txt").write_text(name)
        (folder / name).write_text(name)
    done = workshop.call("build", "app", "-f", file, "--no-cache")
    assert done.returncode == 0, done.stderr
    listed = {line.split()[-1] for line in done.stdout.splitlines() if line.startswith("build")}
    assert "seen" in listed
    assert "hidden" not in listed


# --------------------------------------------------------------------- rerun
def test_a_rerun_takes_commit_and_base_of_the_old_run_though_both_moved(
    workshop: Workshop, base: str, publish: Publish, tmp_path: Path
) -> None:
    first, word = publish(unique()), unique()
    lines = f"FROM {base}\nARG WHO\nCOPY . /app\nRUN echo is-$(cat /app/version)-$WHO\n"
    files = {"api/Dockerfile": lines, "api/version": word}
    work, commit = make_repository(tmp_path / "repositories", "app", files)
    with serve_git(tmp_path / "repositories") as server:
        allow_http(workshop, server)
        name = unique()
        old = workshop.call(
            "build", f"{server.url}/app.git#trunk:api", "--build-arg", "WHO={{.Run.Branch}}",
            "-t", f"{name}:{{{{.Run.ID}}}}",
        )  # fmt: skip
        assert old.returncode == 0, old.stderr
        before = workshop.last()
        add_commit(work, {"api/version": unique()}, "moved")
        git(work, "push", "--quiet", "origin", "trunk")
        assert publish(unique()) != first
        done = workshop.call("rerun", before["id"])
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert f"is-{word}-trunk" in old.stdout
    # The same inputs are found in the cache; others would have been built.
    assert re.search("CACHED|Using cache", done.stdout)
    after = workshop.last()
    assert after["rerunOf"] == before["id"] != after["id"]
    assert (after["commit"], after["branch"]) == (commit, "trunk")
    assert [item["digest"] for item in after["bases"]] == [first]
    assert after["outputs"][0]["reference"] == f"{workshop.registry}/{name}:{after['id']}"


def test_a_rerun_says_what_it_cannot_pin(workshop: Workshop) -> None:
    workshop.context("app")
    workshop.call("build", "app")
    done = workshop.call("rerun", workshop.last()["id"])
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stderr.split())
    assert "the folder app: it was in no Git repository" in said
    assert f"the base {workshop.base}: it has no digest" in said


def test_a_rerun_of_a_clean_folder_at_the_same_commit_is_pinned(
    workshop: Workshop, base: str, publish: Publish
) -> None:
    publish(unique())
    folder = workshop.context("app")
    (folder / "Dockerfile").write_text(f"FROM {base}\n")
    git(folder, "init", "--quiet")
    add_commit(folder, {"data": "one"}, "first")
    workshop.call("build", "app")
    run_id = workshop.last()["id"]
    assert workshop.call("rerun", run_id).stderr == ""
    (folder / "data").write_text("two")
    assert "with changes" in " ".join(workshop.call("rerun", run_id).stderr.split())


def task_of(workshop: Workshop, image: str, command: str) -> str:
    """A task file of one step that has the image say something; its name in the context `app`."""
    folder = workshop.context("app")
    (folder / "task.yaml").write_text(
        f"version: v1.1.0\nsteps: [{{id: say, cmd: {image} {command}}}]\n"
    )
    return "task.yaml"


def test_a_rerun_takes_the_image_that_a_step_started_from_though_its_tag_moved(
    workshop: Workshop, base: str, publish: Publish
) -> None:
    word = unique()
    first = publish(word)
    done = workshop.call("run", "-f", task_of(workshop, base, "cat /base"), "app")
    assert f"say      | {word}" in done.stdout, done.stdout + done.stderr
    assert re.search(
        rf"^images   {re.escape(base)}@sha256:{first[7:19]}$", done.stdout, re.MULTILINE
    )
    before = workshop.last()
    assert before["bases"] == [{**before["bases"][0], "role": "step", "digest": first}]
    newer = unique()
    second = publish(newer)
    again = workshop.call("rerun", before["id"])
    assert f"say      | {word}" in again.stdout
    assert "images" not in again.stderr
    assert workshop.last()["bases"][0]["digest"] == first
    # Without a pin a step starts from what its registry serves now, not from the engine's copy.
    fresh = workshop.call("run", "-f", "task.yaml", "app")
    assert f"say      | {newer}" in fresh.stdout
    assert workshop.last()["bases"][0]["digest"] == second


def test_a_rerun_takes_a_steps_local_image_by_its_id(
    workshop: Workshop, engine: docker.DockerClient, tmp_path: Path
) -> None:
    name, made = f"{unique()}:1", []
    for word in ("one", "two"):
        lines = f"FROM {workshop.base}\nRUN echo {word} > /word # {name}\n"
        (tmp_path / "Dockerfile").write_text(lines)
        image, _ = engine.images.build(path=str(tmp_path), tag=name, rm=True)
        made.append(str(image.id))
        if word == "one":
            done = workshop.call("run", "-f", task_of(workshop, name, "cat /word"), "app")
            assert "say      | one" in done.stdout, done.stderr
            old = workshop.last()
    again = workshop.call("rerun", old["id"])
    assert "say      | one" in again.stdout
    assert f"the image {name}: it has no digest" in " ".join(again.stderr.split())
    assert [base["imageId"] for base in workshop.last()["bases"]] == made[:1]
    for image_id in made:
        engine.images.remove(image_id, force=True)
    gone = workshop.call("rerun", old["id"])
    assert gone.returncode == 4
    assert f'the image {name} of step "say" cannot be pulled' in " ".join(gone.stderr.split())
