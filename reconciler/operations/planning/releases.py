"""The release paths of a plan: task files are read for them, where there are any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.operations.planning.dockerfiles import BasesReader
from reconciler.operations.reading.gather import servers_of
from reconciler.plan.change import Change
from reconciler.plan.parts import Frozen
from reconciler.plan.releases import FilePushes, Releases, TaskFiles, release_paths

_KEYS = ("step", "context", "compat")  # what decides what a task file pushes


def releases_of(
    reader: BasesReader, changes: Sequence[Change], live: Iterable[tuple[str, str]]
) -> Releases:
    """The release paths of the changes of a plan, those of their task files too.

    `live` are addresses and documents of live tasks, read only if a name is new.
    """
    wanted = [change for change in changes if _may_push_otherwise(change)]
    files = TaskFiles(
        before=dict(_pushes(reader, ((one.address, one.base) for one in wanted))),
        after=dict(_pushes(reader, ((one.address, one.target) for one in wanted))),
    )
    return release_paths(changes, servers_of(reader.opened), files, live)


def _may_push_otherwise(change: Change) -> bool:
    before, after = change.base, change.target
    if before is None or after is None:
        return _file(before) or _file(after)
    if not (_file(before) or _file(after)):
        return False
    old, new = before.read()["spec"], after.read()["spec"]
    return any(old.get(key) != new.get(key) for key in _KEYS)


def _file(frozen: Frozen | None) -> bool:
    # Looked for in the text first: of a hundred thousand tasks few run a task file.
    if frozen is None or '"step":{"file":' not in frozen.text:
        return False
    return "file" in frozen.read()["spec"]["step"]


def _pushes(
    reader: BasesReader, documents: Iterable[tuple[str, Frozen | None]]
) -> Iterator[tuple[str, FilePushes]]:
    for address, frozen in documents:
        if frozen is not None and _file(frozen):
            # Late: reading task files takes 70 modules, and most plans have none.
            from reconciler.operations.planning.task_pushes import pushes_of  # noqa: PLC0415

            document = frozen.read()
            yield address, pushes_of(document, reader.steps(document))
