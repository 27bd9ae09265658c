"""What a task asks of the engine of its platform, as far as its spec says. Asks nobody."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.step import DockerTask, FileTask, InlineTask, Step
from reconciler.model.task import TaskSpec

_BUILDS, _SECRETS, _STARTS, _FILE, _CLOSED = "bscfn"
_LETTERS = (_BUILDS, _SECRETS, _STARTS, _FILE, _CLOSED)


@dataclass(frozen=True, slots=True)
class Demand:
    """A platform, and what is to be done for it.

    `builds` images, `secrets` are mounted into a build, `starts` containers. `unread`: its steps
    stand in a file that is read by the run, which builds or starts something. `closed`: it builds
    one Dockerfile, and may not reach out.
    """

    platform: str
    builds: bool = False
    secrets: bool = False
    starts: bool = False
    unread: bool = False
    closed: bool = False

    def __str__(self) -> str:
        flags = zip(
            _LETTERS,
            (self.builds, self.secrets, self.starts, self.unread, self.closed),
            strict=True,
        )
        return f"{self.platform} {''.join(letter for letter, is_set in flags if is_set)}"


def read_demand(text: str) -> Demand:
    """A demand from its text, `linux/arm64 bs`."""
    platform, _, letters = text.partition(" ")
    return Demand(platform, *(letter in letters for letter in _LETTERS))


def demand_of(spec: TaskSpec) -> Demand:
    """What a task asks for."""
    closed = isinstance(spec.step, DockerTask) and spec.network.egress == "none"
    return Demand(spec.platform, *_of_step(spec.step), closed)


def _of_step(step: Step) -> tuple[bool, bool, bool, bool]:
    """(builds, secrets, starts, unread)."""
    match step:
        case DockerTask():
            return True, bool(step.docker.secrets), False, False
        case InlineTask():
            steps = step.inline.steps
            builds = any(item.build is not None for item in steps)
            return builds, False, any(item.cmd is not None for item in steps), False
        case FileTask():
            return False, False, False, True
