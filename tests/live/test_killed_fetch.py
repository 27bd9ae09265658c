"""The command is killed while it fetches: git, which holds the token, does not go on for long."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.git_server import make_repository, serve_git
from tests.live.trouble import Stall, within
from tests.live.workshop import Workshop


@pytest.fixture
def stall(workshop: Workshop, tmp_path: Path) -> Iterator[Stall]:
    """A server with `app.git` that never answers a fetch; the workspace may use it."""
    make_repository(tmp_path / "repositories", "app", {"Dockerfile": f"FROM {workshop.base}\n"})
    with (
        serve_git(tmp_path / "repositories") as server,
        Stall(server.host, b"POST /app.git/git-upload-pack") as stalled,
    ):
        with (workshop.root / "reconciler.yaml").open("a") as file:
            file.write(f'hosts: {{"{stalled.address}": {{insecure: true}}}}\n')
        yield stalled


def kill_while_fetching(workshop: Workshop, stall: Stall) -> None:
    process = workshop.start("build", f"http://{stall.address}/app.git#trunk", "-t", "never")
    assert stall.reached.wait(60)
    assert programs_with(stall.address, "git-remote-http")
    process.kill()
    process.communicate()


def programs_with(*words: str) -> list[str]:
    """The command lines that hold all these words."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except OSError:
            continue
    return [line for line in lines if all(word in line for word in words)]


def test_git_and_all_it_started_end_with_the_command(workshop: Workshop, stall: Stall) -> None:
    kill_while_fetching(workshop, stall)
    assert within(5, lambda: programs_with(stall.address) == []), programs_with(stall.address)


def test_without_setpriv_the_next_command_that_sees_the_lost_run_ends_it(
    workshop: Workshop, stall: Stall, tmp_path: Path
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("git", "sh"):
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    workshop.environment["PATH"] = str(programs)
    kill_while_fetching(workshop, stall)
    assert programs_with(stall.address, "git-remote-http"), "nothing was left to end"
    workshop.environment["PATH"] = os.environ["PATH"]
    assert workshop.last()["reason"] == "lost"
    assert within(5, lambda: programs_with(stall.address) == []), programs_with(stall.address)
