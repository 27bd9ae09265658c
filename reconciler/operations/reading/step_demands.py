"""What the steps of a task ask for beyond its spec: secrets of its file, platforms of its builds.

Read from the workspace, as far as no run is needed for it. Asks nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from reconciler.model.demand import Demand, demand_of
from reconciler.model.platform import canonical_platform
from reconciler.model.step import DockerTask, FileTask
from reconciler.model.task import Task
from reconciler.model.vaults import key_vault_reference
from reconciler.operations.reading.demands import Asking, Demands
from reconciler.operations.reading.task_steps import UnknownSteps, read_steps
from reconciler.operations.workspace import OpenWorkspace
from reconciler.taskfile.tasks import BuildStep, CmdStep, TaskFile


@dataclass(slots=True)
class WithSteps:
    """What tasks ask for, as far as their steps say so before a run.

    `foreign` is what build steps ask for that name another platform, by that of their task.
    """

    demands: Demands = field(default_factory=Demands)
    foreign: dict[tuple[str, Demand], Asking] = field(default_factory=dict)


def with_steps(demands: Demands, opened: OpenWorkspace) -> WithSteps:
    """The same with the steps of few tasks read; of many that ask for the same, none are."""
    found = WithSteps()
    for text, asking in demands.asking.items():
        if asking.count > len(asking.first):
            found.demands.asking[text] = asking
            continue
        for asker in asking.first:
            task = asker.task().value
            steps = steps_before_run(opened, task)
            if steps is None:
                found.demands.add(text, asker)
                continue
            found.demands.add(str(known_demand(task, steps)), asker)
            for demand in foreign_builds(task, steps):
                key = (task.spec.platform, demand)
                found.foreign.setdefault(key, Asking(path=("spec", "step"))).add(asker)
    return found


def steps_before_run(opened: OpenWorkspace, task: Task) -> TaskFile | None:
    """The steps of a task, None if only its run knows them, or if they are a docker step."""
    if isinstance(task.spec.step, DockerTask):
        return None
    try:
        return read_steps(opened, task)
    except UnknownSteps:
        return None


def file_secrets(task: Task, steps: TaskFile) -> Iterator[str]:
    """The references under `secrets:` of a task file; those of a spec are its own."""
    if isinstance(task.spec.step, FileTask):
        for secret in steps.secrets:
            yield key_vault_reference(secret.keyvault, secret.client_id)


def known_demand(task: Task, steps: TaskFile | None) -> Demand:
    """What a task asks for; of a task file that could be read, what its steps do."""
    demand = demand_of(task.spec)
    if steps is None or not demand.unread:
        return demand
    builds = [one for one in steps.steps if isinstance(one, BuildStep)]
    return replace(
        demand,
        builds=bool(builds),
        secrets=any(one.build.secrets for one in builds),
        starts=any(isinstance(one, CmdStep) for one in steps.steps),
        unread=False,
    )


def foreign_builds(task: Task, steps: TaskFile) -> set[Demand]:
    """What build steps ask for that name a platform other than their task's."""
    found = set()
    for one in steps.steps:
        if isinstance(one, BuildStep) and one.build.platform:
            try:
                platform = canonical_platform(one.build.platform)
            except ValueError:  # told by validate and by the run
                continue
            if platform != task.spec.platform:
                found.add(Demand(platform, builds=True, secrets=bool(one.build.secrets)))
    return found
