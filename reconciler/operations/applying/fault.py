"""A fault on demand: this process dies, as by kill -9, at one place of an apply. For drills."""

from __future__ import annotations

import re
from typing import get_args

from reconciler.adapters.processes.alive import die
from reconciler.base.errors import WrongUsage
from reconciler.operations.applying.manner import Moment, Passing, just_pass


def fault_at(text: str | None) -> Passing:
    """Die at `POSITION:MOMENT`: at the n-th change, `before` its write, when it is `written`, or
    when it is `settled` in the journal. None: never. Raises WrongUsage."""
    if text is None:
        return just_pass
    moments = "|".join(get_args(Moment))
    match = re.fullmatch(rf"([0-9]{{1,9}}):({moments})", text)
    if match is None:
        raise WrongUsage(f"a fault point is POSITION:MOMENT, with one of {moments}")
    place = (int(match[1]), match[2])

    def passing(position: int, moment: Moment) -> None:
        if (position, moment) == place:
            die()

    return passing
