"""The door and a repository that hostile rows start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.git_server import GitServer, make_repository, serve_git
from tests.live.hostile.places import Door


@pytest.fixture
def door(tmp_path: Path) -> Door:
    place = tmp_path / "door"
    place.mkdir()
    return Door(place)


@pytest.fixture
def repositories(tmp_path: Path) -> Path:
    """The folder of all repositories; `app-work` is a clone that pushes to `app.git`."""
    root = tmp_path / "repositories"
    make_repository(root, "app", {"api/Dockerfile": "FROM scratch\n", "other": "x"})
    return root


@pytest.fixture
def server(repositories: Path, door: Door) -> Iterator[GitServer]:
    with serve_git(repositories) as running:
        door.declared.add(running.host)
        yield running
