"""What the build steps of a task file build from, and with which builder, on the real engine."""

from __future__ import annotations

import base64
import gzip
import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.git_server import GitServer, make_repository, serve_git
from tests.live.hostile.places import Answer, page, serving
from tests.live.hostile.registries import layer, push
from tests.live.hostile.tars import packed
from tests.live.test_git_contexts import allow_http
from tests.live.test_steps import run, statuses, task
from tests.live.workshop import Workshop


@pytest.fixture
def server(tmp_path: Path, base_image: str, workshop: Workshop) -> Iterator[GitServer]:
    """A server of one public repository, which the workspace may use by plain http."""
    root = tmp_path / "repositories"
    files = {
        "Dockerfile": f"FROM {base_image}\nCOPY api/version /version\n",
        "api/Dockerfile": f"FROM {base_image}\nCOPY version /version\n",
        "api/Own": f"FROM {base_image}\nCOPY *version *api/version /\n",
        "api/version": "from the repository\n",
    }
    make_repository(root, "lib", files)
    with serve_git(root) as found:
        allow_http(workshop, found)
        yield found


def image_name() -> str:
    return f"step-{uuid.uuid4().hex[:8]}:1"


@pytest.mark.parametrize(
    "words",
    ["{url}#trunk:api", "{url}", "-f api/Own {url}#trunk", "-f Own {url}#trunk:api"],
)
def test_a_step_builds_a_repository_of_its_own(
    workshop: Workshop, server: GitServer, words: str
) -> None:
    image = image_name()
    url = f"{server.url}/lib.git"
    steps = [
        {"cmd": "sh -c 'echo changed > mine'"},
        {"id": "made", "build": f"-t {image} {words.format(url=url)}"},
    ]
    name = task(workshop, *steps)
    file = workshop.root / "ctx" / name
    file.write_text(file.read_text() + f"- cmd: {image} cat /version\n")
    done = workshop.call("run", "-f", name, "ctx")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "from the repository" in done.stdout
    assert f"fetched {url}#trunk at " in done.stdout


def test_two_steps_fetch_at_the_same_time(workshop: Workshop, server: GitServer) -> None:
    url = f"{server.url}/lib.git"
    one, two = ({"id": name, "build": f"{url}#trunk:api", "when": ["-"]} for name in ("a", "b"))
    assert run(workshop, one, two).returncode == 0
    assert statuses(workshop) == {"a": "succeeded", "b": "succeeded"}


def test_a_repository_that_is_not_there_fails_its_step(
    workshop: Workshop, server: GitServer
) -> None:
    url = f"{server.url}/none.git"
    done = run(workshop, {"id": "a", "build": url, "ignoreErrors": True}, {"cmd": "true"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert statuses(workshop) == {"a": "failed-ignored", "acb_step_1": "succeeded"}


def test_what_is_not_done_is_refused_by_line_before_any_step(workshop: Workshop) -> None:
    steps = [{"cmd": "echo begun"}, {"id": "b", "build": "-"}]
    said = "no context from standard input"
    done = run(workshop, *steps)
    assert done.returncode == 4
    assert said in done.stdout + done.stderr
    assert "begun" not in done.stdout
    name = task(workshop, *steps)
    lax = workshop.call("run", "-f", name, "--compat", "acb", "ctx")
    assert (lax.returncode, said in lax.stdout + lax.stderr) == (4, True)
    assert "begun" not in lax.stdout


# -------------------------------------------------------- archives and artifacts
def files_of(base: str) -> bytes:
    version = f"from afar {uuid.uuid4()}\n"  # never in the layer cache of the engine
    dockerfile = f"FROM {base}\nCOPY sub/version /version\nRUN cat /version\n"
    return packed({"Dockerfile": dockerfile.encode(), "sub/version": version.encode()})


@pytest.fixture
def archive(workshop: Workshop, base_image: str) -> Iterator[str]:
    """The address of a tar on a server of a declared host."""
    data = gzip.compress(files_of(base_image))
    with serving(lambda _path: page(data)) as files:
        with (workshop.root / "reconciler.yaml").open("a") as file:
            file.write(f'hosts: {{"{files.host}": {{insecure: true}}}}\n')
        yield f"{files.url}/source.tar.gz"


@pytest.fixture
def artifact(workshop: Workshop, registry: str, base_image: str) -> str:
    """The address of an artifact in the registry."""
    data = files_of(base_image)
    push(registry, "contexts/app", "1", [(layer(data), data)])
    with (workshop.root / "reconciler.yaml").open("a") as file:
        file.write(f'hosts: {{"{registry}": {{insecure: true}}}}\n')
    return f"oci://{registry}/contexts/app:1"


@pytest.mark.parametrize("kind", ["archive", "artifact"])
def test_an_archive_and_an_artifact_are_built(
    kind: str, workshop: Workshop, request: pytest.FixtureRequest
) -> None:
    source = request.getfixturevalue(kind)
    done = workshop.call("build", "--no-push", "-t", image_name(), source)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "from afar" in done.stdout
    assert "note: downloaded" in done.stdout
    assert workshop.last()["contextFiles"] == 2
    assert not list((workshop.root / ".reconciler" / "work").glob("*"))


@pytest.mark.parametrize("kind", ["archive", "artifact"])
def test_a_step_builds_one_of_its_own(
    kind: str, workshop: Workshop, request: pytest.FixtureRequest
) -> None:
    source = request.getfixturevalue(kind)
    done = run(workshop, {"cmd": "sh -c 'echo mine > version'"}, {"id": "b", "build": source})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "from afar" in done.stdout
    assert "at None" not in done.stdout


def test_a_host_that_is_not_declared_is_told_with_what_would_allow_it(workshop: Workshop) -> None:
    with serving(lambda _path: page(b"internal")) as files:
        done = workshop.call("build", "--no-push", "-t", image_name(), f"{files.url}/source.tar.gz")
        assert files.requests == []
    assert done.returncode == 4
    assert "insecure: true" in " ".join(done.stderr.split())


@pytest.mark.parametrize("way", ["build", "steps"])
def test_a_registry_that_repeats_a_login_does_not_show_it(way: str, workshop: Workshop) -> None:
    pair = base64.b64encode(b"builder:planted-password").decode()

    def answers(_path: str) -> Answer:
        given = host.requests[-1][2]
        if not given:
            return page(b"", 401, WWW_Authenticate='Basic realm="x"')
        secret = base64.b64decode(given.removeprefix("Basic ")).decode()
        return page(f"no {given} {secret}".encode(), 403)

    with serving(answers) as host:
        with (workshop.root / "reconciler.yaml").open("a") as file:
            file.write(f'hosts: {{"{host.host}": {{insecure: true}}}}\n')
        (workshop.root / "docker").mkdir()
        logins = {"auths": {host.host: {"auth": pair}}}
        (workshop.root / "docker" / "config.json").write_text(json.dumps(logins))
        workshop.environment["DOCKER_CONFIG"] = str(workshop.root / "docker")
        source = f"oci://{host.host}/x:1"
        if way == "build":
            done = workshop.call("build", "--no-push", source)
        else:
            done = run(workshop, {"id": "b", "build": source})
        assert host.requests[-1][2] == f"Basic {pair}"
    assert done.returncode == 4
    told = done.stdout + done.stderr + json.dumps(workshop.last())
    assert "answers 403" in told
    assert "planted-password" not in told
    assert pair not in told


@pytest.mark.parametrize("way", ["build", "steps"])
def test_a_large_context_names_its_largest_paths(way: str, workshop: Workshop) -> None:
    folder = workshop.context("ctx", "RUN echo built")
    (folder / "data").mkdir()
    (folder / "data" / "dump.sql").write_bytes(bytes(300_000))
    (folder / "left-out").write_bytes(bytes(900_000))
    (folder / ".dockerignore").write_text("left-out\n")
    name = task(workshop, {"cmd": "true"})
    words = ["build", "--no-push", "-t", image_name(), "ctx"] if way == "build" else []
    words = words or ["run", "-f", name, "ctx"]
    assert "warning: the context" not in workshop.call(*words).stdout
    with (workshop.root / "reconciler.yaml").open("a") as file:
        file.write("contexts: {warnAbove: 200 kB}\n")
    done = workshop.call(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    told = " ".join(done.stdout.split())
    assert "warning: the context has 0.3 MB in" in told
    assert "data/dump.sql 0.3 MB" in told
    assert "left-out" not in told


@pytest.mark.parametrize("size", ["100", "1 TB", "-1 MB", "many"])
def test_a_size_that_is_none_is_told(size: str, workshop: Workshop) -> None:
    with (workshop.root / "reconciler.yaml").open("a") as file:
        file.write(f"contexts: {{warnAbove: {size}}}\n")
    done = workshop.call("validate")
    assert done.returncode != 0
    assert "reconciler.yaml" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("environment", "builders"),
    [(["DOCKER_BUILDKIT=0"], {"classic"}), ([], {"buildkit", "classic"})],
)
def test_docker_buildkit_0_is_the_classic_builder(
    workshop: Workshop, environment: list[str], builders: set[str]
) -> None:
    workshop.context("ctx", "RUN echo built")
    name = task(workshop, {"id": "b", "build": ".", "env": environment})
    (workshop.root / "ctx" / "Dockerfile").write_text(f"FROM {workshop.base}\nRUN echo built\n")
    done = workshop.call("run", "-f", name, "ctx")
    assert done.returncode == 0, done.stdout + done.stderr
    assert workshop.last()["builder"] in builders
    if environment:
        # The words of the classic builder; BuildKit numbers its stages.
        assert "Step 1/" in done.stdout
