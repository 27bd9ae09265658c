"""A state with tasks that stand on images, a registry in memory, and a clock."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reconciler.base.errors import RegistryRefused
from reconciler.engine.rebuilding import Rebuilding
from reconciler.engine.standing import Standing
from reconciler.engine.waking import wake_of
from reconciler.engine.watcher import Watcher, asked
from reconciler.model.event import Decided, Wake
from reconciler.model.run import OutputImage, RunRecord, RunStatus
from reconciler.model.tracked import BaseKind, TaskBases, TrackedBase
from reconciler.model.watched import Looked, Served
from reconciler.store.claims import Claimed, Room, claim
from reconciler.store.database import Database, open_database
from reconciler.store.decisions import list_decisions
from reconciler.store.leases import save, settle
from reconciler.store.runs import list_runs
from reconciler.store.task_bases import all_standers, put_bases
from tests.unit.engine.test_triggers import task

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOST = "contoso.azurecr.io"
BASE = f"{HOST}/base:1"
QUIET, INTERVAL = 120.0, 900.0


def digest(name: str) -> str:
    return f"sha256:{name:0>64}"


class Watchtower:
    """Everything but registries and builds is real; `served` is what the registry has."""

    def __init__(self, folder: Path, most: int = 10, url: str = "sqlite:///state.db") -> None:
        self.folder, self.url = folder, url
        self.database: Database = open_database(url, folder)
        self.ids = (f"r{number:05}" for number in itertools.count(1))
        self.time = START
        self.served: dict[str, Served | Exception] = {}
        self.asked: list[tuple[float, str]] = []
        self.told: list[dict[str, str]] = []
        self.book: dict[str, Standing] = {}
        self.most = most
        self.open()

    def open(self) -> None:
        self.watcher = Watcher(self.database, INTERVAL, QUIET, self.told.append, lambda: 0.5)
        self.rebuilding = Rebuilding(self.database, self.most, lambda: next(self.ids))

    def restart(self) -> None:
        """As after kill -9: only the state is left."""
        self.database.close()
        self.database = open_database(self.url, self.folder)
        self.open()
        self.keep()

    # ------------------------------------------------------------------ world
    def look(self, reference: str, _known: Served | None) -> Looked:
        self.asked.append((self.seconds(), reference))
        found = self.served.get(reference)
        if isinstance(found, Exception):
            raise found
        return Looked(found)

    def serve(self, reference: str, name: str, **platforms: str) -> None:
        named = {key.replace("_", "/"): digest(value) for key, value in platforms.items()}
        self.served[reference] = Served(digest(name), named)

    def add(
        self,
        name: str,
        *bases: str | tuple[str, BaseKind] | tuple[str, BaseKind, str],
        images: tuple[str, ...] = (),
        enabled: bool = True,
        **trigger: Any,
    ) -> str:
        """A live task that stands on images."""
        address = f"contoso/{name}"
        found = []
        for base in bases:
            reference, kind, platform = base if isinstance(base, tuple) and len(base) == 3 else (
                *(base if isinstance(base, tuple) else (base, "runtime")), "linux/amd64"
            )  # fmt: skip
            found.append(TrackedBase(reference=reference, kind=kind, platform=platform))
        with self.database.write() as connection:
            put_bases(connection, address, TaskBases(images=tuple(found)), "declared", START)
        live = task(status="Enabled" if enabled else "Disabled", baseImage=trigger)
        assert live.spec.triggers.base_image is not None
        one = Standing.of(live, live.spec.triggers.base_image, images)
        self.book[address] = replace(one, address=address)
        self.keep()
        return address

    def keep(self) -> None:
        minders: dict[str, set[str]] = {}
        with self.database.read() as connection:
            for stander in all_standers(connection):
                minders.setdefault(stander.base.reference, set()).add(stander.address)
        makers: dict[str, set[str]] = {}
        for one in self.book.values():
            for image in one.images:
                makers.setdefault(image, set()).add(one.address)
        self.watcher.keep(minders, makers, self.seconds())

    def seconds(self) -> float:
        return self.time.timestamp()

    # ------------------------------------------------------------------- time
    def step(self) -> int:
        self.look_around()
        return self.rebuilding.step(self.book, self.time)

    def look_around(self) -> None:
        """Look at what is due, one after the other."""
        while (image := self.watcher.begin(self.seconds())) is not None:
            self.watcher.end(image, asked(self.look, image), self.seconds())

    def wait(self, seconds: float, every: float = 1.0) -> None:
        """Let time go by, as the daemon does."""
        end = self.time + timedelta(seconds=seconds)
        while self.time < end:
            self.time = min(end, self.time + timedelta(seconds=every))
            self.step()

    def moved(self, reference: str = BASE, name: str = "b") -> None:
        """A tag serves something else, and its event is over its quiet window."""
        self.serve(reference, name)
        self.watcher.hurry(reference, self.seconds())
        self.wait(10)
        self.wait(QUIET, 10)

    # ------------------------------------------------------------------- runs
    def begin(self, count: int = 100) -> list[Claimed]:
        """Runs that workers take and begin, as their programs say at once."""
        found = claim(self.database, "a", {"default": Room(count)}, 6e6, lambda: self.time)
        return [self._begun(claimed) for claimed in found]

    def _begun(self, claimed: Claimed) -> Claimed:
        begun = {"status": RunStatus.RUNNING, "started": self.time}
        record = claimed.record.model_copy(update=begun)
        save(self.database, claimed.lease, record)
        return Claimed(claimed.lease, record)

    def end(
        self,
        claimed: Claimed,
        pushed: Mapping[str, str] | None = None,
        status: RunStatus = RunStatus.SUCCEEDED,
    ) -> None:
        """A run has ended; `pushed` are digests by reference."""
        outputs = tuple(
            OutputImage(reference=reference, digest=digest(name))
            for reference, name in (pushed or {}).items()
        )
        done = claimed.record.model_copy(update={"status": status, "outputs": outputs})
        save(self.database, claimed.lease, done)
        settle(self.database, claimed.lease)

    def runs(self) -> list[RunRecord]:
        return sorted(list_runs(self.database, limit=100_000), key=lambda record: record.id)

    def wakes(self) -> list[Wake]:
        found = [wake_of(record.wanted) for record in self.runs()]
        return [wake for wake in found if wake is not None]

    def tasks(self) -> list[str]:
        return [wake.task.removeprefix("contoso/") for wake in self.wakes()]

    def decided(self, name: str | None = None) -> list[Decided]:
        task = f"contoso/{name}" if name else None
        return list_decisions(self.database, task=task, limit=100_000)[::-1]

    def verdicts(self) -> Counter[str]:
        return Counter(one.verdict.value for one in self.decided())


def refused(text: str = "no") -> RegistryRefused:
    return RegistryRefused(text)
