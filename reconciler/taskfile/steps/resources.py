"""Networks, secrets, volumes and working directories of a task file: nodes to data, with checks."""

from __future__ import annotations

import base64
import binascii
import posixpath
import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from reconciler.model.vaults import UUID, parse_key_vault_url
from reconciler.taskfile.findings import Findings
from reconciler.taskfile.tasks import DEFAULT_WORKING_DIRECTORY, Network, Secret, Volume
from reconciler.taskfile.tree.fields import Fields
from reconciler.taskfile.tree.nodes import Mapping, Node, Scalar

_DRIVERS = ("bridge", "ipvlan", "macvlan", "overlay")  # those of Docker on Linux
NETWORK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_VOLUME_NAME = re.compile(r"[A-Za-z0-9_-]+")
_FILE_NAME = re.compile(r"[A-Za-z0-9._-]+")

Reveal = Callable[[str], str]


def working_directory(text: str | None, default: str) -> str:
    """An absolute, cleaned path; a relative one starts at /workspace."""
    if not text:
        return default
    return posixpath.normpath("/" + posixpath.join(DEFAULT_WORKING_DIRECTORY, text).lstrip("/"))


def read_networks(maps: list[Mapping], findings: Findings, reveal: Reveal) -> tuple[Network, ...]:
    """The networks, in order; of those that say they are default, only the last one is."""
    known = ("name", "driver", "ipv6", "skipCreation", "isDefault")
    found: dict[str, Network] = {}
    for item in maps:
        fields = Fields(item, findings, known, "a network", reveal)
        name = fields.word("name") or ""
        if not NETWORK_NAME.fullmatch(name):
            fix = 'give it a name of letters, digits, ".", "_" and "-"'
            findings.doubt(fields.place("name"), "a network needs a name", found=name, fix=fix)
        if name.lower().startswith("container:"):
            message, fix = "this is the network of a container", "name a network of the engine"
            findings.error(fields.place("name"), message, found=name, fix=fix)
        if name in found:
            fix = "remove one of the two"
            findings.doubt(fields.place("name"), f'two networks are called "{name}"', fix=fix)
        create, default = not fields.flag("skipCreation"), fields.flag("isDefault")
        driver = fields.word("driver")
        if driver and create and driver not in _DRIVERS:
            message, allowed = "no engine has this driver", ", ".join(_DRIVERS)
            at, fix = fields.place("driver"), "write driver: bridge"
            findings.doubt(at, message, found=driver, allowed=allowed, fix=fix)
        found[name] = Network(name, driver, fields.flag("ipv6"), create, default)
    return one_default(found.values())


def one_default(networks: Iterable[Network]) -> tuple[Network, ...]:
    """The networks, of which only the last default one is one."""
    given = list(networks)
    last = max((number for number, item in enumerate(given) if item.is_default), default=None)
    return tuple(
        replace(item, is_default=number == last) if item.is_default else item
        for number, item in enumerate(given)
    )


def read_secrets(maps: list[Mapping], findings: Findings, reveal: Reveal) -> tuple[Secret, ...]:
    """The secrets that are read from vaults before the steps."""
    found: dict[str, Secret] = {}
    for item in maps:
        known = ("id", "keyvault", "akv", "clientID")
        fields = Fields(item, findings, known, "a secret", reveal)
        if fields.has("keyvault") and fields.has("akv"):
            fix = "keep keyvault"
            findings.error(fields.place("akv"), "akv is the older word for keyvault", fix=fix)
        secret = Secret(
            fields.word("id") or "",
            fields.word("keyvault") or fields.word("akv") or "",
            fields.word("clientID"),
            item.line,
        )
        if secret.id in found:
            fix = "give one of them another id"
            findings.error(fields.place("id"), f'two secrets have the id "{secret.id}"', fix=fix)
        _check_secret(secret, fields, findings)
        found[secret.id] = secret
    return tuple(found.values())


def _check_secret(secret: Secret, fields: Fields, findings: Findings) -> None:
    if not secret.id or re.search(r"\s", secret.id):
        fix, message = "write id: NAME", "a secret needs an id without blanks"
        findings.error(fields.place("id"), message, found=secret.id, fix=fix)
    if secret.client_id and not UUID.fullmatch(secret.client_id):
        fix = "write the client id of the identity, not its name"
        findings.error(fields.place("clientID"), "clientID is no UUID", fix=fix)
    if not secret.keyvault:
        fix = "add keyvault: https://VAULT/secrets/NAME"
        findings.error(fields.place("keyvault"), f'secret "{secret.id}" has no keyvault', fix=fix)
        return
    try:
        parse_key_vault_url(secret.keyvault)
    except ValueError as error:
        message, fix = f'secret "{secret.id}": {error}', "copy the secret's URL from the vault"
        at = fields.place("keyvault" if fields.has("keyvault") else "akv")
        findings.error(at, message, fix=fix)


def read_volumes(
    maps: list[Mapping], findings: Findings, reveal: Reveal, *, resolved: bool
) -> tuple[Volume, ...]:
    """The volumes with their files decoded. Unless `resolved`, secrets in them are not known."""
    found: dict[str, Volume] = {}
    for item in maps:
        fields = Fields(item, findings, ("name", "secret"), "a volume", reveal)
        name = fields.word("name") or ""
        if not _VOLUME_NAME.fullmatch(name):
            allowed = "letters, digits, _ and -"
            message = "a volume needs a name"
            fix = "write name: NAME"
            findings.error(fields.place("name"), message, found=name, allowed=allowed, fix=fix)
        elif name in found:
            fix = "give one of them another name"
            findings.error(fields.place("name"), f'two volumes are called "{name}"', fix=fix)
        files = fields.map("secret")
        if files is None or not files.entries:
            fix = "add secret: {FILE: base64 text}"
            findings.error(fields.place("secret"), f'volume "{name}" has no files', fix=fix)
            continue
        found[name] = Volume(name, _files(files, findings, reveal, resolved=resolved))
    return tuple(found.values())


def _files(
    mapping: Mapping, findings: Findings, reveal: Reveal, *, resolved: bool
) -> tuple[tuple[str, bytes], ...]:
    for key in mapping.repeated:
        findings.doubt(key, f'the file "{key.text}" is given twice', fix="remove one of the two")
    found = []
    for name, node in mapping.entries.items():
        if not _FILE_NAME.fullmatch(name) or name in {".", ".."}:
            allowed = 'letters, digits, ".", "_" and "-"'
            message = "this cannot be the name of a file in a volume"
            fix = "choose another name"
            findings.error(mapping.keys[name], message, found=name, allowed=allowed, fix=fix)
        found.append((name, _content(name, node, findings, reveal, resolved=resolved)))
    return tuple(found)


def _content(name: str, node: Node, findings: Findings, reveal: Reveal, *, resolved: bool) -> bytes:
    """The bytes of a file. Its text is never repeated in a message."""
    if not isinstance(node, Scalar):
        fix = "write FILE: {{ .Secrets.NAME | b64enc }}"
        findings.error(node, f'the file "{name}" is given as a base64 text', fix=fix)
        return b""
    text = "" if node.is_null else reveal(node.text)
    if text != node.text and not resolved:
        return b""  # holds a secret that nobody has read
    try:
        return base64.b64decode(re.sub(r"[\r\n]", "", text), validate=True)
    except (binascii.Error, ValueError):
        fix = "encode it: printf %s VALUE | base64, or {{ .Secrets.NAME | b64enc }}"
        findings.error(node, f'the file "{name}" is not base64', fix=fix)
        return b""
