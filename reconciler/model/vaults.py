"""What a reference to a secret in a vault says: which vault, which secret. Asks no vault.

Grammar: `azurekv:https://VAULT/secrets/NAME[/VERSION][?clientID=UUID]` for Azure Key Vault, and
`vault:[https://HOST/]MOUNT/PATH[?version=N&namespace=NAME][#FIELD]` for HashiCorp Vault (KV 2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlsplit

KEY_VAULT, VAULT = "azurekv", "vault"
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
KEY_VAULT_FORM = "https://VAULT/secrets/NAME or .../NAME/VERSION"
_CLIENT_ID = "clientID"
_NAME = re.compile(r"[0-9a-z-]{1,127}")
_PATH = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+")
_WORD = re.compile(r"[A-Za-z0-9_./-]{1,128}")
_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class KeyVaultSecret:
    """A secret in Azure Key Vault. `vault` is its host; `audience` what a token is asked for.

    `client_id` is the user-assigned identity that reads it, None the system-assigned one.
    """

    vault: str
    name: str
    version: str | None
    audience: str
    client_id: str | None = None

    @property
    def identity(self) -> str:
        """Who reads it, in words."""
        return f"identity {self.client_id}" if self.client_id else "system-assigned identity"


@dataclass(frozen=True, slots=True)
class VaultSecret:
    """A field of a secret in a KV 2 engine of HashiCorp Vault.

    `address` is None where that of the environment holds, as `namespace` is; `version` None is
    the newest; `field` None is the only field.
    """

    mount: str
    path: str
    address: str | None = None
    namespace: str | None = None
    version: int | None = None
    field: str | None = None


def parse_key_vault_url(url: str, client_id: str | None = None) -> KeyVaultSecret:
    """The parts of `https://VAULT/secrets/NAME[/VERSION]`. Raises ValueError.

    Source: the rule of ACR's engine (lower-cased, one slash at the end dropped).
    """
    parts = _split(url.strip().lower().removesuffix("/"))
    path = parts.path.split("/")
    host = parts.netloc
    right = parts.scheme == "https" and "." in host and _HOST.fullmatch(host)
    named = (
        path[:2] == ["", "secrets"] and len(path) in {3, 4} and all(map(_NAME.fullmatch, path[2:]))
    )
    if not right or not named or parts.query or parts.fragment:
        raise ValueError(f"a vault secret is {KEY_VAULT_FORM}")
    if client_id is not None and not UUID.fullmatch(client_id):
        raise ValueError("the client id of an identity is a UUID")
    version = path[3] if len(path) == 4 else None
    return KeyVaultSecret(host, path[2], version, f"https://{host.partition('.')[2]}", client_id)


def key_vault_reference(url: str, client_id: str | None) -> str:
    """The reference of a secret whose URL and identity are written apart, as in a task file."""
    url = url.strip().removesuffix("/")
    return f"{KEY_VAULT}:{url}?{_CLIENT_ID}={client_id}" if client_id else f"{KEY_VAULT}:{url}"


def parse_key_vault(reference: str) -> KeyVaultSecret:
    """What follows `azurekv:`. Raises ValueError, which repeats nothing of the text."""
    url, _, query = reference.partition("?")
    options = _options(query, {_CLIENT_ID})
    return parse_key_vault_url(url, options.get(_CLIENT_ID))


def parse_vault(reference: str) -> VaultSecret:
    """What follows `vault:`. Raises ValueError, which repeats nothing of the text."""
    parts = _split(reference)
    address = f"{parts.scheme}://{parts.netloc.lower()}" if parts.netloc else None
    path = parts.path.removeprefix("/") if address else parts.path
    legal = _PATH.fullmatch(path) and not {".", ".."} & set(path.split("/"))
    if not legal or (address and (parts.scheme != "https" or not _HOST.fullmatch(parts.netloc))):
        raise ValueError("a vault secret is MOUNT/PATH#FIELD or https://HOST/MOUNT/PATH#FIELD")
    options = _options(parts.query, {"version", "namespace"})
    version = options.get("version")
    if version is not None and not re.fullmatch(r"[1-9][0-9]{0,8}", version):
        raise ValueError("the version of a vault secret is a whole number")
    for word in (options.get("namespace"), parts.fragment or None):
        if word is not None and not _WORD.fullmatch(word):
            raise ValueError("a field or namespace has letters, digits, '_', '.', '/' and '-'")
    mount, _, inside = path.partition("/")
    return VaultSecret(
        mount,
        inside,
        address,
        options.get("namespace"),
        int(version) if version else None,
        parts.fragment or None,
    )


def with_version(reference: str, version: str) -> str:
    """The reference to one version of a secret in a vault; other kinds have one value only.

    Raises ValueError if it names another version already.
    """
    scheme, _, rest = reference.partition(":")
    if scheme == KEY_VAULT:
        known: str | int | None = parse_key_vault(rest).version
        url, mark, query = rest.partition("?")
        found = f"{KEY_VAULT}:{url.removesuffix('/')}/{version}{mark}{query}"
    elif scheme == VAULT:
        known = parse_vault(rest).version
        rest, mark, field = rest.partition("#")
        found = f"{VAULT}:{rest}{'&' if '?' in rest else '?'}version={version}{mark}{field}"
    else:
        return reference
    if known is not None and str(known) != version:
        raise ValueError("the reference names another version of the secret")
    return found if known is None else reference


def check_vault_reference(reference: str) -> None:
    """Raise ValueError if a reference to a vault is none; one of another kind is not looked at."""
    scheme, _, rest = reference.partition(":")
    if scheme == KEY_VAULT:
        parse_key_vault(rest)
    elif scheme == VAULT:
        parse_vault(rest)


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError:
        raise ValueError("the address of the vault is no URL") from None


def _options(query: str, known: set[str]) -> dict[str, str]:
    """The options of a reference, each once. Raises ValueError."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError:
        pairs = [("", "")]
    names = [name for name, _ in pairs]
    if not set(names) <= known or len(set(names)) != len(names) or not all(dict(pairs).values()):
        allowed = " and ".join(sorted(known))
        raise ValueError(f"after ? this reference takes {allowed}, each once and with a value")
    return dict(pairs)
