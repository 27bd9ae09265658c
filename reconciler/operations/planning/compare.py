"""`plan --base REF`: the specs of two revisions, compared. No live state, no state database.

For a pull request from a fork, whose checks may see nothing: the specs of the base take the place
of what was applied and what is live. The outcome reads as a plan and cannot be applied.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from reconciler.adapters.files import private_folder
from reconciler.adapters.git.revisions import RevisionRefused, write_revision
from reconciler.base.canonical import canonical_json
from reconciler.base.diagnostics import has_errors
from reconciler.base.errors import InvalidInput, ReconcilerError
from reconciler.base.text import one_line
from reconciler.loader.files import WorkspaceFiles
from reconciler.loader.kinds import SPEC_FOLDER
from reconciler.loader.workspace import WORKSPACE_FILE, load_workspace
from reconciler.operations.planning.causes import attribute
from reconciler.operations.planning.choosing import (
    Choice,
    existing_commit,
    left_out_of,
    selection_of,
)
from reconciler.operations.planning.dockerfiles import BasesReader
from reconciler.operations.planning.plan import (
    Planned,
    guard,
    inputs_of,
    policy_summary,
    put_in_order,
)
from reconciler.operations.planning.plan_head import plan_head
from reconciler.operations.planning.releases import releases_of
from reconciler.operations.reading.gather import Stores, read_declared
from reconciler.operations.reading.validate import validate
from reconciler.operations.workspace import OpenWorkspace
from reconciler.plan.alike import looks_like_renames
from reconciler.plan.build import Comparer, Stored
from reconciler.plan.change import Plan, Revision
from reconciler.plan.narrow import Narrowed
from reconciler.plan.normalise import canonical_document
from reconciler.plan.overrides import Overrides
from reconciler.plan.timers import timer_changes


def compare_with(
    opened: OpenWorkspace,
    ref: str,
    *,
    overrides: Overrides | None = None,
    choice: Choice | None = None,
) -> Planned:
    """What a plan would say if exactly the specs of `ref` were live.

    Raises WrongUsage (no such ref), InvalidInput, ReconcilerError (the base is wrong itself).
    """
    overrides = overrides or Overrides()
    commit = existing_commit(opened, "--base", ref)
    base = _read_base(opened, ref, commit)
    selection = selection_of(opened, choice)
    narrowed = Narrowed(selection, base, base) if selection else None
    comparer = narrowed or Comparer(base, base)
    now = opened.clock().replace(microsecond=0)
    validation = validate(opened, now.date(), listener=comparer)
    if validation.invalid:
        raise InvalidInput(validation.input_problems)
    comparison = comparer.finish()
    stores = Stores(base, base, "", 0)
    attributed = attribute(opened, comparison, stores, commit)
    blocked = guard(opened, comparison.changes, base, overrides)
    reader = BasesReader(opened)
    ordered = put_in_order(reader, attributed.changes)
    texts = ((address, one.document) for address, one in base.items())
    releases = releases_of(reader, attributed.changes, texts)
    plan = Plan(
        mode="compare",
        **plan_head(now, stores.state_id),
        inputs=inputs_of(opened, validation),
        declared=validation.tasks,
        unchanged=comparison.unchanged,
        changes=ordered.changes,
        releases=releases.paths,
        unknown_releases=releases.unknown,
        timers=timer_changes(attributed.changes, now),
        inherited=attributed.inherited,
        policy=policy_summary(validation),
        overrides=tuple(overrides.used),
        blocked=blocked,
        looks_like_renames=looks_like_renames(ordered.changes, base),
        cycles=ordered.cycles,
        left_out=left_out_of(opened, narrowed, ordered.changes),
        compared_with=Revision(ref=ref, commit=commit),
    )
    return Planned(plan, validation)


def _read_base(opened: OpenWorkspace, ref: str, commit: str) -> dict[str, Stored]:
    """The tasks of a revision as if they were applied; its files are deleted again at once."""
    with private_folder() as folder:
        try:
            write_revision(opened.root, commit, (WORKSPACE_FILE, SPEC_FOLDER), folder)
        except RevisionRefused as error:
            raise ReconcilerError(f"{one_line(ref, 80)} cannot be compared with: {error}") from None
        return _tasks_of(opened, folder, ref)


def _tasks_of(opened: OpenWorkspace, folder: Path, ref: str) -> dict[str, Stored]:
    if not (folder / WORKSPACE_FILE).is_file():
        return {}  # the workspace came after it: everything is new
    try:
        files = WorkspaceFiles(folder)
        old = dataclasses.replace(opened, root=folder, files=files, config=load_workspace(files))
        declared = read_declared(old)
        found = {
            one.value.address: Stored(
                canonical_json(canonical_document(one.value)), file=one.source.file
            )
            for one in declared.tasks()
        }
        problems = declared.diagnostics
    except InvalidInput as error:
        found, problems = {}, list(error.diagnostics)
    if has_errors(problems):
        raise ReconcilerError(
            f"the specs of {one_line(ref, 80)} are wrong themselves",
            details=[("there", f"{item.location}: {item.message}") for item in problems[:5]],
            hint="compare with a revision that validates",
        )
    return found
