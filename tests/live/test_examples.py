"""The examples that need an engine do what their READMEs say."""

from __future__ import annotations

import re
from pathlib import Path

import docker
import httpx
import pytest

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
