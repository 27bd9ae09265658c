"""What a run may read of secrets and logins, and of whom. Starts nothing, keeps no value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.base.errors import SecretUnavailable
from reconciler.model.build import Login
from reconciler.model.identity import RegistryLogin
from reconciler.operations.running.run_place import RunPlace

if TYPE_CHECKING:
    from reconciler.adapters.vaults.secrets import SecretReader
    from reconciler.runner.request import RunRequest


@dataclass(frozen=True, slots=True)
class Credentials:
    """The secrets and logins of one run.

    Of a pull request from a fork there are none, not even those of this machine's identity and of
    its docker client: the files that ask for them may be the stranger's own.
    """

    place: RunPlace
    request: RunRequest
    reader: SecretReader

    def secret(self, reference: str) -> str:
        """The value of a reference. Raises SecretUnavailable."""
        if self.request.fork:
            raise SecretUnavailable(
                f"the secret {reference} is not read: a pull request from a fork is given none",
                hint="run the task yourself once the change is reviewed: reconciler run TASK",
            )
        return self.reader.read(reference)

    def login(self, host: str) -> Login | None:
        """The login for a registry, None where nobody knows one. Raises SecretUnavailable."""
        if self.request.fork:
            return None
        return registry_login(self.place, host, self.request.logins, self.reader)


def open_secrets(place: RunPlace, stopping: Callable[[], bool]) -> SecretReader:
    """What reads the secrets of one run.

    Files are relative to the workspace; without one, to where the person stands.
    """
    from reconciler.adapters.vaults.secrets import SecretReader  # noqa: PLC0415  (late)

    folder = place.secrets or place.root or Path.cwd()
    return SecretReader(place.environment, folder, declared=place.declared, stopping=stopping)


def registry_login(
    place: RunPlace, host: str, logins: Mapping[str, RegistryLogin], secrets: SecretReader
) -> Login | None:
    """The task's own login for a registry, else the one of the docker client."""
    from reconciler.adapters.docker.login import find_login  # noqa: PLC0415  (late)

    own = logins.get(host)
    if own is None or own.username is None or own.password is None:
        return find_login(host, place.environment)
    username = secrets.read(own.username.reference).strip()
    return Login(username, secrets.read(own.password.reference).strip())
