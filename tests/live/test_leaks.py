"""A planted secret, given in each way there is, is nowhere afterwards; the hunter finds leaks."""

from __future__ import annotations

import base64
import sqlite3
import subprocess
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml

from tests.live.git_server import make_repository, serve_git
from tests.live.leak_hunter import Hunter
from tests.live.workshop import Workshop
from tests.vaults import ACCESS_TOKEN, CLIENT_ID, KEY_VAULT, VAULT_TOKEN, Vaults, serve_vaults

URL = f"https://{KEY_VAULT}/secrets/planted"
AZURE = f"azurekv:{URL}?clientID={CLIENT_ID}"
USE = "echo begun $TOK; echo $TOK | base64; sleep 1"


@dataclass
class Ground:
    """What a way of giving a secret is set up on, and the task that is made of it."""

    workshop: Workshop
    vaults: Vaults
    value: str
    outside: Path
    name: str = field(default_factory=lambda: f"leak-{uuid.uuid4().hex[:8]}")
    images: list[str] = field(default_factory=list)

    def task_file(self, **more: Any) -> None:
        """A task file whose first step uses the secret; then an image is built and pushed."""
        image = f"{{{{.Run.Registry}}}}/{self.name}:1"
        use = {"id": "use", "cmd": f"{self.workshop.base} sh -c '{USE}'", "env": ["TOK=@"]}
        use |= more.pop("use", {})
        steps = [use, {"id": "make", "build": f"-t {image} ."}, {"id": "push", "push": [image]}]
        document = {"version": "v1.1.0", "steps": steps, **more}
        text = yaml.safe_dump(document, width=1000).replace("$TOK", "$$TOK")
        text = text.replace("TOK=@", "TOK={{.Values.tok}}")
        (self.workshop.context("ctx", "RUN echo made") / "task.yaml").write_text(text)
        self.images.append(f"{self.workshop.registry}/{self.name}:1")

    def given(self, reference: str) -> dict[str, Any]:
        """A spec that gives the secret as a value of the task file."""
        file = {"path": "task.yaml", "setSecret": {"tok": reference}, "repositories": ["leak-*"]}
        return {"context": {"source": "ctx"}, "step": {"file": file}}

    def docker(self, **more: Any) -> dict[str, Any]:
        """A spec of a build."""
        self.images.append(f"{self.workshop.registry}/{self.name}:1")
        return {
            "context": {"source": "ctx"},
            "step": {"docker": {"images": [f"{self.name}:1"], **more}},
        }


@pytest.fixture
def ground(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    outside = tmp_path_factory.mktemp("outside")
    with serve_vaults(outside / "vaults") as vaults:
        value = f"pl4nted/{uuid.uuid4().hex}+v"
        vaults.secrets["planted"] = value
        vaults.fields["kv/web"] = {"tok": value}
        workshop.environment |= vaults.environment
        yield Ground(workshop, vaults, value, outside)


# ------------------------------------------------------------------- the ways
def by_env(ground: Ground, _stack: ExitStack, _more: Any) -> dict[str, Any]:
    ground.workshop.environment["PLANTED"] = ground.value
    ground.task_file()
    return ground.given("env:PLANTED")


def by_file(ground: Ground, _stack: ExitStack, _more: Any) -> dict[str, Any]:
    path = ground.outside / "planted"
    path.write_text(ground.value + "\n")
    ground.task_file()
    return ground.given(f"file:{path}")


def by_key_vault(ground: Ground, _stack: ExitStack, _more: Any) -> dict[str, Any]:
    ground.task_file()
    return ground.given(AZURE)


def by_vault(ground: Ground, _stack: ExitStack, _more: Any) -> dict[str, Any]:
    ground.task_file()
    return ground.given("vault:kv/web#tok")


def by_task_file(ground: Ground, _stack: ExitStack, _more: Any) -> dict[str, Any]:
    ground.task_file(
        use={"env": ["TOK={{.Secrets.planted}}"]},
        secrets=[{"id": "planted", "keyvault": URL, "clientID": CLIENT_ID}],
    )
    spec = ground.given(AZURE)
    del spec["step"]["file"]["setSecret"]
    return spec


def by_volume(ground: Ground, _stack: ExitStack, _more: Any) -> dict[str, Any]:
    look = USE.replace("$TOK", "$(cat /keys/k)")
    ground.task_file(
        use={
            "cmd": f"{ground.workshop.base} sh -c '{look}'",
            "env": [],
            "volumeMounts": [{"name": "keys", "mountPath": "/keys"}],
        },
        volumes=[{"name": "keys", "secret": {"k": "{{ .Values.tok | b64enc }}"}}],
    )
    return ground.given(AZURE)


def by_build_mount(ground: Ground, _stack: ExitStack, _more: Any) -> dict[str, Any]:
    look = USE.replace("$TOK", "$(cat /run/secrets/TOK)")
    ground.workshop.context("ctx", f"RUN --mount=type=secret,id=TOK {look}; : {uuid.uuid4().hex}")
    return ground.docker(secrets={"TOK": AZURE}, noCache=True)


def by_registry_password(ground: Ground, _stack: ExitStack, more: Any) -> dict[str, Any]:
    ground.value = ground.vaults.secrets["planted"] = more.password
    ground.workshop.environment["REGISTRY_USER"] = more.username
    ground.workshop.context("ctx", "RUN sleep 1")
    spec = ground.docker(noCache=True)
    image = f"{more.address}/{ground.name}:1"
    ground.images[:] = [image]
    spec["step"]["docker"]["images"] = [image]
    login = {"username": {"secret": "env:REGISTRY_USER"}, "password": {"secret": AZURE}}
    return {**spec, "credentials": {"registries": {more.address: login}}}


def by_source_token(ground: Ground, stack: ExitStack, _more: Any) -> dict[str, Any]:
    files = {"Dockerfile": f"FROM {ground.workshop.base}\nRUN echo {ground.name}\n"}
    make_repository(ground.outside / "repositories", "app", files)
    options = {"username": "x-access-token", "password": ground.value}
    server = stack.enter_context(serve_git(ground.outside / "repositories", **options))
    with (ground.workshop.root / "reconciler.yaml").open("a") as file:
        file.write(f'hosts: {{"{server.host}": {{insecure: true}}}}\n')
    token = {"secret": AZURE}
    return {**ground.docker(), "context": {"source": f"{server.url}/app.git", "token": token}}


WAYS: dict[str, Callable[[Ground, ExitStack, Any], dict[str, Any]]] = {
    "env": by_env,
    "file": by_file,
    "azurekv": by_key_vault,
    "vault": by_vault,
    "secrets of a task file": by_task_file,
    "secret volume": by_volume,
    "build mount": by_build_mount,
    "registry password": by_registry_password,
    "source token": by_source_token,
}
OF_THE_VAULT = sorted(WAYS.keys() - {"env", "file", "vault"})


@pytest.mark.parametrize("way", WAYS)
def test_a_planted_secret_is_nowhere(
    way: str, ground: Ground, engine: docker.DockerClient, registry_htpasswd: Any
) -> None:
    workshop = ground.workshop
    with ExitStack() as stack:
        write_task(ground, WAYS[way](ground, stack, registry_htpasswd))
        hunter = stack.enter_context(Hunter(ground.value))
        for words in PLANNING:
            done = call(hunter, workshop, *words)
            assert done.returncode == 0, done.stdout + done.stderr
        done = call(hunter, workshop, "--debug", "run", ground.name)
        assert done.returncode == 0, done.stdout + done.stderr
        if way not in {"registry password", "source token"}:
            assert "begun ***" in done.stdout  # it was there
        record = workshop.last()
        call(hunter, workshop, "logs", record["id"])
        call(hunter, workshop, "runs", "-o", "json")
        assert hunter.looks > 10
        assert hunter.places(workshop.root, engine, *ground.images) == []
    for image in ground.images:
        engine.images.remove(image, force=True)


@pytest.mark.parametrize("way", [*OF_THE_VAULT, "vault"])
def test_a_run_that_is_denied_a_secret_says_neither_it_nor_a_token(
    way: str, ground: Ground, engine: docker.DockerClient, registry_htpasswd: Any
) -> None:
    workshop, vaults = ground.workshop, ground.vaults
    with ExitStack() as stack:
        write_task(ground, WAYS[way](ground, stack, registry_htpasswd))
        # It repeats what it must not, as a vault that is not one may.
        error = {"code": ground.value, "message": f"{ground.value} {VAULT_TOKEN}"}
        vaults.fault = (403, {"error": error, "errors": [ground.value, VAULT_TOKEN]})
        hunters = [Hunter(value) for value in (ground.value, ACCESS_TOKEN, VAULT_TOKEN)]
        stack.enter_context(hunters[0])
        done = call(hunters[0], workshop, "apply", "--auto-approve")
        assert done.returncode == 0, done.stdout + done.stderr
        done = call(hunters[0], workshop, "--debug", "run", ground.name)
        assert done.returncode == 4, done.stdout + done.stderr
        told = " ".join(done.stderr.split())
        assert "cannot be read" in told
        assert "denies the token of VAULT_TOKEN" in told if way == "vault" else CLIENT_ID in told
        record = workshop.last()
        assert record["reason"] == "secret-denied"
        assert {step["status"] for step in record["steps"]} <= {"skipped"}
        for hunter in hunters:
            hunter.hear(done.stdout, done.stderr)
            assert hunter.places(workshop.root, engine) == []


PLANNING = (
    ("plan", "-o", "json", "--out", "saved.plan"),
    ("apply", "saved.plan"),
)


def call(hunter: Hunter, workshop: Workshop, *words: str) -> subprocess.CompletedProcess[str]:
    done = workshop.call(*words)
    hunter.hear(done.stdout, done.stderr)
    return done


def write_task(ground: Ground, spec: dict[str, Any]) -> None:
    document = {
        "apiVersion": "reconciler/v1",
        "kind": "Task",
        "metadata": {"name": ground.name, "registry": "contoso"},
        "spec": spec,
    }
    folder = ground.workshop.root / "specs"
    folder.mkdir()
    (folder / "leak.yaml").write_text(yaml.safe_dump(document, width=1000))


# ----------------------------------------------------------------- the hunter
@dataclass
class Planting:
    """Where a leak is planted by hand."""

    value: str
    folder: Path
    hunter: Hunter
    engine: docker.DockerClient
    base: str
    stack: ExitStack
    images: list[str] = field(default_factory=list)

    def build(self, *lines: str, **more: Any) -> None:
        name = f"planted-{uuid.uuid4().hex[:8]}"
        context = self.folder.parent / "context"
        context.mkdir()
        (context / "Dockerfile").write_text("\n".join([f"FROM {self.base}", *lines, ""]))
        self.engine.images.build(path=str(context), tag=name, rm=True, **more)
        self.stack.callback(self.engine.images.remove, name, force=True)
        self.images.append(name)


def in_argv(planting: Planting) -> None:
    words = [sys.executable, "-c", "import time; time.sleep(0.5)", f"--token={planting.value}"]
    subprocess.run(words, check=True)


def in_output(planting: Planting) -> None:
    planting.hunter.hear(f"a line\nwith {planting.value}\n")


def in_exception(planting: Planting) -> None:
    try:
        int(planting.value)
    except ValueError:
        planting.hunter.hear(traceback.format_exc())


def in_log(planting: Planting) -> None:
    (planting.folder / "run.log").write_text(planting.value.encode().hex())


def in_plan(planting: Planting) -> None:
    encoded = base64.b64encode(f'{{"secret": "{planting.value}"}}'.encode()).decode()
    (planting.folder / "saved.plan").write_text(encoded)


def in_state(planting: Planting) -> None:
    with closing(sqlite3.connect(planting.folder / "state.db")) as database:
        database.execute("create table runs (record text)")
        database.execute("insert into runs values (?)", (planting.value,))
        database.commit()


def in_wal(planting: Planting) -> None:
    database = planting.stack.enter_context(closing(sqlite3.connect(planting.folder / "state.db")))
    database.execute("pragma journal_mode = wal")
    database.execute("create table runs (record text)")
    database.execute("insert into runs values (?)", (planting.value,))
    database.commit()


def in_name(planting: Planting) -> None:
    (planting.folder / planting.value.replace("/", "_")).touch()
    planting.hunter.value = planting.value.replace("/", "_")


def in_image_settings(planting: Planting) -> None:
    planting.build(f"ENV TOK={planting.value}")


def in_image_label(planting: Planting) -> None:
    planting.build(labels={"tok": planting.value})


def in_image_history(planting: Planting) -> None:
    planting.build("ARG TOK", "RUN echo made", buildargs={"TOK": planting.value})


def in_image_layer(planting: Planting) -> None:
    planting.build("ARG TOK", "RUN echo $TOK > /f", "RUN rm /f", buildargs={"TOK": planting.value})


PLACES: dict[Callable[[Planting], None], str] = {
    in_argv: "argv",
    in_output: "output",
    in_exception: "output",
    in_log: "file: run.log",
    in_plan: "file: saved.plan",
    in_state: "file: state.db",
    in_wal: "file: state.db-wal",
    in_name: "file: pl4nted_",
    in_image_settings: "image: settings",
    in_image_label: "image: settings",
    in_image_history: "image: history",
    in_image_layer: "image: layer",
}


@pytest.mark.parametrize("plant", PLACES, ids=lambda plant: plant.__name__)
def test_the_hunter_finds_a_leak_in_each_place(
    plant: Callable[[Planting], None],
    tmp_path: Path,
    engine: docker.DockerClient,
    base_image: str,
) -> None:
    value = f"pl4nted/{uuid.uuid4().hex}+v"
    folder = tmp_path / "workspace"
    folder.mkdir()
    with ExitStack() as stack:
        hunter = stack.enter_context(Hunter(value))
        planting = Planting(value, folder, hunter, engine, base_image, stack)
        assert hunter.places(folder, engine) == []
        plant(planting)
        time.sleep(0.1)
        found = hunter.places(folder, engine, *planting.images)
    assert [place for place in found if place.startswith(PLACES[plant])], found
