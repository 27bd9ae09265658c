"""Reads secrets of Azure Key Vault as a managed identity. Knows no references, keeps no value.

The library takes proxies and certificate authorities from the environment (`HTTPS_PROXY`,
`REQUESTS_CA_BUNDLE`), and finds out from it whose identity endpoint to ask (a machine's, that of
App Service, Azure Arc or a workload identity).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from reconciler.adapters.web.unreachable import keep_quiet, why_unreachable
from reconciler.base.errors import SecretUnavailable
from reconciler.model.vaults import KeyVaultSecret

if TYPE_CHECKING:
    from azure.core.credentials import AccessTokenInfo
    from azure.core.exceptions import AzureError, HttpResponseError
    from azure.core.pipeline.transport import RequestsTransport
    from azure.identity import ManagedIdentityCredential

_CLOUDS = (
    *(".vault.azure.net", ".vault.azure.cn", ".vault.usgovcloudapi.net"),
    ".vault.microsoftazure.de",
)
_PATIENCE = {"connection_timeout": 10, "read_timeout": 30, "retry_total": 2}
_IDENTITY_PATIENCE: dict[str, Any] = {
    "connection_timeout": 2,
    "read_timeout": 10,
    "retry_total": 2,
    "retry_status": 2,
}
_CODE = re.compile(r"[A-Za-z]{1,60}")
_INSTALL = 'pip install "image-task-reconciler[azure]"'


class KeyVaults:
    """The identities of one run; a token is asked for once for each. Not for threads.

    A host outside of Azure is asked only if it is in `declared`.
    """

    def __init__(self, declared: frozenset[str]) -> None:
        self._declared = declared
        self._identities: dict[str | None, _Identity] = {}

    def read(self, secret: KeyVaultSecret) -> str:
        """The value of a secret. Raises SecretUnavailable, without the secret's reference."""
        self._check(secret)
        with _installed():
            from azure.core.exceptions import AzureError  # noqa: PLC0415  (an extra)
            from azure.keyvault.secrets import SecretClient  # noqa: PLC0415  (an extra)
        transport = _bounded_transport()
        identity: Any = self._identity(secret)
        url = f"https://{secret.vault}"
        try:
            # A redirect could lead to where a token was never meant for.
            with SecretClient(
                url, identity, transport=transport, permit_redirects=False, **_PATIENCE
            ) as client:
                value = client.get_secret(secret.name, secret.version).value
        except AzureError as error:
            fault = _fault(secret, error)
        except ValueError:
            # The library compares the vault with what it asks a token for.
            fault = SecretUnavailable(
                f"the vault {secret.vault} asks for a token that is not for it",
                hint="copy the secret's URL from the vault",
            )
        else:
            if value:
                return value
            fault = SecretUnavailable(f"secret {secret.name} is empty")
        raise fault

    def probe(self, secret: KeyVaultSecret) -> None:
        """Check that the vault answers and the identity gets a token. Raises SecretUnavailable."""
        self._check(secret)
        with _installed():
            import requests  # noqa: PLC0415  (of the extra)
        try:
            url = f"https://{secret.vault}/secrets?api-version=7.4"
            answer = requests.get(url, allow_redirects=False, timeout=(10, 30), stream=True)
            answer.close()
        except requests.RequestException as error:
            fault = _unreached(secret, error)
        else:
            if answer.status_code == 401:  # the challenge of a vault to whom it does not know
                self._identity(secret).get_token_info(f"{secret.audience}/.default")
                return
            fault = SecretUnavailable(f"what answers as {secret.vault} is no key vault")
        raise fault

    def close(self) -> None:
        """Forget the tokens and close connections."""
        for identity in self._identities.values():
            identity.close()
        self._identities.clear()

    def _identity(self, secret: KeyVaultSecret) -> _Identity:
        if secret.client_id not in self._identities:
            self._identities[secret.client_id] = _Identity(secret)
        return self._identities[secret.client_id]

    def _check(self, secret: KeyVaultSecret) -> None:
        if not secret.vault.endswith(_CLOUDS) and secret.vault not in self._declared:
            hint = (
                f"if you trust it, declare it in reconciler.yaml: hosts: {{{secret.vault}: {{}}}}"
            )
            raise SecretUnavailable(f"{secret.vault} is no vault of Azure", hint=hint)


class _Identity:
    """A managed identity: the client library's, with its errors in our words."""

    def __init__(self, secret: KeyVaultSecret) -> None:
        with _installed():
            from azure.identity import ManagedIdentityCredential  # noqa: PLC0415  (an extra)
        keep_quiet()
        self._name = secret.identity
        self._credential = self._made(
            lambda: ManagedIdentityCredential(
                client_id=secret.client_id, transport=_bounded_transport(), **_IDENTITY_PATIENCE
            )
        )

    def _made(self, make: Callable[[], ManagedIdentityCredential]) -> ManagedIdentityCredential:
        try:
            return make()
        except ValueError:  # of a workload identity without a client id
            fault = self._no_token("it needs a client id here")
        raise fault

    def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:
        """A token, as the client library asks for it. Raises SecretUnavailable."""
        from azure.core.exceptions import AzureError  # noqa: PLC0415  (an extra)

        from reconciler.adapters.vaults.bounded import too_large  # noqa: PLC0415  (late)

        try:
            token: AccessTokenInfo = self._credential.get_token_info(*scopes, options=options)
        except AzureError as error:
            refused = too_large(error)
            fault = self._no_token(
                f"the identity endpoint: {refused.message}" if refused else _why_no_token(error)
            )
        except (ValueError, TypeError):  # an answer that is no token
            fault = self._no_token("the identity endpoint answers in a way nobody knows")
        else:
            return token
        raise fault

    def _no_token(self, why: str) -> SecretUnavailable:
        hint = "run it where this identity is assigned, and name it: clientID"
        return SecretUnavailable(f"the {self._name} gets no token: {why}", hint=hint)

    def close(self) -> None:
        """Close its connections."""
        self._credential.close()


def _bounded_transport() -> RequestsTransport:
    """What the client libraries send by: its answers have a bound."""
    with _installed():
        from azure.core.pipeline.transport import RequestsTransport  # noqa: PLC0415  (an extra)

        from reconciler.adapters.vaults.bounded import BoundedSession  # noqa: PLC0415  (late)
    return RequestsTransport(session=BoundedSession())


@contextlib.contextmanager
def _installed() -> Iterator[None]:
    """Says what to install where the client library is missing."""
    try:
        yield
    except ImportError:
        message = "this installation has no client of Azure Key Vault"
        raise SecretUnavailable(message, hint=_INSTALL) from None


def _fault(secret: KeyVaultSecret, error: AzureError) -> SecretUnavailable:
    from azure.core.exceptions import HttpResponseError  # noqa: PLC0415  (an extra)

    if not isinstance(error, HttpResponseError) or error.status_code is None:
        return _unreached(secret, error)
    code = _code(error)
    told = f" ({code})" if code else ""
    match error.status_code:
        case 401:
            message = f"the vault {secret.vault} does not accept the token of the {secret.identity}"
            return SecretUnavailable(message + told, hint="is the vault in the identity's tenant?")
        case 403:
            message = f"the vault {secret.vault} denies the {secret.identity} secret {secret.name}"
            fix = "allow it `get` on secrets, for example with the role Key Vault Secrets User"
            return SecretUnavailable(message + told, hint=fix)
        case 404:
            named = f"{secret.name} of version {secret.version}" if secret.version else secret.name
            message = f"the vault {secret.vault} has no secret {named}"
            return SecretUnavailable(message, hint="copy the secret's URL from the vault")
    message = f"the vault {secret.vault} answers {error.status_code} to the {secret.identity}"
    return SecretUnavailable(message + told, hint="try again later")


def _unreached(secret: KeyVaultSecret, error: BaseException) -> SecretUnavailable:
    message = f"the vault {secret.vault} is not read: {why_unreachable(error)}"
    return SecretUnavailable(message, hint="see that this machine reaches it, and through what")


def _code(error: HttpResponseError) -> str | None:
    """The vault's own word for a refusal. Its sentences may repeat what it was sent."""
    told: Any = error.error
    inner = getattr(told, "innererror", None)
    found = inner.get("code") if isinstance(inner, dict) else None
    found = found or getattr(told, "code", None)
    return found if isinstance(found, str) and _CODE.fullmatch(found) else None


def _why_no_token(error: AzureError) -> str:
    if "identity not found" in str(error).lower() or "No identity has been" in str(error):
        return "the identity endpoint of this machine does not know it"
    why = why_unreachable(error)
    if why == "it cannot be reached":
        return "the identity endpoint refuses it, or there is none here"
    return f"the identity endpoint: {why}"
