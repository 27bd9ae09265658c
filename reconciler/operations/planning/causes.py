"""Where each change was written, and who wrote it: places from the specs, people from Git."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.git.checkout import has_repository, prefix_of
from reconciler.adapters.git.moves import last_names
from reconciler.base.text import as_text
from reconciler.loader.workspace import find_root
from reconciler.operations.planning.authors import Authors
from reconciler.operations.planning.history import History
from reconciler.operations.planning.inquiry import Inquiry, plain
from reconciler.operations.planning.removals import Gone, gone_field, gone_task, removals
from reconciler.operations.planning.variables import Variables, retold
from reconciler.operations.planning.versions import by_version
from reconciler.operations.reading.gather import Stores
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.build import Comparison
from reconciler.plan.change import Action, Cause, Change
from reconciler.plan.parts import Blame


@dataclass(frozen=True, slots=True)
class Attributed:
    """The changes with their causes, and who wrote the Defaults that changed fields come from."""

    changes: tuple[Change, ...]
    inherited: tuple[Cause, ...]


def attribute(
    opened: OpenWorkspace, comparison: Comparison, stores: Stores, since: str | None = None
) -> Attributed:
    """Say of each change and each changed field where it was written, and who wrote those lines.

    `since` is the commit that specs are compared with, where that is not the last apply. Git is
    asked once for each file with changed lines; nothing is asked where nothing changed.
    """
    if not comparison.changes:
        return Attributed((), ())
    history = History(opened)
    gone = _files_of_deletes(opened.root, comparison.changes, stores)
    own = {one.address: _own_file(one, comparison, gone) for one in comparison.changes}
    variables = Variables(history, stores, since)
    reasons = variables.reasons(comparison.changes, own)
    changes = [retold(one, reasons.get(one.address, [])) for one in comparison.changes]
    changes = list(by_version(history, changes, own, stores))
    read = {address: found[0].origin for address, found in reasons.items()}
    inquiry = Inquiry(Authors(opened), comparison, own, read)
    removed: dict[tuple[str, str], Blame] = {}
    if has_repository(opened.root):
        inquiry.ask(changes)
        removed = _removed(history, variables, changes, own)
    told = tuple(inquiry.told(one, removed) for one in changes)
    return Attributed(told, tuple(inquiry.inherited(told)))


def folder_in_repository(folder: Path) -> str:
    """Where the workspace of a folder lies in its repository: `team/`, or "" at the root."""
    return as_text(prefix_of(find_root(folder) or folder))


def _removed(
    history: History, variables: Variables, changes: Iterable[Change], own: Mapping[str, str]
) -> dict[tuple[str, str], Blame]:
    """Who took fields and tasks away, by address and path; the path of a whole task is ""."""
    asked: dict[tuple[str, str], Gone] = {}
    going = [one for one in changes if _loses(one) and own[one.address]]
    commits = variables.commits_of(going)
    for change in going:
        file, since = own[change.address], commits[change.address]
        if change.action is Action.DELETE:
            if (history.opened.root / file).exists():
                name = change.address.partition("/")[2]
                asked[change.address, ""] = gone_task(name, file, since)
            continue
        for field in change.paths:
            if field.cause == "removed":
                asked[change.address, field.path] = gone_field(field, file, since)
    found = removals(history, dict.fromkeys(asked.values())) if asked else {}
    return {key: found[gone] for key, gone in asked.items() if gone in found}


def _loses(change: Change) -> bool:
    return change.action is Action.DELETE or any(one.cause == "removed" for one in change.paths)


def _own_file(change: Change, comparison: Comparison, gone: Mapping[str, str]) -> str:
    """The spec that declares a task, or did last."""
    if change.action is Action.DELETE:
        return plain(gone[change.address])
    return plain(comparison.places[change.address][0])


def _files_of_deletes(root: Path, changes: Iterable[Change], stores: Stores) -> dict[str, str]:
    """The file each deleted task stood in last: it may have moved after it was applied."""
    deletes = [change.address for change in changes if change.action is Action.DELETE]
    files = {address: stores.applied[address].file or "" for address in deletes}
    last = last_names(root, map(plain, filter(None, files.values())))
    return {address: last.get(plain(file), file) for address, file in files.items()}
