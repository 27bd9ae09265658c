"""Which live tasks mind a base image that moved, and why not the others. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.engine.triggers import pool_of
from reconciler.model.common import duration_seconds
from reconciler.model.event import Verdict
from reconciler.model.run import TriggerKind
from reconciler.model.task import Task
from reconciler.model.tracked import BaseKind
from reconciler.model.trigger import BaseImageTrigger
from reconciler.plan.waves import looks_at

KIND = TriggerKind.BASE_IMAGE


@dataclass(frozen=True, slots=True)
class Standing:
    """A live task with a trigger for base images. `images` are what it pushes, as tracked."""

    address: str
    pool: str
    trigger: BaseImageTrigger
    task_enabled: bool
    images: tuple[str, ...] = ()

    @classmethod
    def of(cls, task: Task, trigger: BaseImageTrigger, images: Iterable[str] = ()) -> Standing:
        """A task with its trigger."""
        enabled = task.spec.status == "Enabled"
        return cls(task.address, pool_of(task), trigger, enabled, tuple(images))

    @property
    def name(self) -> str:
        """The name of its trigger."""
        return self.trigger.name or KIND.value

    @property
    def interval(self) -> float:
        """Seconds between two of its runs, at least."""
        least = self.trigger.min_interval
        return float(duration_seconds(least)) if least is not None else 0.0

    @property
    def off(self) -> Verdict | None:
        """Why it minds nothing; None if it does."""
        if not self.task_enabled:
            return Verdict.TASK_OFF
        return None if self.trigger.status == "Enabled" else Verdict.TRIGGER_OFF

    def minds(self, kind: BaseKind) -> Verdict | None:
        """Why it does not mind an image of this kind; None if it does."""
        return self.off or (None if looks_at(self.trigger, kind) else Verdict.OTHER_STAGE)


Book = Mapping[str, Standing]
