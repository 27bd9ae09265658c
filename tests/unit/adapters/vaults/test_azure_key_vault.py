"""Key Vault as a managed identity, over real TLS: what is sent, and what is told of a refusal."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.keyvault.secrets._shared import http_challenge_cache

from reconciler.adapters.vaults.secrets import LARGEST, SecretReader
from reconciler.base.errors import SecretUnavailable
from tests.vaults import ACCESS_TOKEN, CLIENT_ID, KEY_VAULT, Flood, Vaults, serve_vaults

VALUE = "pl4nted-s3cret-of-a-vault"
URL = f"azurekv:https://{KEY_VAULT}/secrets/search-key"
REFERENCE = f"{URL}?clientID={CLIENT_ID}"


@pytest.fixture
def vaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vaults]:
    http_challenge_cache.clear()  # of the whole process
    with serve_vaults(tmp_path) as found:
        lead(found, monkeypatch)
        found.secrets["search-key"] = VALUE
        yield found


def lead(vaults: Vaults, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in vaults.environment.items():
        monkeypatch.setenv(name, value)


def reader(**more: object) -> SecretReader:
    return SecretReader({}, Path(), **more)  # type: ignore[arg-type]


def read(reference: str = REFERENCE) -> str:
    with reader() as opened:
        return opened.read(reference)


def refused(reference: str = REFERENCE) -> SecretUnavailable:
    with pytest.raises(SecretUnavailable) as caught:
        read(reference)
    return caught.value


def test_the_identity_with_this_client_id_reads_the_secret_with_get_alone(vaults: Vaults) -> None:
    assert read() == VALUE
    [asked] = vaults.asked_identity
    assert asked.query["client_id"] == CLIENT_ID
    assert asked.query["resource"] == "https://vault.azure.net"
    seen = {(one.method, one.path.rstrip("/")) for one in vaults.asked_key_vault}
    assert seen == {("GET", "/secrets/search-key")}
    first, second = vaults.asked_key_vault
    assert "authorization" not in first.headers
    assert second.headers["authorization"] == f"Bearer {ACCESS_TOKEN}"


def test_a_version_is_read_and_urls_are_taken_as_acr_takes_them(vaults: Vaults) -> None:
    vaults.secrets["search-key/0f"] = "older"
    assert read(f"{URL}/0F/?clientID={CLIENT_ID}") == "older"


def test_without_a_client_id_the_system_assigned_identity_reads(vaults: Vaults) -> None:
    vaults.identities = {None}
    assert read(URL) == VALUE
    assert "client_id" not in vaults.asked_identity[0].query


def test_the_endpoint_of_app_service_gets_the_client_id_too(
    vaults: Vaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = vaults.environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"]
    monkeypatch.delenv("AZURE_POD_IDENTITY_AUTHORITY_HOST")
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{place}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "of-the-service")
    assert read() == VALUE
    [asked] = vaults.asked_identity
    assert (asked.path, asked.query["client_id"]) == ("/msi/token", CLIENT_ID)
    assert asked.headers["x-identity-header"] == "of-the-service"


def test_one_token_serves_all_secrets_of_a_run(vaults: Vaults) -> None:
    vaults.secrets["other-key"] = "other"
    with reader() as opened:
        assert opened.read(REFERENCE) == VALUE
        assert opened.read(REFERENCE) == VALUE
        assert opened.read(REFERENCE.replace("search-key", "other-key")) == "other"
    assert len(vaults.asked_identity) == 1
    assert len([one for one in vaults.asked_key_vault if "authorization" in one.headers]) == 2


# ------------------------------------------------------------------- refusals
def test_a_denial_names_the_secret_the_identity_and_what_to_allow(vaults: Vaults) -> None:
    vaults.denied.add("search-key")
    error = refused()
    assert f"{KEY_VAULT} denies the identity {CLIENT_ID} secret search-key" in error.message
    assert "(ForbiddenByRbac)" in error.message
    assert "`get` on secrets" in str(error.hint)


def test_a_missing_secret_is_named_with_its_vault_and_version(vaults: Vaults) -> None:
    del vaults.secrets["search-key"]
    assert f"{KEY_VAULT} has no secret search-key" in refused().message
    versioned = refused(f"{URL}/0f?clientID={CLIENT_ID}").message
    assert "has no secret search-key of version 0f" in versioned


def test_an_identity_that_the_machine_does_not_have_is_named(vaults: Vaults) -> None:
    vaults.identities = {"22222222-2222-3333-4444-555555555555"}
    error = refused()
    assert f"the identity {CLIENT_ID} gets no token" in error.message
    assert "does not know it" in error.message
    assert len(vaults.asked_key_vault) == 1  # the question how to ask, and nothing after it


@pytest.mark.parametrize("answer", [(200, {"some": "thing"}), (200, []), (403, {"error": "x"})])
def test_an_identity_endpoint_that_gives_no_token_is_told(
    vaults: Vaults, answer: tuple[int, object]
) -> None:
    vaults.identity_fault = answer
    assert f"the identity {CLIENT_ID} gets no token" in refused().message


def test_an_identity_endpoint_that_is_not_there_is_told(
    vaults: Vaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1")
    error = refused()
    assert f"the identity {CLIENT_ID} gets no token" in error.message
    assert "nobody listens" in error.message


def test_a_certificate_of_another_authority_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    http_challenge_cache.clear()
    with serve_vaults(tmp_path, trusted=False) as vaults:
        lead(vaults, monkeypatch)
        error = refused()
    assert "its certificate is not trusted" in error.message
    assert vaults.asked_key_vault == []
    assert vaults.asked_identity == []


@pytest.mark.parametrize("resource", ["https://evil.example", "https://azure.net.evil", "x"])
def test_no_token_is_asked_for_what_the_vault_is_not(vaults: Vaults, resource: str) -> None:
    vaults.resource = resource
    assert "a token that is not for it" in refused().message
    assert vaults.asked_identity == []


def test_a_redirect_is_not_followed(vaults: Vaults) -> None:
    vaults.moved_to = f"https://{KEY_VAULT}/secrets/elsewhere"
    assert "answers 307" in refused().message
    assert {one.path.rstrip("/") for one in vaults.asked_key_vault} == {"/secrets/search-key"}


def test_a_host_outside_of_azure_is_asked_only_if_the_workspace_declares_it(
    vaults: Vaults,
) -> None:
    reference = f"azurekv:https://keys.contoso.example/secrets/k?clientID={CLIENT_ID}"
    assert "is no vault of Azure" in refused(reference).message
    declared = frozenset({"keys.contoso.example"})
    with reader(declared=declared) as opened, pytest.raises(SecretUnavailable, match="not read"):
        opened.read(reference)  # the proxy of this test knows no such host


def test_a_vault_that_takes_too_long_is_given_up(vaults: Vaults) -> None:
    vaults.slow = 3
    with reader(seconds=0.5) as opened, pytest.raises(SecretUnavailable, match=r"within 0\.5"):
        opened.read(REFERENCE)


def test_who_is_told_to_stop_does_not_wait_for_a_vault(vaults: Vaults) -> None:
    vaults.slow = 3
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    with reader(stopping=stop.is_set) as opened, pytest.raises(SecretUnavailable, match="stopped"):
        opened.read(REFERENCE)


# ------------------------------------------------------------------- no value
@pytest.mark.parametrize("what", ["read", "denied", "broken", "no token", "empty"])
def test_no_value_and_no_token_is_logged_or_told(
    vaults: Vaults,
    what: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    told = ""
    if what == "denied":
        vaults.denied.add("search-key")
    elif what == "broken":  # what a vault answers may be anything
        vaults.fault = (500, {"error": {"code": VALUE, "message": VALUE}})
    elif what == "no token":
        vaults.identity_fault = (500, {"error": "x", "error_description": VALUE})
    elif what == "empty":
        vaults.fault = (200, {"value": "", "id": f"https://{KEY_VAULT}/secrets/x/{VALUE}"})
    try:
        assert read() == VALUE
    except SecretUnavailable as error:
        told = repr(error) + str(error.hint) + "".join(traceback.format_exception(error))
        told += repr([error.__cause__, error.__context__, error.__context__])
        assert what != "read"
    else:
        assert what == "read"
    everything = told + caplog.text + "".join(capfd.readouterr())
    for planted in (VALUE, ACCESS_TOKEN):
        assert planted not in everything


def test_without_the_client_library_it_says_what_to_install(
    vaults: Vaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "azure.keyvault.secrets", None)
    error = refused()
    assert "no client of Azure Key Vault" in error.message
    assert error.hint == 'pip install "image-task-reconciler[azure]"'


# ---------------------------------------------------------------------- probe
def test_a_probe_reads_no_secret(vaults: Vaults) -> None:
    with reader() as opened:
        opened.probe(REFERENCE)
    assert [one.path for one in vaults.asked_key_vault] == ["/secrets"]
    assert [one.query["client_id"] for one in vaults.asked_identity] == [CLIENT_ID]


def test_a_probe_says_who_gets_no_token(vaults: Vaults) -> None:
    vaults.identities.clear()
    with reader() as opened, pytest.raises(SecretUnavailable, match=CLIENT_ID):
        opened.probe(REFERENCE)


def test_a_value_over_the_bound_of_a_file_is_refused_and_named(vaults: Vaults) -> None:
    vaults.secrets["search-key"] = "x" * LARGEST
    assert len(read()) == LARGEST
    vaults.secrets["search-key"] += "x"
    message = refused().message
    assert message.startswith(f"the secret {REFERENCE} cannot be read: it has 512,001 bytes")


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_of_the_vault_without_end_is_left(vaults: Vaults, packed: bool) -> None:
    vaults.fault = 200, Flood(packed)
    message = refused().message
    assert REFERENCE in message
    assert "sends more than 4,096,000 bytes" in message


@pytest.mark.parametrize("status", [200, 400])
def test_an_answer_of_the_identity_endpoint_without_end_is_left(
    vaults: Vaults, status: int
) -> None:
    vaults.identity_fault = status, Flood()
    message = refused().message
    assert REFERENCE in message
    assert "gets no token: the identity endpoint: what answers sends more than" in message
