"""What every plan begins with: its name, its time, and the state it was made against."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from reconciler import __version__
from reconciler.base.ids import new_id

VALID_FOR = timedelta(hours=24)


def plan_head(now: datetime, state_id: str, serial: int = 0) -> dict[str, Any]:
    """The fields of a plan that do not depend on what is in it. `now` has no microseconds."""
    return {
        "id": new_id("p-", 8),
        "created": now,
        "expires": now + VALID_FOR,
        "tool_version": __version__,
        "state_id": state_id,
        "state_serial": serial,
    }
