"""What is asked of the real engine, and how often."""

from __future__ import annotations

import os
from pathlib import Path

import docker
import pytest

from reconciler.adapters.docker.engine import open_engine
from reconciler.base.clock import utc_now
from reconciler.model.choice import Needs
from reconciler.operations.running.building import Wanted, open_builder
from reconciler.operations.running.run_place import RunPlace
from reconciler.store.database import open_database

ENVIRONMENT = dict(os.environ)


def test_the_version_is_asked_once_for_all_connections(
    engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    ask = docker.APIClient.version

    def counted(client: docker.APIClient, api_version: bool = True) -> object:
        asked.append(client.base_url)
        return ask(client, api_version)

    monkeypatch.setattr(docker.APIClient, "version", counted)
    opened = open_engine(None, ENVIRONMENT)
    further = opened.client(timeout=5)
    assert further.ping()
    assert further.api_version == engine.api.api_version
    assert len(asked) == 1
    further.close()
    opened.close()


def test_a_builder_is_looked_for_when_something_is_built(
    engine: docker.DockerClient, tmp_path: Path
) -> None:
    assert engine.ping()
    client, asked = tmp_path / "docker", tmp_path / "asked"
    client.write_text(f"#!/bin/sh\necho $1 >> {asked}\nexit 1\n")
    client.chmod(0o755)
    database = open_database("sqlite:///state.db", tmp_path)
    environment = {**ENVIRONMENT, "PATH": str(tmp_path)}
    place = RunPlace(database, tmp_path / "logs", environment, utc_now, "dev@contoso.example")
    wanted = Wanted(place, "linux/amd64", Needs(engine=True), tmp_path, print)
    _, builder = open_builder(wanted, lambda: None)
    assert not asked.exists()
    assert builder.name in {"buildkit", "classic"}
    assert builder.name
    assert asked.read_text().count("buildx") == 1
    database.close()
