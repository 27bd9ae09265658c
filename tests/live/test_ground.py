"""The ground that live tests stand on holds: engine, base image, registries."""

from __future__ import annotations

import urllib.error
import urllib.request
import uuid
from typing import TYPE_CHECKING

import docker
import docker.errors
import pytest

if TYPE_CHECKING:
    from tests.live.conftest import SecuredRegistry


def pushed(engine: docker.DockerClient, image: str, name: str, auth: dict[str, str]) -> str:
    """What the engine says about pushing `image` as `name`; the tag is removed again."""
    engine.images.get(image).tag(name, "latest")
    try:
        return str(engine.images.push(name, "latest", auth_config=auth))
    finally:
        engine.images.remove(f"{name}:latest")


def test_a_container_of_the_base_image_has_a_shell(
    engine: docker.DockerClient, base_image: str
) -> None:
    printed = engine.containers.run(
        base_image, ["/bin/sh", "-c", "echo here"], remove=True, network_mode="none"
    )
    assert printed == b"here\n"


def test_what_is_pushed_is_in_the_registry(
    engine: docker.DockerClient, base_image: str, registry: str
) -> None:
    repository = f"ground-{uuid.uuid4().hex}"
    assert '"error"' not in pushed(engine, base_image, f"{registry}/{repository}", {})
    with urllib.request.urlopen(f"http://{registry}/v2/{repository}/tags/list") as answer:
        assert b'"latest"' in answer.read()


def test_the_secured_registry_refuses_strangers(registry_htpasswd: SecuredRegistry) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401") as refusal:
        urllib.request.urlopen(f"http://{registry_htpasswd.address}/v2/")
    refusal.value.close()


def test_the_secured_registry_lets_the_user_push(
    engine: docker.DockerClient, base_image: str, registry_htpasswd: SecuredRegistry
) -> None:
    name = f"{registry_htpasswd.address}/ground-{uuid.uuid4().hex}"
    login = {"username": registry_htpasswd.username, "password": registry_htpasswd.password}
    assert '"error"' not in pushed(engine, base_image, name, login)
    assert "no basic auth" in pushed(engine, base_image, name, {})
