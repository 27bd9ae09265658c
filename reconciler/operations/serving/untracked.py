"""Tasks that an earlier version applied: at the start, the daemon looks at what they stand on.

Nobody looked when they were applied, and no push would ever build them (decision 18).
"""

from __future__ import annotations

from reconciler.base.errors import ReconcilerError
from reconciler.base.text import one_line, plural
from reconciler.engine.standing import Book as Standings
from reconciler.model.event import Decided, Source, Verdict
from reconciler.model.tracked import TaskBases
from reconciler.operations.planning.dockerfiles import BasesReader
from reconciler.operations.serving.health import Tell
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.stored import Stored, document_of
from reconciler.store.decisions import open_register
from reconciler.store.task_bases import put_bases, read_bases, untracked_tasks

_PART = "images"
_FIX = "apply it again where its files are, or run it"


def track_untracked(opened: OpenWorkspace, standing: Standings, tell: Tell) -> None:
    """Write down what such tasks stand on where the files here say all of it; tell of each one.

    Of one they do not tell of, a decision says why it is never built. Raises StateUnusable.
    """
    with opened.database.read() as connection:
        found = [address for address in untracked_tasks(connection) if address in standing]
    reader = BasesReader(opened)
    for address in found:
        bases = _bases(reader, address)
        if bases.unknown is None:
            _put(opened, address, bases)
            text = f"{plural(len(bases.images), 'base image')}, read from its files now"
            tell(_PART, {"task": address, "message": f"applied by an earlier version: {text}"})
            continue
        why = f"applied by an earlier version, and {one_line(bases.unknown, 300)}"
        _decide(opened, address, standing[address].name, why)
        verdict = Verdict.UNTRACKED.value
        tell(_PART, {"task": address, "verdict": verdict, "error": why, "fix": _FIX})


def _bases(reader: BasesReader, address: str) -> TaskBases:
    live = reader.opened.provider.read(address)
    try:
        document = document_of(address, Stored(live.document)) if live is not None else None
        return TaskBases(unknown="it is gone") if document is None else reader.of(document).bases
    except ReconcilerError as error:
        return TaskBases(unknown=error.message)


def _put(opened: OpenWorkspace, address: str, bases: TaskBases) -> None:
    with opened.database.write() as connection:
        if read_bases(connection, address) is None:  # an apply was quicker
            put_bases(connection, address, bases, "declared", opened.clock())


def _decide(opened: OpenWorkspace, address: str, trigger: str, why: str) -> None:
    decided = Decided(
        at=opened.clock(),
        source=Source.IMAGE,
        subject="",
        task=address,
        trigger=trigger,
        verdict=Verdict.UNTRACKED,
        detail=f"what it stands on is not known: {why}; {_FIX}",
    )
    with open_register(opened.database) as register:
        register.note([decided])
