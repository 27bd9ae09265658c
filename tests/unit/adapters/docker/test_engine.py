"""Names, logins and refusals are read the way engines and registries write them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.adapters.docker.engine import open_engine, split_tag
from reconciler.adapters.docker.login import find_login
from reconciler.adapters.web.refusals import refusal_of
from reconciler.base.errors import EngineUnavailable, RegistryRefused
from reconciler.model.build import Login, Refusal

LOGINS = json.dumps({"auths": {"r.example": {"auth": "dXNlcjpwYXNz"}}})  # user:pass


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a", ("a", "latest")),
        ("a:1", ("a", "1")),
        ("127.0.0.1:5000/a", ("127.0.0.1:5000/a", "latest")),
        ("127.0.0.1:5000/a/b:x", ("127.0.0.1:5000/a/b", "x")),
    ],
)
def test_a_port_is_not_taken_for_a_tag(name: str, parts: tuple[str, str]) -> None:
    assert split_tag(name) == parts


@pytest.mark.parametrize(
    ("message", "refusal"),
    [
        ("unauthorized: authentication required", Refusal.AUTH),
        ("no basic auth credentials", Refusal.AUTH),
        ("denied: requested access to the resource is denied", Refusal.AUTH),
        ("received unexpected HTTP status: 403 Forbidden", Refusal.AUTH),
        ("pull access denied for x, repository does not exist or may require login", Refusal.AUTH),
        ("tag invalid: The image tag '1' already exists and is immutable", Refusal.CONFLICT),
        ("received unexpected HTTP status: 409 Conflict", Refusal.CONFLICT),
        ("manifest unknown: manifest unknown", Refusal.MISSING),
        ("Get https://x/v2/: dial tcp: lookup x: no such host", Refusal.UNREACHABLE),
        ("something else", Refusal.OTHER),
    ],
)
def test_the_words_of_a_refusal_are_understood(message: str, refusal: Refusal) -> None:
    assert refusal_of(message) is refusal


def test_an_engine_that_does_not_answer_is_an_error_with_the_fix(tmp_path: Path) -> None:
    address = f"unix://{tmp_path}/none.sock"
    with pytest.raises(EngineUnavailable, match=address) as caught:
        open_engine(None, {"DOCKER_HOST": address})
    assert "DOCKER_HOST" in (caught.value.hint or "")


def test_a_login_is_found_in_the_docker_settings(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(LOGINS)
    assert find_login("r.example", {"DOCKER_CONFIG": str(tmp_path)}) == Login("user", "pass")
    assert find_login("other.example", {"DOCKER_CONFIG": str(tmp_path)}) is None


def test_a_login_is_found_in_the_environment(tmp_path: Path) -> None:
    environment = {"DOCKER_AUTH_CONFIG": LOGINS, "HOME": str(tmp_path)}
    assert find_login("r.example", environment) == Login("user", "pass")


def test_without_settings_there_is_no_login(tmp_path: Path) -> None:
    assert find_login("r.example", {"HOME": str(tmp_path)}) is None


def test_broken_settings_are_named_and_not_shown(tmp_path: Path) -> None:
    with pytest.raises(RegistryRefused, match="DOCKER_AUTH_CONFIG") as caught:
        find_login("r.example", {"DOCKER_AUTH_CONFIG": "{planted", "HOME": str(tmp_path)})
    assert "planted" not in str(caught.value)


def test_a_login_does_not_show_its_password() -> None:
    assert "pass" not in repr(Login("user", "pass", "token-pass"))
