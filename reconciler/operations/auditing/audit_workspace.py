"""Reads a workspace for its audit report, and writes the report. Judges nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from reconciler.base.diagnostics import Diagnostic, Severity, has_errors
from reconciler.base.errors import InvalidInput
from reconciler.loader.kinds import SPEC_FOLDER
from reconciler.loader.policies import POLICY_FOLDER
from reconciler.loader.workspace import WORKSPACE_FILE
from reconciler.model.task import Task
from reconciler.operations.auditing.audit import audit
from reconciler.operations.auditing.audit_report import AuditReport, EventRow
from reconciler.operations.reading.gather import Stores, read_declared, read_policies, read_stores
from reconciler.operations.reading.validate import load_rules
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.build import Stored
from reconciler.plan.normalise import stored_document


def audit_workspace(opened: OpenWorkspace, as_of: datetime) -> AuditReport:
    """The report of a workspace as it is now, judged on the day of `as_of`.

    Raises InvalidInput if specs or policies are wrong, StateUnusable.
    """
    from reconciler.adapters.git.checkout import changed_files, head_of  # noqa: PLC0415  (late: GitPython)

    policies, stores, declared = read_policies(opened), read_stores(opened), read_declared(opened)
    _refuse(load_rules(policies)[1])
    live, unreadable = _live_tasks(stores)
    head = head_of(opened.root)
    report = audit(
        declared.tasks(),
        live,
        policies=policies.policies,
        waivers=policies.waivers,
        as_of=as_of,
        commit=head.commit if head else None,
        dirty=_is_dirty(changed_files(opened.root)) if head else False,
        drifted=_drifted(stores),
        unreadable=unreadable,
        events=_events(opened, as_of),
    )
    _refuse(declared.diagnostics)  # complete only now that every spec was read
    return report


def _events(opened: OpenWorkspace, as_of: datetime) -> list[EventRow]:
    """What went around a safety rule until that moment."""
    from reconciler.store import events  # noqa: PLC0415  (late: SQLAlchemy)

    with opened.database.read() as connection:
        found = events.until(connection, as_of)
    return [EventRow(one.at, one.kind, one.actor, one.subject, one.reason) for one in found]


def _drifted(stores: Stores) -> list[str]:
    """Addresses whose live task is not what was last applied, or is gone."""
    return [
        address
        for address, applied in stores.applied.items()
        if not _is_same(applied.document, stores.live.get(address))
    ]


def _is_same(applied: str, live: Stored | None) -> bool:
    if live is None or live.document == applied:
        return live is not None
    try:
        return stored_document(live.document) == stored_document(applied)
    except ValueError:
        return False


def _is_dirty(files: Iterable[str]) -> bool:
    """True if what is judged is not what is committed; a report that lies beside does not count."""
    folders = (SPEC_FOLDER + "/", POLICY_FOLDER + "/")
    return any(file.startswith(folders) or file == WORKSPACE_FILE for file in files)


def _refuse(problems: Sequence[Diagnostic]) -> None:
    if has_errors(problems):
        raise InvalidInput([item for item in problems if item.severity is Severity.ERROR])


def _live_tasks(stores: Stores) -> tuple[dict[str, Task], list[str]]:
    """Live tasks by address, and the addresses of those that cannot be understood."""
    live: dict[str, Task] = {}
    unreadable: list[str] = []
    for address, stored in stores.live.items():
        try:
            live[address] = Task.model_validate_json(stored.document)
        except ValidationError:
            unreadable.append(address)
    return live, unreadable


def save_report(path: Path, text: str) -> None:
    """Write a report so that a reader sees the old one or the new one, never half. OSError."""
    from reconciler.adapters.files import write_whole  # noqa: PLC0415  (late: not for --help)

    write_whole(path, text.encode())
