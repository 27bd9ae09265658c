"""Reads secrets of HashiCorp Vault (KV 2). Knows no references, keeps no value.

Where it is and who asks, the environment says, with the names that Vault's own client has:
`VAULT_ADDR`, `VAULT_NAMESPACE`, `VAULT_CACERT`, `VAULT_CAPATH`; `VAULT_TOKEN`, or `VAULT_ROLE_ID`
with `VAULT_SECRET_ID` or `VAULT_SECRET_ID_FILE` (AppRole), else the file `~/.vault-token`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reconciler.adapters.web.unreachable import keep_quiet, why_unreachable
from reconciler.base.errors import SecretUnavailable
from reconciler.model.vaults import VaultSecret

if TYPE_CHECKING:
    import hvac

_TIMEOUT = 30  # seconds without a byte
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_INSTALL = 'pip install "image-task-reconciler[vault]"'
_ROLE = "the AppRole of VAULT_ROLE_ID"


class Vaults:
    """The vaults of one run; who asks logs in once at each. Not for threads.

    A credential goes to the address of the environment, and to hosts in `declared` only.
    """

    def __init__(self, environment: Mapping[str, str], declared: frozenset[str]) -> None:
        self._environment, self._declared = environment, declared
        self._clients: dict[tuple[str, str | None], _Client] = {}

    def read(self, secret: VaultSecret) -> str:
        """The value of one field. Raises SecretUnavailable, without the secret's reference."""
        vault = self._client(secret)
        place = f"{secret.mount}/data/{secret.path}"
        answer = vault.ask(
            lambda client: client.secrets.kv.v2.read_secret_version(
                path=secret.path,
                mount_point=secret.mount,
                version=secret.version,
                raise_on_deleted_version=True,
            ),
            denied=f"its policy needs `read` on {place}",
            missing=f"{place} holds nothing",
        )
        return _field(answer, secret, vault.address)

    def probe(self, secret: VaultSecret) -> None:
        """Check that the vault answers and knows who asks. Raises SecretUnavailable."""
        self._client(secret).ask(
            lambda client: client.auth.token.lookup_self(),
            denied="log in again",
            missing="it is no vault",
        )

    def close(self) -> None:
        """Give back the tokens that were issued to us, close connections."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def _client(self, secret: VaultSecret) -> _Client:
        address = self._address(secret)
        namespace = secret.namespace or self._environment.get("VAULT_NAMESPACE") or None
        if (address, namespace) not in self._clients:
            client = _Client(address, namespace, self._environment)
            client.log_in(self._environment)
            self._clients[address, namespace] = client
        return self._clients[address, namespace]

    def _address(self, secret: VaultSecret) -> str:
        ours = self._environment.get("VAULT_ADDR", "").rstrip("/")
        address = secret.address or ours
        if not address:
            hint = "set VAULT_ADDR, or write vault:https://HOST/MOUNT/PATH#FIELD"
            raise SecretUnavailable("the address of the vault is not set", hint=hint)
        parts = urlsplit(address)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise SecretUnavailable("the vault is only asked over https", hint="see VAULT_ADDR")
        # Who writes a spec must not choose who is shown the credential.
        if address.lower() != ours.lower() and parts.netloc not in self._declared:
            hint = (
                f"set VAULT_ADDR, or declare it in reconciler.yaml: hosts: {{{parts.netloc}: {{}}}}"
            )
            raise SecretUnavailable(f"{parts.netloc} is not the vault of VAULT_ADDR", hint=hint)
        return address


class _Client:
    """One vault and who asks it: the client library's, with its errors in our words."""

    def __init__(self, address: str, namespace: str | None, environment: Mapping[str, str]) -> None:
        try:
            import hvac  # noqa: PLC0415  (an extra)

            from reconciler.adapters.vaults.bounded import BoundedSession  # noqa: PLC0415  (late)
        except ImportError:
            message = "this installation has no client of HashiCorp Vault"
            raise SecretUnavailable(message, hint=_INSTALL) from None
        keep_quiet()
        self.address = address
        self._who = "nobody"
        self._issued = False
        verify = environment.get("VAULT_CACERT") or environment.get("VAULT_CAPATH") or True
        session = BoundedSession()
        session.verify = verify  # to the library that of a session goes before its own
        self._client = hvac.Client(
            url=address,
            token="",
            verify=verify,
            session=session,
            timeout=_TIMEOUT,
            allow_redirects=False,  # the header with the token would follow to any host
            namespace=namespace,
        )

    def log_in(self, environment: Mapping[str, str]) -> None:
        """Take the token of the environment, or log in for one. Raises SecretUnavailable."""
        role = environment.get("VAULT_ROLE_ID")
        if not role:
            self._who, self._client.token = _token(environment)
            return
        self._who = _ROLE
        secret = environment.get("VAULT_SECRET_ID") or _content(
            environment.get("VAULT_SECRET_ID_FILE")
        )
        hint = "see VAULT_ROLE_ID and VAULT_SECRET_ID"
        answer = self.ask(
            lambda client: client.auth.approle.login(role, secret or None, use_token=False),
            denied=hint,
            missing="approle is not enabled",
        )
        token = _part(answer, "auth", "client_token")
        if not isinstance(token, str) or not token:
            raise SecretUnavailable(f"the vault {self.address} gives {self._who} no token")
        self._client.token, self._issued = token, True

    def ask(self, call: Callable[[hvac.Client], Any], *, denied: str, missing: str) -> Any:
        """What the vault answers. Raises SecretUnavailable with the fix if it denies."""
        import requests  # noqa: PLC0415  (of the extra)
        from hvac import exceptions  # noqa: PLC0415  (an extra)

        try:
            return call(self._client)
        except exceptions.InvalidPath:
            fault = SecretUnavailable(f"the vault {self.address} has no such secret: {missing}")
        except (exceptions.Forbidden, exceptions.Unauthorized, exceptions.InvalidRequest):
            fault = SecretUnavailable(f"the vault {self.address} denies {self._who}", hint=denied)
        except exceptions.VaultError as error:
            why = type(error).__name__
            fault = SecretUnavailable(f"the vault {self.address} does not answer it: {why}")
        except (requests.RequestException, OSError) as error:
            why = why_unreachable(error)
            hint = "see VAULT_ADDR and VAULT_CACERT, and that this machine reaches it"
            fault = SecretUnavailable(f"the vault {self.address} is not read: {why}", hint=hint)
        raise fault

    def close(self) -> None:
        """Give back a token that was issued to us, close connections."""
        with contextlib.suppress(SecretUnavailable):
            if self._issued:
                self.ask(lambda client: client.auth.token.revoke_self(), denied="", missing="")
        self._client.adapter.close()


def _token(environment: Mapping[str, str]) -> tuple[str, str]:
    """(who, token) of the environment or the file of Vault's own client."""
    token = environment.get("VAULT_TOKEN")
    if token:
        return "the token of VAULT_TOKEN", token
    home = environment.get("HOME")
    token = _content(f"{home}/.vault-token" if home else None)
    if token:
        return "the token of ~/.vault-token", token
    hint = "set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID"
    raise SecretUnavailable("there is no token for the vault", hint=hint)


def _content(path: str | None) -> str:
    try:
        return Path(path).read_text("utf-8").strip() if path else ""
    except (OSError, UnicodeDecodeError):
        return ""


def _field(answer: Any, secret: VaultSecret, address: str) -> str:
    fields = _part(answer, "data", "data")
    if not isinstance(fields, dict):
        raise SecretUnavailable(f"what answers at {address} is no KV 2 engine of a vault")
    place = f"{secret.mount}/{secret.path}"
    if secret.field is None and len(fields) != 1:
        hint = "add #FIELD to the reference"
        raise SecretUnavailable(f"{place} has {len(fields)} fields", hint=hint)
    value = fields.get(secret.field) if secret.field else next(iter(fields.values()))
    if value is None:
        raise SecretUnavailable(f"{place} has no field {secret.field or 'with a value'}")
    if not isinstance(value, str) or not value:
        raise SecretUnavailable(f"the field of {place} is empty or no text")
    return value


def _part(answer: Any, *keys: str) -> Any:
    for key in keys:
        answer = answer.get(key) if isinstance(answer, dict) else None
    return answer
