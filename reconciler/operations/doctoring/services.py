"""Asks registries, Git, vaults and the state whether they are there. Judges nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.base.errors import SecretUnavailable
from reconciler.model.identity import RegistryLogin
from reconciler.operations.workspace import OpenWorkspace

if TYPE_CHECKING:  # late: slow to import
    from reconciler.adapters.vaults.secrets import SecretReader
    from reconciler.model.build import Login

# A vault that does not answer by then is late; doctor as a whole waits a little longer.
_VAULT_SECONDS = 8
_GIT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class RegistryAnswer:
    """`needed`: it asks for a login; `has_login`: we have one; `let_in`: we may come in.

    `ahead` is its clock less ours, in seconds. `tried` is False for the login of a task for a host
    that reconciler.yaml does not name.
    """

    needed: bool
    has_login: bool
    let_in: bool
    ahead: float | None = None
    tried: bool = True


@dataclass(frozen=True, slots=True)
class Unread:
    """Why a reference cannot be read, and what helps."""

    why: str
    fix: str | None = None


def ask_registry(host: str, own: RegistryLogin | None, opened: OpenWorkspace) -> RegistryAnswer:
    """Come in with the login that a task brings, else with that of the docker client.

    Specs that nobody has reviewed may name any host, and any secret for it: what a task brings goes
    to hosts that reconciler.yaml names only. Raises RegistryRefused, SecretUnavailable.
    """
    from reconciler.adapters.web.registry import greeting  # noqa: PLC0415  (late: httpx)

    config = opened.workspace
    named = {*config.hosts, *(one.login_server for one in config.registries)}
    tried = own is None or host in named
    login = _login(host, own, opened) if tried else None
    insecure = frozenset(name for name, one in config.hosts.items() if one.insecure)
    found = greeting(host, login=login, insecure=insecure)
    ahead = None if found.date is None else (found.date - opened.clock()).total_seconds()
    return RegistryAnswer(found.needed, login is not None, found.let_in, ahead, tried)


def _login(host: str, own: RegistryLogin | None, opened: OpenWorkspace) -> Login | None:
    from reconciler.adapters.docker.login import find_login  # noqa: PLC0415  (late: docker-py)
    from reconciler.model.build import Login  # noqa: PLC0415  (late)

    if own is None or own.username is None or own.password is None:
        return find_login(host, opened.environment)
    with secret_reader(opened) as secrets:
        username = secrets.read(own.username.reference).strip()
        return Login(username, secrets.read(own.password.reference).strip())


def secret_reader(opened: OpenWorkspace) -> SecretReader:
    """What reads secrets, with the patience of doctor."""
    from reconciler.adapters.vaults.secrets import SecretReader  # noqa: PLC0415  (late)

    return SecretReader(
        opened.environment,
        opened.root,
        declared=frozenset(opened.workspace.hosts),
        seconds=_VAULT_SECONDS,
    )


def ask_secrets(references: Iterable[str], opened: OpenWorkspace) -> Mapping[str, Unread]:
    """Why some references cannot be read, by reference; nothing of those that can.

    Variables and files are read, and forgotten. A vault is only asked whether it lets us in.
    """
    wrong = {}
    with secret_reader(opened) as secrets:
        for reference in references:
            try:
                secrets.probe(reference)
            except SecretUnavailable as error:
                said = f"the secret {reference} cannot be read: "
                wrong[reference] = Unread(error.message.removeprefix(said), error.hint)
    return wrong


def ask_git(environment: Mapping[str, str]) -> str | None:
    """The version of the git program, None where there is none."""
    from reconciler.adapters.processes.process import capture  # noqa: PLC0415  (late)
    from reconciler.adapters.processes.programs import passed_on  # noqa: PLC0415  (late)

    try:
        code, text = capture(
            ["git", "--version"], environment=passed_on(environment), timeout=_GIT_SECONDS
        )
    except (FileNotFoundError, PermissionError):
        return None
    return text.strip().removeprefix("git version ") if code == 0 else None


def ask_state(opened: OpenWorkspace) -> str:
    """What keeps the state, in words. Opens it. Raises StateUnusable."""
    database = opened.database
    serial = database.setting("serial")
    kind = "PostgreSQL" if database.path is None else _inside(database.path, opened.root)
    return f"{kind}, schema {database.setting('schema_version')}, serial {serial}"


def _inside(path: Path, root: Path) -> str:
    try:
        return str(path.relative_to(root))
    except ValueError:
        return str(path)
