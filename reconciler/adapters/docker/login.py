"""Finds the login for a registry where the docker client keeps it. Stores nothing.

Order: DOCKER_AUTH_CONFIG (the text of a config.json), then config.json of DOCKER_CONFIG or of the
home folder, with its credential helpers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docker import auth
from docker.errors import DockerException

from reconciler.base.errors import RegistryRefused
from reconciler.model.build import Login

_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")


def find_login(registry: str, environment: Mapping[str, str]) -> Login | None:
    """The login for a registry host, or None. Raises RegistryRefused if a helper fails."""
    config = _config(environment)
    if config is None:
        return None
    host = None if registry in _HUB else registry
    try:
        found = config.resolve_authconfig(host)
    except DockerException as error:
        raise _unusable(f"the credential helper for {registry} fails: {error}") from None
    return _login(found) if found else None


def _login(found: Mapping[str, Any]) -> Login | None:
    token = found.get("identitytoken") or found.get("IdentityToken") or ""
    username = found.get("username") or found.get("Username") or ""
    password = found.get("password") or found.get("Password") or ""
    if not token and not password:
        return None
    return Login(username, password, token)


def _config(environment: Mapping[str, str]) -> Any:
    text = environment.get("DOCKER_AUTH_CONFIG")
    path = config_file(environment)
    try:
        if text:
            return auth.load_config(config_dict=json.loads(text))
        return auth.load_config(config_path=str(path)) if path.is_file() else None
    except (ValueError, DockerException):
        where = "DOCKER_AUTH_CONFIG" if text else str(path)
        raise _unusable(f"the docker logins in {where} cannot be read") from None


def config_file(environment: Mapping[str, str]) -> Path:
    """Where the docker client of this environment keeps its settings."""
    folder = environment.get("DOCKER_CONFIG")
    home = Path(environment.get("HOME") or Path.home())
    return (Path(folder) if folder else home / ".docker") / "config.json"


def _unusable(message: str) -> RegistryRefused:
    return RegistryRefused(message, hint="log in again with: docker login")
