"""The files that run the daemon are what their readers accept, and start what there is."""

from __future__ import annotations

import configparser
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.cli.daemon import serve

ROOT = Path(__file__).parents[2]
DAEMON = ROOT / "examples" / "daemon"


def service() -> dict[str, str]:
    found = configparser.ConfigParser(strict=False, interpolation=None)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read(DAEMON / "reconciler.service")
    return dict(found["Service"])


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DAEMON / "compose.yaml").read_text())["services"]
    return found["daemon"]  # type: ignore[no-any-return]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    text = (DAEMON / "reconciler.service").read_text()
    # What is there on a machine that runs it.
    command = shutil.which("true")
    for word, there in (("/usr/local/bin/reconciler", command), ("=reconciler\n", "=root\n")):
        assert word in text
        text = text.replace(word, str(there))
    unit = tmp_path / "reconciler.service"

    def verify(content: str) -> str:
        unit.write_text(content)
        words = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    assert "reconciler.service" not in verify(text)
    assert "reconciler.service" in verify(text.replace("KillMode", "KilMode"))


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="needs docker-compose")
def test_compose_accepts_the_file_also_in_its_first_version(tmp_path: Path) -> None:
    folder = shutil.copytree(DAEMON, tmp_path / "daemon")
    (folder / "daemon.env").write_text("HOOK_SECRET=planted\n")

    def config(workspace: str) -> subprocess.CompletedProcess[str]:
        (folder / ".env").write_text(workspace)
        words = ["docker-compose", "--file", "compose.yaml", "config"]
        return subprocess.run(words, capture_output=True, text=True, check=False, cwd=folder)

    read = config("WORKSPACE=/srv/reconciler\n")
    assert (read.returncode, read.stderr) == (0, "")
    assert "/srv/reconciler:/workspace" in read.stdout
    assert "the folder with reconciler.yaml" in config("").stderr


@pytest.mark.parametrize("words", [service()["ExecStart"].split()[1:], compose()["command"]])
def test_they_start_the_daemon_with_options_it_has(words: list[str]) -> None:
    options = {name for each in serve.params for name in each.opts}
    assert words[0] == "serve"
    assert {word for word in words if word.startswith("--")} <= options


def test_nobody_is_killed_before_the_runs_have_had_their_time() -> None:
    drain = int(service()["ExecStart"].rpartition("--drain ")[2])
    assert int(service()["TimeoutStopSec"]) >= drain + 60
    minutes = int(compose()["stop_grace_period"].removesuffix("m"))
    assert minutes * 60 >= int(compose()["command"][-1]) + 60


def test_the_port_of_the_container_is_published_on_this_machine_only() -> None:
    assert all(port.startswith("127.0.0.1:") for port in compose()["ports"])
    check = compose()["healthcheck"]["test"]
    compile(check[-1], "healthcheck", "exec")
