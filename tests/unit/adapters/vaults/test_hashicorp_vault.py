"""HashiCorp Vault over real TLS: who asks for what, and what is told of a refusal."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.vaults.secrets import LARGEST, SecretReader
from reconciler.base.errors import SecretUnavailable
from tests.vaults import (
    HASHI_VAULT,
    ROLE_ID,
    SECRET_ID,
    VAULT_TOKEN,
    Flood,
    Vaults,
    serve_vaults,
)

VALUE = "pl4nted-s3cret-of-a-vault"


@pytest.fixture
def vaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vaults]:
    with serve_vaults(tmp_path) as found:
        for name, value in found.environment.items():
            monkeypatch.setenv(name, value)
        found.fields["kv/web"] = {"npm": VALUE}
        yield found


def reader(vaults: Vaults, *declared: str) -> SecretReader:
    return SecretReader(vaults.environment, Path(), declared=frozenset(declared))


def read(vaults: Vaults, reference: str = "vault:kv/web#npm", *declared: str) -> str:
    with reader(vaults, *declared) as opened:
        return opened.read(reference)


def refused(vaults: Vaults, reference: str = "vault:kv/web#npm") -> SecretUnavailable:
    with pytest.raises(SecretUnavailable) as caught:
        read(vaults, reference)
    return caught.value


def approle(vaults: Vaults) -> None:
    vaults.environment.update(VAULT_ROLE_ID=ROLE_ID, VAULT_SECRET_ID=SECRET_ID)


def test_the_token_of_the_environment_reads_a_field(vaults: Vaults) -> None:
    assert read(vaults) == VALUE
    [asked] = vaults.asked_vault
    assert (asked.method, asked.path) == ("GET", "/v1/kv/data/web")
    assert asked.headers["x-vault-token"] == VAULT_TOKEN


def test_the_token_of_the_clients_file_is_taken_last(vaults: Vaults) -> None:
    del vaults.environment["VAULT_TOKEN"]
    (vaults.folder / ".vault-token").write_text(VAULT_TOKEN + "\n")
    assert read(vaults) == VALUE


def test_an_approle_logs_in_once_and_gives_its_token_back(vaults: Vaults) -> None:
    approle(vaults)
    vaults.fields["kv/other"] = {"a": "other"}
    with reader(vaults) as opened:
        assert opened.read("vault:kv/web#npm") == VALUE
        assert opened.read("vault:kv/other#a") == "other"
        assert len(vaults.issued) == 2
    assert vaults.issued == {VAULT_TOKEN}
    paths = [one.path for one in vaults.asked_vault]
    assert paths.count("/v1/auth/approle/login") == 1


def test_the_secret_of_an_approle_may_lie_in_a_file(vaults: Vaults) -> None:
    (vaults.folder / "secret-id").write_text(SECRET_ID + "\n")
    vaults.environment.update(
        VAULT_ROLE_ID=ROLE_ID, VAULT_SECRET_ID_FILE=str(vaults.folder / "secret-id")
    )
    assert read(vaults) == VALUE


def test_version_namespace_and_the_only_field(vaults: Vaults) -> None:
    vaults.fields["team/kv/deep/web@3"] = {"only": "third"}
    assert read(vaults, "vault:kv/deep/web?version=3&namespace=team") == "third"
    vaults.environment["VAULT_NAMESPACE"] = "team"
    assert read(vaults, "vault:kv/deep/web?version=3") == "third"


# ------------------------------------------------------------------- refusals
def test_a_denial_names_who_asked_and_the_policy_that_is_needed(vaults: Vaults) -> None:
    vaults.denied.add("kv/web")
    error = refused(vaults)
    assert f"the vault https://{HASHI_VAULT} denies the token of VAULT_TOKEN" in error.message
    assert "vault:kv/web#npm" in error.message
    assert error.hint == "its policy needs `read` on kv/data/web"


def test_a_login_that_is_denied_names_the_role(vaults: Vaults) -> None:
    approle(vaults)
    vaults.environment["VAULT_SECRET_ID"] = "wrong"
    assert "denies the AppRole of VAULT_ROLE_ID" in refused(vaults).message


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("vault:kv/none#npm", "kv/data/none holds nothing"),
        ("vault:kv/web#pypi", "kv/web has no field pypi"),
        ("vault:kv/two", "kv/two has 2 fields"),
        ("vault:kv/number#n", "the field of kv/number is empty or no text"),
    ],
)
def test_what_is_not_there_is_named(vaults: Vaults, reference: str, told: str) -> None:
    vaults.fields["kv/two"] = {"a": VALUE, "b": VALUE}
    vaults.fields["kv/number"] = {"n": 5}
    assert told in refused(vaults, reference).message


@pytest.mark.parametrize(
    ("remove", "told"),
    [("VAULT_ADDR", "the address of the vault is not set"), ("VAULT_TOKEN", "there is no token")],
)
def test_what_the_environment_lacks_is_told(vaults: Vaults, remove: str, told: str) -> None:
    del vaults.environment[remove]
    assert told in refused(vaults).message
    assert vaults.asked_vault == []


def test_a_credential_goes_to_the_vault_of_the_environment_and_declared_ones_only(
    vaults: Vaults,
) -> None:
    reference = f"vault:https://{HASHI_VAULT}/kv/web#npm"
    assert read(vaults, reference) == VALUE
    vaults.environment["VAULT_ADDR"] = "https://another.contoso.example"
    assert f"{HASHI_VAULT} is not the vault of VAULT_ADDR" in refused(vaults, reference).message
    assert len(vaults.asked_vault) == 1
    assert read(vaults, reference, HASHI_VAULT) == VALUE


def test_a_vault_without_tls_is_not_asked(vaults: Vaults) -> None:
    vaults.environment["VAULT_ADDR"] = f"http://{HASHI_VAULT}"
    assert "only asked over https" in refused(vaults).message


def test_a_redirect_is_not_followed_with_the_token(vaults: Vaults) -> None:
    vaults.moved_to = f"https://{HASHI_VAULT}/v1/kv/data/elsewhere"
    assert "is no KV 2 engine" in refused(vaults).message
    assert [one.path for one in vaults.asked_vault] == ["/v1/kv/data/web"]


def test_a_certificate_of_another_authority_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_vaults(tmp_path, trusted=False) as vaults:
        for name, value in vaults.environment.items():
            monkeypatch.setenv(name, value)
        assert "its certificate is not trusted" in refused(vaults).message
        assert vaults.asked_vault == []
        vaults.environment["VAULT_CACERT"] = str(tmp_path / "tls" / "ca.pem")
        vaults.fields["kv/web"] = {"npm": VALUE}
        assert read(vaults) == VALUE


def test_a_vault_that_is_sealed_is_told(vaults: Vaults) -> None:
    vaults.fault = (503, {"errors": ["Vault is sealed"]})
    assert "does not answer it: VaultDown" in refused(vaults).message


@pytest.mark.parametrize("what", ["read", "denied", "broken", "no field", "role"])
def test_no_value_and_no_token_is_logged_or_told(
    vaults: Vaults,
    what: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    told, reference = "", "vault:kv/web#npm"
    if what == "denied":
        vaults.denied.add("kv/web")
    elif what == "broken":  # what a vault answers may be anything
        vaults.fault = (500, {"errors": [VALUE], "data": VALUE})
    elif what == "no field":
        reference = "vault:kv/web#pypi"
    elif what == "role":
        approle(vaults)
        vaults.fault = (400, {"errors": [SECRET_ID]})
    try:
        assert read(vaults, reference) == VALUE
    except SecretUnavailable as error:
        told = repr(error) + str(error.hint) + "".join(traceback.format_exception(error))
        told += repr([error.__cause__, error.__context__])
        assert what != "read"
    else:
        assert what == "read"
    everything = told + caplog.text + "".join(capfd.readouterr())
    for planted in (VALUE, VAULT_TOKEN, SECRET_ID):
        assert planted not in everything


def test_without_the_client_library_it_says_what_to_install(
    vaults: Vaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "hvac", None)
    error = refused(vaults)
    assert "no client of HashiCorp Vault" in error.message
    assert error.hint == 'pip install "image-task-reconciler[vault]"'


def test_a_probe_reads_no_secret(vaults: Vaults) -> None:
    with reader(vaults) as opened:
        opened.probe("vault:kv/web#npm")
    assert [one.path for one in vaults.asked_vault] == ["/v1/auth/token/lookup-self"]


def test_a_probe_says_whose_token_is_not_known(vaults: Vaults) -> None:
    vaults.issued.clear()
    with reader(vaults) as opened, pytest.raises(SecretUnavailable, match="denies the token of"):
        opened.probe("vault:kv/web#npm")


def test_a_value_over_the_bound_of_a_file_is_refused_and_named(vaults: Vaults) -> None:
    vaults.fields["kv/web"] = {"npm": "x" * LARGEST}
    assert len(read(vaults)) == LARGEST
    vaults.fields["kv/web"] = {"npm": "é" + "x" * (LARGEST - 1)}
    error = refused(vaults)
    assert "the secret vault:kv/web#npm cannot be read: it has 512,001 bytes" in error.message
    assert "at most 512,000" in error.message


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_without_end_is_left(vaults: Vaults, packed: bool) -> None:
    vaults.fault = 200, Flood(packed)
    error = refused(vaults)
    assert "the secret vault:kv/web#npm" in error.message
    assert "sends more than 4,096,000 bytes" in error.message


def test_a_login_without_end_is_left(vaults: Vaults) -> None:
    approle(vaults)
    vaults.fault = 200, Flood()
    assert "sends more than 4,096,000 bytes" in refused(vaults).message
    assert [seen.path for seen in vaults.asked_vault] == ["/v1/auth/approle/login"]
