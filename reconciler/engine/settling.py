"""What became of the runs of an event of images, told to the tasks that wait for them.

One transaction: a task is done, those that stand on it are next or are skipped, and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from reconciler.engine.following import merged
from reconciler.engine.image_decisions import Scribe
from reconciler.model.event import Decided, Verdict
from reconciler.model.rebuild import Digests, Outcome, Progress, Rebuild
from reconciler.model.run import RunRecord, RunStatus
from reconciler.model.tracked import tracked_reference
from reconciler.model.watched import MOST_HOPS, Served
from reconciler.store.decisions import Register
from reconciler.store.images import read_image, save_image, sighted_since
from reconciler.store.rebuilds import (
    add_rebuilds,
    any_waits,
    ended_rebuilds,
    rebuilds_of,
    save_rebuilds,
)
from reconciler.store.task_bases import Transaction, tasks_on

_Fate = tuple[Rebuild, Decided | None]


@dataclass(slots=True)
class Settling:
    """The runs that ended, in one transaction."""

    connection: Transaction
    scribe: Scribe
    _minders: dict[str, set[str]] = field(default_factory=dict, init=False)

    def settle_all(self, limit: int) -> None:
        """Close the tasks whose runs have ended."""
        self.close(self._closed(*ended) for ended in ended_rebuilds(self.connection, limit))

    def close(self, items: Iterable[Rebuild]) -> None:
        """These are done, as their outcome says: go on with those that wait for them."""
        done = [replace(item, progress=Progress.DONE) for item in items]
        save_rebuilds(self.connection, done)
        for event in sorted({item.event for item in done}):
            self._add_late([item for item in done if item.event == event])
            if any_waits(self.connection, event):
                self._tell_family(event)

    # ---------------------------------------------------------------- one run
    def _closed(self, item: Rebuild, record: RunRecord | None) -> Rebuild:
        if record is None or record.status is not RunStatus.SUCCEEDED:
            return replace(item, outcome=Outcome.FAILED)
        made = self._made(record)
        return replace(item, made=made, outcome=Outcome.CHANGED if made else Outcome.SAME)

    def _made(self, record: RunRecord) -> Digests:
        """What a run pushed that is new; noted as seen, so that no look makes an event of it.

        New is what differs from what was served before the run began. Looks while it goes on leave
        that as it is (engine/watcher); only where nobody knew that the task pushes this tag may
        one have noted the run's own push as the first sight.
        """
        found: dict[str, tuple[str | None, str]] = {}
        for reference, digest in _pushed(record):
            image = read_image(self.connection, reference)
            before = image.served if image is not None else None
            if before is not None and before.digest == digest:
                since = record.started or record.queued
                if sighted_since(self.connection, reference, digest, since):
                    found[reference] = (None, digest)
                continue
            found[reference] = (before.digest if before else None, digest)
            if image is not None:
                later = replace(
                    image, served=Served(digest, None), absent=False, failures=0, message=None
                )
                save_image(self.connection, later, image)
        return found

    # ------------------------------------------------------------------- late
    def _add_late(self, done: list[Rebuild]) -> None:
        """Tasks that are known to stand on what was pushed only since the event began."""
        late = {
            (address, maker.address): (maker, reference)
            for maker in done
            for reference in maker.made
            for address in self._on(reference) - {maker.address}
        }
        if not late:
            return
        hops = {item.address: item.hop for item in rebuilds_of(self.connection, done[0].event)}
        for (address, _), (maker, reference) in sorted(late.items(), key=lambda item: item[0]):
            if address not in hops and maker.hop < MOST_HOPS:
                hops[address] = maker.hop + 1
                one = Rebuild(maker.event, address, hops[address], (maker.address,))
                add_rebuilds(self.connection, [one])
            elif address not in hops or hops[address] <= maker.hop:
                self._note_end(maker, address, reference, known=address in hops)

    def _note_end(self, maker: Rebuild, address: str, reference: str, *, known: bool) -> None:
        detail = f"more than {MOST_HOPS} builds one after the other"
        if known:
            detail = f"it was built before {maker.address}: they stand on each other"
        moved = {reference: maker.made[reference]}
        one = Rebuild(maker.event, address, maker.hop, moved=moved)
        Register(self.connection).note([self.scribe.decide(one, Verdict.HOP_LIMIT, detail)])

    # ----------------------------------------------------------------- family
    def _tell_family(self, event: int) -> None:
        """Those whose parents are all done: they are next, or are skipped."""
        everyone = {item.address: item for item in rebuilds_of(self.connection, event, family=True)}
        while changed := list(self._next(everyone)):
            save_rebuilds(self.connection, [item for item, _ in changed])
            Register(self.connection).note(one for _, one in changed if one is not None)
            everyone.update({item.address: item for item, _ in changed})

    def _next(self, everyone: dict[str, Rebuild]) -> Iterator[_Fate]:
        for item in everyone.values():
            if item.progress is not Progress.WAITING or not item.waits_for:
                continue
            known = [everyone[address] for address in item.waits_for if address in everyone]
            if len(known) == len(item.waits_for) and all(one.outcome for one in known):
                yield self._fate(item, known)

    def _fate(self, item: Rebuild, parents: list[Rebuild]) -> _Fate:
        """What becomes of a task whose parents are done."""
        for parent in parents:
            if parent.outcome is Outcome.FAILED:
                detail = f"{parent.address} was not built" + _run(parent)
                return self._skipped(item, Outcome.FAILED, Verdict.PARENT_FAILED, detail)
        made = merged(*[one.made for one in parents])
        own = {key: made[key] for key in made if item.address in self._on(key)}
        moved = merged(item.moved, own)
        if not moved:
            detail = f"{parents[0].address} pushed nothing new" + _run(parents[0])
            return self._skipped(item, Outcome.SAME, Verdict.PARENT_SAME, detail)
        return replace(item, waits_for=(), moved=moved), None

    def _skipped(
        self, item: Rebuild, outcome: Outcome, verdict: Verdict, detail: str
    ) -> tuple[Rebuild, Decided]:
        done = replace(item, progress=Progress.DONE, outcome=outcome)
        return done, self.scribe.decide(item, verdict, detail)

    def _on(self, reference: str) -> set[str]:
        """The tasks that mind an image."""
        if reference not in self._minders:
            self._minders[reference] = {
                one.address
                for one in tasks_on(self.connection, reference)
                if (standing := self.scribe.book.get(one.address)) is not None
                and standing.minds(one.base.kind) is None
            }
        return self._minders[reference]


def _pushed(record: RunRecord) -> Iterator[tuple[str, str]]:
    """(tracked reference, digest) of what a run pushed."""
    for output in record.outputs:
        if output.digest is None:
            continue
        try:
            yield tracked_reference(output.reference), output.digest
        except ValueError:
            continue


def _run(parent: Rebuild) -> str:
    return f" (run {parent.run_id})" if parent.run_id else ""
