"""What doctor tells of one thing: found or not, needed or not, and what helps. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reconciler.base.diagnostics import Location
from reconciler.model.capability import Capability


class Status(StrEnum):
    """How it stands with one thing."""

    OK = "ok"
    WARNING = "warning"
    MISSING = "missing"
    NOT_NEEDED = "not needed"


class Kind(StrEnum):
    """What is looked at, in the order in which it is told."""

    SPECS = "specs"
    ENGINE = "engine"
    BUILDER = "builder"
    PLATFORM = "platform"
    REGISTRY = "registry"
    GIT = "git"
    SECRET = "secret"  # noqa: S105  (a word for people)
    VAULT = "vault"
    TOKEN = "token"  # noqa: S105
    STATE = "state"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `subject` is the thing's name, `text` what was found of it.

    `declared`: the workspace asks for it, at `place` first; missing, it makes doctor end with 1.
    """

    kind: Kind
    subject: str
    status: Status
    text: str
    fix: str | None = None
    declared: bool = False
    place: Location | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that was found. `workspace` is its folder, None outside of any.

    `recorded`: plans know from now on what these engines can do.
    """

    at: datetime
    findings: tuple[Finding, ...]
    engines: tuple[Capability, ...] = ()
    workspace: str | None = None
    recorded: bool = False

    @property
    def lacking(self) -> tuple[Finding, ...]:
        """What the workspace declares and is not here."""
        return tuple(one for one in self.findings if one.declared and one.status is Status.MISSING)
