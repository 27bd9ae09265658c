"""Every error a user can meet, in one tree. Each class fixes its code and its exit code.

Exit codes (also in docs/reference): 0 done, 1 error, 2 changes present, 3 policy blocks,
4 a run failed, 5 locked or in use, 6 stale plan, 7 partly applied, 8 drift only, 64 wrong usage,
130 interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from reconciler.base.diagnostics import Diagnostic


class ReconcilerError(Exception):
    """An error with a message for people, facts about it, and what to do.

    `details` is a list of (label, text) rows printed under the message, `hint` the fix.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        details: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = tuple(details)


class InvalidInput(ReconcilerError):
    """Files of the user are wrong; `diagnostics` says where, all of them at once."""

    code = "invalid-input"

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(f"{len(diagnostics)} problems in the input")
        self.diagnostics = tuple(diagnostics)


class WrongUsage(ReconcilerError):
    """The words of the command are wrong (click's own exit code 2 is remapped to this)."""

    code = "usage"
    exit_code = 64


class PolicyBlocked(ReconcilerError):
    """A mandatory policy rule failed and no valid waiver covers it."""

    code = "policy"
    exit_code = 3


class RunFailed(ReconcilerError):
    """A run ended without success; the record holds the reason."""

    code = "run-failed"
    exit_code = 4


class Locked(ReconcilerError):
    """Somebody else is applying; the message names the holder."""

    code = "locked"
    exit_code = 5


class StalePlan(ReconcilerError):
    """The plan expired, or what it was made from has moved."""

    code = "stale-plan"
    exit_code = 6


class PartlyApplied(ReconcilerError):
    """Some writes were done and some were not; the journal says which."""

    code = "partly-applied"
    exit_code = 7


class PlanRejected(ReconcilerError):
    """A plan file that is edited, foreign, newer than this tool, or no plan at all."""

    code = "plan-rejected"


class StateUnusable(ReconcilerError):
    """The state database is corrupt, newer than this tool, busy or cannot be opened."""

    code = "state"


class StateFull(StateUnusable):
    """The disk of the state has no room left."""


class StateBusy(StateUnusable):
    """Another process holds the state, for longer than we wait."""


class StateInUse(StateUnusable):
    """The state is of an earlier version, and somebody of that version works with it."""

    code = "state-in-use"
    exit_code = 5


class StateOutgrown(StateUnusable):
    """A later version brought the state up while this process was at work with it."""

    code = "state-outgrown"


class NotBegun(ReconcilerError):
    """A run could not be begun: its program cannot read the state. The run is not to blame.

    Its exit code is EX_TEMPFAIL of sysexits; only a worker sees it.
    """

    code = "not-begun"
    exit_code = 75


class EngineUnavailable(ReconcilerError):
    """No container engine answers, or it went away."""

    code = "engine"


class RegistryRefused(ReconcilerError):
    """A registry cannot be reached or refuses what was asked."""

    code = "registry"


class RegistryBusy(RegistryRefused):
    """A registry does not answer, or wants to be left alone; `seconds` if it said how long."""

    def __init__(self, message: str, *, seconds: float | None = None) -> None:
        super().__init__(message)
        self.seconds = seconds


class SecretUnavailable(ReconcilerError):
    """A secret reference cannot be resolved. The message names the reference, never a value."""

    code = "secret"


class Interrupted(ReconcilerError):
    """A person or the system asked us to stop."""

    code = "interrupted"
    exit_code = 130
