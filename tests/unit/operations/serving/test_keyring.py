"""Which secrets the doors of a daemon have, and when each is read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from reconciler.adapters.vaults.secrets import SecretReader
from reconciler.base.errors import SecretUnavailable
from reconciler.engine.intake import Taken
from reconciler.model.workspace import Server
from reconciler.operations.serving.book import EMPTY
from reconciler.operations.serving.dialects import Message
from reconciler.operations.serving.hooks import HookDoor
from reconciler.operations.serving.keyring import Keyring, Unread, secrets_of
from reconciler.operations.serving.registries import RegistryDoor

KEPT = "azurekv:https://contoso.vault.azure.net/secrets"
SERVER = Server.model_validate(
    {
        "admin": {"secret": "env:ADMIN"},
        "hooks": {
            "github": {
                "secret": {"secret": f"{KEPT}/hook", "version": "2" * 32},
                "previous": {
                    "secret": f"{KEPT}/hook",
                    "version": "1" * 32,
                    "until": "2026-11-21",
                },
                "repositories": ["*"],
            }
        },
        "registries": {
            "main": {
                "loginServer": "contoso.azurecr.io",
                "secret": {"secret": f"{KEPT}/registry", "version": "3" * 32},
            }
        },
    }
)
HOOK, FORMER = f"{KEPT}/hook/{'2' * 32}", f"{KEPT}/hook/{'1' * 32}"
REGISTRY = f"{KEPT}/registry/{'3' * 32}"


def test_the_secrets_of_all_doors_are_known_the_former_one_until_its_day() -> None:
    everyone = {HOOK: 1, FORMER: 1, REGISTRY: 1, "env:ADMIN": 16}
    assert secrets_of(SERVER, date(2026, 11, 21)) == everyone
    del everyone[FORMER]
    assert secrets_of(SERVER, date(2026, 11, 22)) == everyone


def test_the_doors_ask_for_the_version_that_is_named() -> None:
    asked: list[str] = []

    def read(reference: str) -> str:
        asked.append(reference)
        return "secret"

    def take(_arrival: object) -> Taken:
        raise AssertionError

    def clock() -> datetime:
        return datetime(2026, 11, 21, 3, 0, tzinfo=UTC)

    forged = Message({"x-hub-signature-256": [b"sha256=" + b"0" * 64]}, b"")
    nothing = Message({}, b"")
    hooks = HookDoor(SERVER.hooks, read, take, lambda _decided: None, lambda: EMPTY, clock)
    assert hooks.receive("github", forged).status == 401
    registries = RegistryDoor(
        SERVER.registries, read, lambda _reference: True, lambda _decided: None, clock
    )
    assert registries.receive("main", nothing).status == 401
    assert asked == [HOOK, FORMER, REGISTRY]


def test_a_value_is_read_once_until_it_is_to_be_read_again(tmp_path: Path) -> None:
    def open_reader(stopping: Callable[[], bool]) -> SecretReader:
        return SecretReader({}, tmp_path, stopping=stopping)

    ring = Keyring(open_reader, lambda: False)
    with pytest.raises(SecretUnavailable):
        ring.read("file:a")
    (tmp_path / "a").write_text("one")
    assert ring.read("file:a") == "one"
    (tmp_path / "a").write_text("two")
    assert ring.read("file:a") == "one"
    assert list(ring.renew({"file:a": 3}, lambda: False)) == []
    assert ring.read("file:a") == "two"
    (tmp_path / "a").write_text(" x ")
    (short,) = ring.renew({"file:a": 3}, lambda: False)
    assert short == Unread("the secret file:a is too short: 3 characters or more", kept=True)
    (gone,) = ring.renew({"file:b": 1}, lambda: False)
    assert (gone.kept, "file:b cannot be read" in gone.why) == (False, True)
    assert ring.read("file:a") == "two"
