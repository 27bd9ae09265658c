"""What a task does, in the reader's words: its step, what it pushes, what wakes it."""

from __future__ import annotations

import functools
from datetime import datetime

from reconciler.base.clock import spell_moment
from reconciler.model.context import ContextKind
from reconciler.model.schedule import ScheduleError, next_fire
from reconciler.model.task import Task
from reconciler.plan.timers import runs_a_day
from reconciler.report.facts_text import spell_runs


def describe(task: Task, now: datetime | None) -> list[str]:
    """What a task does, in the reader's words. Of one that goes (no `now`) no run is foretold."""
    return [_step(task), *_pushes(task), *_triggers(task, now)]


def _step(task: Task) -> str:
    source = task.spec.context.source
    if task.spec.docker is not None:
        return f"docker build of {source} on {task.spec.platform}"
    place = "" if task.spec.context.kind is ContextKind.NONE else f" with {source}"
    kind = "task file" if "file" in type(task.spec.step).model_fields else "inline steps"
    return f"{kind}{place} on {task.spec.platform}"


def _pushes(task: Task) -> list[str]:
    names = [image.replace("{{.Run.ID}}", "{run id}") for image in task.images]
    return [f"pushes {', '.join(names)}"] if names else []


def _triggers(task: Task, now: datetime | None) -> list[str]:
    triggers = task.spec.triggers
    told = [f"on push to {hook.branch or 'the default branch'}" for hook in triggers.commit]
    told += ["on pull request"] * len(triggers.pull_request)
    told += ["on base image"] if triggers.base_image else []
    for name, timer in triggers.timers.items():
        is_off = "Disabled" in {task.spec.status, timer.status}
        when = "off" if is_off else _runs(timer.schedule, now)
        told.append(f"timer {name} {timer.schedule} UTC{f' ({when})' if when else ''}")
    return [", ".join(told) if told else "no trigger: runs by hand only"]


@functools.lru_cache(maxsize=256)  # many tasks have one schedule
def _runs(schedule: str, now: datetime | None) -> str:
    """How often, and when next; nothing where no time is given."""
    if now is None:
        return ""
    try:
        following = spell_moment(next_fire(schedule, now), now)
        return f"{spell_runs(runs_a_day(schedule))}, next: {following}"
    except ScheduleError as error:
        return str(error)
