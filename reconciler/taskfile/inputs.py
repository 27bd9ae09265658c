"""What reading a task file takes from outside: its manner, values, secrets. Holds data only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from reconciler.taskfile.tasks import Secret


class Manner(StrEnum):
    """How a task file is read: refuse what is doubtful, or accept what ACR's engine accepts."""

    STRICT = "strict"
    ACB = "acb"


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything from outside that a task file may use. Nothing in it does work by itself.

    `run` are the values of `.Run` by documented name (ID, Commit, ...); `values` those of
    `.Values`, where `secret_values` win and are treated as secrets; `environment` are `K=V`
    defaults for steps; `network` joins an existing network. `fetch` gives the text of an alias
    source and `secret` the value of a vault secret: both raise ReconcilerError where they cannot.
    Without `secret` nothing is resolved and every secret reads `***`. `seed` is what random
    values are made from; the same one gives the same values.
    """

    run: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    secret_values: Mapping[str, str] = field(default_factory=dict, repr=False)
    environment: tuple[str, ...] = ()
    network: str | None = None
    working_directory: str | None = None
    now: datetime | None = None
    seed: bytes | None = field(default=None, repr=False)
    fetch: Callable[[str], str] | None = None
    secret: Callable[[Secret], str] | None = None
