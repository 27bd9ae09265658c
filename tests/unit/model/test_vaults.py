"""References to vaults: what they say, and what is refused without being repeated."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from reconciler.model.common import SecretReference
from reconciler.model.vaults import (
    KeyVaultSecret,
    VaultSecret,
    check_vault_reference,
    key_vault_reference,
    parse_key_vault,
    parse_vault,
    with_version,
)

ID = "11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "https://Kv.Vault.Azure.NET/secrets/Name/",
            KeyVaultSecret("kv.vault.azure.net", "name", None, "https://vault.azure.net"),
        ),
        (
            f"https://kv.vault.azure.cn/secrets/s/0F?clientID={ID}",
            KeyVaultSecret("kv.vault.azure.cn", "s", "0f", "https://vault.azure.cn", ID),
        ),
    ],
)
def test_a_key_vault_reference_says_vault_name_version_and_identity(
    text: str, found: KeyVaultSecret
) -> None:
    assert parse_key_vault(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("kv/web#npm", VaultSecret("kv", "web", field="npm")),
        ("kv/a/b", VaultSecret("kv", "a/b")),
        (
            "https://V.example:8200/kv/web?version=3&namespace=team/a#npm",
            VaultSecret("kv", "web", "https://v.example:8200", "team/a", 3, "npm"),
        ),
    ],
)
def test_a_vault_reference_says_place_version_and_field(text: str, found: VaultSecret) -> None:
    assert parse_vault(text) == found


@pytest.mark.parametrize(
    "reference",
    [
        "azurekv:name",
        "azurekv:http://kv.vault.azure.net/secrets/s3cret",
        "azurekv:https://kv/secrets/s3cret",
        "azurekv:https://kv.vault.azure.net/keys/s3cret",
        "azurekv:https://kv.vault.azure.net/secrets/s3cret/1/2",
        "azurekv:https://kv.vault.azure.net/secrets/s3cret_x",
        "azurekv:https://kv.vault.azure.net/secrets/..",
        "azurekv:https://kv.vault.azure.net/secrets/s3cret#x",
        "azurekv:https://kv.vault.azure.net/secrets/s3cret?clientID=s3cret",
        f"azurekv:https://kv.vault.azure.net/secrets/s3cret?clientID={ID}&clientID={ID}",
        "azurekv:https://kv.vault.azure.net/secrets/s3cret?sig=s3cret",
        "azurekv:https://[kv.vault.azure.net/secrets/s3cret",
        "vault:s3cret",
        "vault:/kv/s3cret",
        "vault:kv//s3cret",
        "vault:kv/../s3cret",
        "vault:http://v.example/kv/s3cret",
        "vault:kv/s3cret?version=x",
        "vault:kv/s3cret?version=0",
        "vault:kv/s3cret?token=s3cret",
        "vault:kv/s3cret#a b",
        "vault:https://[v/kv/s3cret",
    ],
)
def test_what_is_no_reference_is_refused_and_not_repeated(reference: str) -> None:
    with pytest.raises(ValueError, match=r"[a-z]") as caught:
        check_vault_reference(reference)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "version", "found"),
    [
        ("azurekv:https://k.v/secrets/s", "0f", "azurekv:https://k.v/secrets/s/0f"),
        (
            f"azurekv:https://k.v/secrets/s/?clientID={ID}",
            "0f",
            f"azurekv:https://k.v/secrets/s/0f?clientID={ID}",
        ),
        ("azurekv:https://k.v/secrets/s/0f", "0f", "azurekv:https://k.v/secrets/s/0f"),
        ("vault:kv/web#npm", "3", "vault:kv/web?version=3#npm"),
        ("vault:kv/web?namespace=a", "3", "vault:kv/web?namespace=a&version=3"),
        ("env:PAT", "v4", "env:PAT"),
    ],
)
def test_a_version_beside_the_reference_is_the_one_that_is_read(
    reference: str, version: str, found: str
) -> None:
    assert with_version(reference, version) == found
    assert SecretReference(secret=reference, version=version).reference == found


@pytest.mark.parametrize(
    ("reference", "version"),
    [
        ("vault:kv/web?version=2", "3"),
        ("vault:kv/web", "v4"),
        ("azurekv:https://k.v/secrets/s", "v_"),
    ],
)
def test_a_version_that_no_vault_has_is_refused(reference: str, version: str) -> None:
    with pytest.raises(ValidationError):
        SecretReference(secret=reference, version=version)


def test_what_a_task_file_writes_apart_is_one_reference() -> None:
    written = "https://k.v/secrets/s/"
    assert key_vault_reference(written, None) == "azurekv:https://k.v/secrets/s"
    found = parse_key_vault(key_vault_reference(written, ID).removeprefix("azurekv:"))
    assert (found.name, found.client_id) == ("s", ID)
