"""The examples that need an engine do what their READMEs say."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import docker
import httpx
import pytest

from reconciler.adapters.web.registry import served_digest
from reconciler.cli.main import run
from tests.live.workshop import Workshop
from tests.vaults import ACCESS_TOKEN, CLIENT_ID, Vaults, serve_vaults

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_01_a_folder_becomes_an_image_in_the_registry(
    engine: docker.DockerClient,
    registry: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(EXAMPLES / "01-quick-build")
    assert run(["build", "app", "-r", registry, "-t", "hello:{{.Run.ID}}"]) == 0
    shown = capsys.readouterr().out
    found = re.search(r"push +\| hello:(\S+) +(sha256:[0-9a-f]{64})", shown)
    assert found is not None
    answer = httpx.head(
        f"http://{registry}/v2/hello/manifests/{found[1]}",
        headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"},
    )
    assert answer.headers["Docker-Content-Digest"] == found[2]
    assert run(["runs"]) == 0
    assert run(["logs", found[1]]) == 0
    assert "COPY hello.txt" in capsys.readouterr().out
    engine.images.remove(f"{registry}/hello:{found[1]}", force=True)


def test_01_without_a_name_nothing_is_pushed(
    engine: docker.DockerClient,
    registry: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(EXAMPLES / "01-quick-build")
    assert run(["build", "app"]) == 0
    assert "nothing was pushed" in " ".join(capsys.readouterr().out.split())


def test_03_a_task_file_tests_builds_and_pushes(
    engine: docker.DockerClient,
    registry: str,
    base_image: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(EXAMPLES / "03-multi-step")
    words = ["-r", registry, "--set", f"base={base_image}"]
    assert run(["run", "-f", "task.yaml", "app", *words]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"^try +\| tested$", shown, re.MULTILINE)
    assert re.search(r"lint  failed-ignored", shown)
    found = re.search(r"push +\| greeting:(\S+) +(sha256:[0-9a-f]{64})", shown)
    assert found is not None
    engine.images.remove(f"{registry}/greeting:{found[1]}", force=True)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The app of a copy of example 06, which lies beside nothing else."""
    folder = tmp_path / "example"
    shutil.copytree(EXAMPLES / "06-build-test-package", folder)
    monkeypatch.chdir(folder)
    return folder / "app"


def test_06_what_fails_its_tests_is_not_published(
    engine: docker.DockerClient,
    registry: str,
    base_image: str,
    package: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["run", "-f", "task.yaml", "app", "-r", registry, "--set", f"base={base_image}"]
    name = "shop-package"
    assert served_digest(registry, name, "stable") is None

    assert run([*words, "--set", "expected=1.0"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"^test +\| the app answers 1.0, wanted is 1.0$", shown, re.MULTILINE)
    first = served_digest(registry, name, "stable")
    assert first is not None
    assert first in shown

    (package / "www" / "version.txt").write_text("2.0\n")
    assert run([*words, "--set", "expected=1.0"]) == 4
    told = capsys.readouterr()
    assert re.search(r"^test +\| the app answers 2.0, wanted is 1.0$", told.out, re.MULTILINE)
    assert "not run: archive, pack, push" in told.err
    assert served_digest(registry, name, "stable") == first

    assert run([*words, "--set", "expected=2.0"]) == 0
    assert served_digest(registry, name, "stable") not in {first, None}
    assert not engine.containers.list(all=True, filters={"label": "io.reconciler.step=app"})
    for image in engine.images.list(filters={"reference": f"{registry}/shop*"}):
        engine.images.remove(str(image.id), force=True)


# -------------------------------------------------------------------- example 05
SEARCH_KEY, GIT_TOKEN = "pl4nted-s3arch-key", "pl4nted-g1t-token"


@pytest.fixture
def search(
    tmp_path: Path, registry: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Workshop, Vaults]]:
    """A copy of example 05, whose vault and identity are stand-ins; the files stay as they are."""
    folder = tmp_path / "search"
    shutil.copytree(EXAMPLES / "05-search-index", folder)
    config = folder / "reconciler.yaml"
    config.write_text(config.read_text().replace("127.0.0.1:5000", registry))
    with serve_vaults(tmp_path / "vaults") as vaults:
        vaults.secrets |= {"search-admin-key": SEARCH_KEY, "git-token": GIT_TOKEN}
        yield Workshop(folder, registry, "", dict(vaults.environment)), vaults


def test_05_both_tasks_run_with_a_key_that_only_the_vault_has(
    search: tuple[Workshop, Vaults], base_image: str, engine: docker.DockerClient
) -> None:
    workshop, vaults = search
    assert workshop.call("validate").returncode == 0
    applied = workshop.call("apply", "--auto-approve")
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert vaults.asked_key_vault == []  # nothing is read before a run
    for task, documents in {
        "search-rebuild": ["news.txt: took 6 words", "old-handbook.txt: took 10 words"],
        "search-refresh": ["news.txt: took 6 words"],
    }.items():
        done = workshop.call("run", task)
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.findall(r"^index +\| (.*)$", done.stdout, re.MULTILINE) == documents
        assert SEARCH_KEY not in done.stdout + done.stderr
    assert {one.query["client_id"] for one in vaults.asked_identity} == {CLIENT_ID}
    # The token is for the trigger: no run of a person needs it.
    names = {one.path.rstrip("/") for one in vaults.asked_key_vault}
    assert names == {"/secrets/search-admin-key"}
    stored = b"".join(path.read_bytes() for path in workshop.root.rglob("*") if path.is_file())
    assert SEARCH_KEY.encode() not in stored
    for image in engine.images.list(filters={"reference": f"{workshop.registry}/search-indexer"}):
        engine.images.remove(str(image.id), force=True)


def test_05_a_denial_ends_the_run_before_its_first_step(
    search: tuple[Workshop, Vaults], base_image: str
) -> None:
    workshop, vaults = search
    vaults.denied.add("search-admin-key")
    assert workshop.call("apply", "--auto-approve").returncode == 0
    for words in (["run", "search-rebuild"], ["--debug", "run", "search-rebuild"]):
        done = workshop.call(*words)
        assert done.returncode == 4, done.stdout + done.stderr
        told = " ".join((done.stdout + done.stderr).split())
        assert f"denies the identity {CLIENT_ID} secret search-admin-key" in told
        assert "Traceback" not in told
        assert ACCESS_TOKEN not in told
        record = workshop.last()
        assert (record["reason"], record["steps"]) == ("secret-denied", [])
