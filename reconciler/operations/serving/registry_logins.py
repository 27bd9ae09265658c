"""The logins that a watch shows to registries: kept while they are good, read anew if they are not.

Each registry has a reader of its own, so that a vault that is slow keeps no other one waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

from reconciler.adapters.vaults.secrets import SecretReader
from reconciler.model.build import Login
from reconciler.model.identity import RegistryLogin
from reconciler.operations.running.credentials import open_secrets, registry_login
from reconciler.operations.running.run_place import RunPlace


@dataclass(slots=True)
class RegistryLogins:
    """Logins by host. For several threads, but of one registry one at a time.

    `declared` are the logins of live tasks by host; others are those of the docker client.
    """

    place: RunPlace
    declared: Callable[[], Mapping[str, RegistryLogin]]
    stopping: Callable[[], bool]
    _readers: dict[str, tuple[int, SecretReader]] = field(default_factory=dict, init=False)
    _reading: int = field(default=0, init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for host in list(self._readers):
            self.forget(host)

    def login(self, host: str) -> Login | None:
        """The login for a registry; None: nobody knows one. Raises SecretUnavailable."""
        known = self._readers.get(host)
        if known is not None and known[0] != self._reading:
            self.forget(host)
            known = None
        if known is None:
            known = self._reading, open_secrets(self.place, self.stopping)
            self._readers[host] = known
        return registry_login(self.place, host, self.declared(), known[1])

    def forget(self, host: str) -> None:
        """It was of no use: it is read anew. Only by who looks at the registry."""
        known = self._readers.pop(host, None)
        if known is not None:
            known[1].close()

    def renew(self) -> None:
        """All of them are read anew, each when it is needed."""
        self._reading += 1
