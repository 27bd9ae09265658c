"""What changed in Git since an apply. Git and the journal are asked once for each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from reconciler.adapters.git.revisions import changed_since, commit_of, text_at
from reconciler.operations.workspace import OpenWorkspace


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply was made from: the commit (None outside Git), and by which version."""

    commit: str | None
    dirty: bool
    tool_version: str


@dataclass(slots=True)
class History:
    """The commits of applies, and what differs from them now, below the root of a workspace."""

    opened: OpenWorkspace
    _changed: dict[str, set[str] | None] = field(default_factory=dict)
    _texts: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def applies(self, ids: Iterable[str | None]) -> dict[str, Applied]:
        """What some applies were made from, by id; those whose plan was not kept lack."""
        asked = {one for one in ids if one is not None}
        if not asked:
            return {}
        from reconciler.store.journal import plans_of  # noqa: PLC0415  (late: SQLAlchemy)

        with self.opened.database.read() as connection:
            return {one: _applied(text) for one, text in plans_of(connection, asked).items()}

    def latest(self) -> Applied | None:
        """What the last apply was made from."""
        from reconciler.store.journal import latest  # noqa: PLC0415  (late: SQLAlchemy)

        with self.opened.database.read() as connection:
            row = latest(connection)
        return _applied(row.plan) if row is not None and row.plan is not None else None

    def changed_since(self, commit: str) -> set[str] | None:
        """The files that differ from a commit; None if this checkout does not know it."""
        if commit not in self._changed:
            known = commit_of(self.opened.root, commit) is not None
            self._changed[commit] = changed_since(self.opened.root, commit) if known else None
        return self._changed[commit]

    def text_at(self, commit: str, name: str) -> str | None:
        """The text of a file at a commit; None if it was not there."""
        key = (commit, name)
        if key not in self._texts:
            self._texts[key] = text_at(self.opened.root, commit, name)
        return self._texts[key]


def _applied(plan: str) -> Applied:
    value = json.loads(plan)
    inputs = value["inputs"]
    return Applied(inputs["commit"], inputs["dirty"], value["tool_version"])
