"""Which changes are the doing of another version of this program: no file they read changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler import __version__
from reconciler.operations.planning.history import Applied, History
from reconciler.operations.planning.removals import bears_on
from reconciler.operations.reading.gather import Stores
from reconciler.plan.change import Action, Change
from reconciler.plan.stored import Stored

_FROM_FILES = {"spec", "template", "defaults", "removed"}


@dataclass(slots=True)
class Versions:
    """Knows the commits of applies by other versions, and which files changed since."""

    history: History
    commits: Mapping[str, str]
    files: Mapping[str, str]

    def told(self, change: Change, applied: Stored | None) -> Change:
        """The change; its fields are caused by the tool if nothing else can have caused them.

        That is so if the last apply was made by another version, from a clean commit, since which
        no YAML in the folder of the spec or above changed: Defaults and variables stand there.
        """
        if applied is None or not self._is_the_tools(change, applied):
            return change
        paths = tuple(
            replace(one, cause="tool") if one.cause in _FROM_FILES else one for one in change.paths
        )
        return replace(change, paths=paths)

    def _is_the_tools(self, change: Change, applied: Stored) -> bool:
        commit = self.commits.get(applied.apply_id or "")
        if commit is None:
            return False
        changed = self.history.changed_since(commit)
        file = self.files[change.address]
        return changed is not None and not any(bears_on(file, name) for name in changed)


def by_version(
    history: History, changes: Sequence[Change], files: Mapping[str, str], stores: Stores
) -> Iterator[Change]:
    """The changes, with the fields that only the version of this program changed told apart.

    `files` are those of the tasks, by address.
    """
    olds = [_applied(change, stores) for change in changes]
    applies = history.applies(old.apply_id for old in olds if old is not None)
    versions = Versions(history, dict(_of_other_versions(applies)), files)
    for change, old in zip(changes, olds, strict=True):
        yield versions.told(change, old)


def _of_other_versions(applies: Mapping[str, Applied]) -> Iterator[tuple[str, str]]:
    """The applies by another version, from a clean commit, each with that commit."""
    for apply_id, applied in applies.items():
        if applied.tool_version != __version__ and applied.commit and not applied.dirty:
            yield apply_id, applied.commit


def _applied(change: Change, stores: Stores) -> Stored | None:
    if change.action in {Action.CREATE, Action.DELETE}:
        return None
    return stores.applied.get(change.previous_address or change.address)
