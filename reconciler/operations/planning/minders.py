"""Who minds which image: as tasks are live, and as a plan leaves them. Judges nothing."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from reconciler.engine.rebuilding import read_standers
from reconciler.engine.standing import Standing
from reconciler.model.task import Task
from reconciler.model.tracked import TrackedBase
from reconciler.operations.planning.dockerfiles import BasesReader
from reconciler.operations.planning.standings import Minders, standing_of
from reconciler.plan.change import Change
from reconciler.store.task_bases import all_known


def read_minders(reader: BasesReader) -> Minders:
    """As the tasks are live, and as apply and runs wrote what they stand on. StateUnusable."""
    opened, book = reader.opened, dict[str, Standing]()
    with opened.database.read() as connection:
        standers = read_standers(connection)
    for live in opened.provider.read_all():
        # Looked for in the text first: of ten thousand tasks few may have such a trigger.
        found = _standing(reader, live.document) if '"baseImage"' in live.document else None
        if found is not None:
            book[live.address] = found
    return Minders(standers, book)


def _standing(reader: BasesReader, text: str) -> Standing | None:
    try:
        # What was stored is canonical; writing a default out changes nothing that is asked here.
        return standing_of(reader, Task.model_validate_json(text), json.loads(text))
    except ValidationError:
        return None


@dataclass(frozen=True, slots=True)
class After:
    """The same once changes of a plan are applied.

    `until_read`: with what was known of builds that change where no file here tells of them, which
    counts until the daemon has read the files. `sure`: without.
    """

    until_read: Minders
    sure: Minders


def minders_after(reader: BasesReader, now: Minders, changes: Sequence[Change]) -> After:
    """What a plan makes of it. Reads no file that was not read for the plan."""
    kept = _told_by_runs(reader, changes)
    former = {kept_as: address for address, kept_as in kept.items()}
    unread = {
        one.previous_address or one.address: one.address
        for one in changes
        if one.bases is not None and one.bases.unknown is not None and not one.bases.images
    }
    gone = {name for one in changes for name in (one.address, one.previous_address) if name}
    standers: dict[str, list[tuple[str, TrackedBase]]] = defaultdict(list)
    likely: dict[str, list[tuple[str, TrackedBase]]] = defaultdict(list)
    for reference, those in now.standers.items():
        for address, base in those:
            if address in former:
                standers[reference].append((former[address], base))
            elif address not in gone:
                standers[reference].append((address, base))
            elif address in unread:
                likely[reference].append((unread[address], base))
    book = {address: one for address, one in now.book.items() if address not in gone}
    for change in changes:
        if change.bases is not None and change.address not in kept:
            for base in change.bases.images:
                standers[base.reference].append((change.address, base))
        if change.target is not None and '"baseImage"' in change.target.text:
            document = change.target.read()
            found = standing_of(reader, Task.model_validate(document), document)
            book |= {change.address: found} if found is not None else {}
    both = {
        name: [*standers.get(name, ()), *likely.get(name, ())]
        for name in standers.keys() | likely.keys()
    }
    return After(Minders(both, book), Minders(standers, book))


def _told_by_runs(reader: BasesReader, changes: Iterable[Change]) -> dict[str, str]:
    """Changes after which what runs told of a task is still true, each with its address now.

    As apply has it (operations/applying/write).
    """
    asked = [one for one in changes if one.bases is not None and one.bases.unknown is not None]
    asked = [one for one in asked if one.base is not None and one.builds_as_before]
    if not asked:
        return {}
    with reader.opened.database.read() as connection:
        names = {one.address: one.previous_address or one.address for one in asked}
        return {new: old for new, old in names.items() if all_known(connection, old)}
