"""The examples that need an engine do what their READMEs say."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import docker
import httpx
import pytest

from reconciler.adapters.registry import served_digest
from reconciler.cli.main import run

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
