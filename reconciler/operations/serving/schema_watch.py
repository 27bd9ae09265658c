"""A daemon whose state was brought up by a later version can do nothing with it any more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.base.errors import StateOutgrown, StateUnusable
from reconciler.store.database import Database
from reconciler.store.version import SCHEMA_VERSION

_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class SchemaWatch:
    """Looks at the version of a state while a daemon works with it; `outgrown` hears of another.

    States in a file are held against that (`store/database`); a server's, or a file that was put in
    the place of another, are not.
    """

    database: Database
    outgrown: Callable[[StateOutgrown], None]

    def watch(self, stopping: threading.Event) -> None:
        """Look again and again, until told to stop."""
        while not stopping.wait(_SECONDS):
            try:
                found = self.database.setting("schema_version")
            except StateUnusable:
                continue  # who needs it complains
            if found != str(SCHEMA_VERSION):
                self.outgrown(_error(found))


def _error(found: str) -> StateOutgrown:
    return StateOutgrown(
        f"another version of reconciler changed the state to schema {found}, and this daemon knows "
        f"{SCHEMA_VERSION}: start it again with that version"
    )
