"""A comparison of the chosen tasks alone; what is left out is counted, never in silence. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reconciler.base.canonical import canonical_json
from reconciler.base.source import Located
from reconciler.model.task import Task
from reconciler.plan.build import Comparer, Comparison, former_address
from reconciler.plan.normalise import canonical_document
from reconciler.plan.selection import Facts, Hits, LeftOut, Selection
from reconciler.plan.stored import Stored


class Narrowed:
    """Stands before a Comparer, is shown every declared task, and passes the chosen ones on."""

    def __init__(
        self,
        selection: Selection,
        applied: Mapping[str, Stored],
        live: Mapping[str, Stored],
        *,
        heal: bool = False,
    ) -> None:
        self._selection, self._applied, self._live = selection, applied, live
        # The comparer takes what is stored and was not shown for undeclared: what is not chosen is
        # taken out of its own two maps.
        self._kept_applied, self._kept_live = dict(applied), dict(live)
        self._comparer = Comparer(self._kept_applied, self._kept_live, heal=heal)
        self._hits = Hits(selection)
        self._declared: set[str] = set()
        self._tasks = self._differing = 0

    def add(self, located: Located[Task]) -> None:
        """Compare one declared task if it is chosen. Raises StateUnusable."""
        task = located.value
        former = former_address(task, self._applied, self._live)
        own = (task.address,) if former is None else (task.address, former)
        self._declared.update(own)
        metadata = task.metadata
        facts = Facts(own, metadata.owner, metadata.labels, located.source.file)
        if self._chooses(facts):
            self._comparer.add(located)
        else:
            self._leave(own, differs=not self._is_everywhere(task))

    def finish(self) -> Comparison:
        """The outcome for the chosen tasks. Raises WrongUsage (a selector fits none)."""
        for address in sorted({*self._applied, *self._live} - self._declared):
            if not self._chooses(
                stored_facts(address, self._applied.get(address), self._live.get(address))
            ):
                self._leave((address,), differs=address in self._applied)
        self._hits.refuse_misses()
        return self._comparer.finish()

    def left_out(self) -> LeftOut:
        """What is not told of; complete once `finish` was called."""
        since = self._selection.since
        return LeftOut(
            target=tuple(one.text for one in self._selection.targets),
            exclude=tuple(one.text for one in self._selection.excludes),
            since=since.ref if since else None,
            since_commit=since.commit if since else None,
            tasks=self._tasks,
            differing=self._differing,
        )

    def _chooses(self, facts: Facts) -> bool:
        self._hits.see(facts)
        return self._selection.selects(facts)

    def _leave(self, addresses: tuple[str, ...], *, differs: bool) -> None:
        self._tasks += 1
        self._differing += differs
        for address in addresses:
            self._kept_applied.pop(address, None)
            self._kept_live.pop(address, None)

    def _is_everywhere(self, task: Task) -> bool:
        text = canonical_json(canonical_document(task))
        stored = (self._applied.get(task.address), self._live.get(task.address))
        return all(one is not None and one.document == text for one in stored)


def stored_facts(address: str, applied: Stored | None, live: Stored | None) -> Facts:
    """The facts of a stored task: by what was applied, else by what is live."""
    metadata = _metadata(applied or live)
    owner, labels = metadata.get("owner"), metadata.get("labels")
    return Facts(
        (address,),
        owner if isinstance(owner, str) else None,
        {key: str(text) for key, text in labels.items()} if isinstance(labels, dict) else {},
        applied.file if applied else None,
    )


def _metadata(stored: Stored | None) -> dict[str, Any]:
    """What cannot be read has no owner and no labels: the comparer says so if it is chosen."""
    try:
        metadata = json.loads(stored.document if stored else "{}")["metadata"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return {}
    return metadata if isinstance(metadata, dict) else {}
