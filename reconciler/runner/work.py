"""What the rooms of a run hand to each other. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.build import Login
from reconciler.runner.ledger import Ledger
from reconciler.runner.ports import Ports
from reconciler.runner.request import RunRequest
from reconciler.runner.stopping import Watch


@dataclass(frozen=True, slots=True)
class Work:
    """A run in progress: what is wanted, with what, where it is written down, when it must end."""

    request: RunRequest
    ports: Ports
    ledger: Ledger
    watch: Watch

    def login(self, registry: str) -> Login | None:
        """The login for a registry; what is secret in it is masked from now on."""
        found = self.ports.login(registry)
        if found is not None:
            self.ledger.hide(found.values)
        return found
