#!/usr/bin/env python3
"""Play the colleague who changes a live task by hand: its timeout, straight in the state.

With the embedded provider the state database is where live tasks are.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from datetime import UTC, datetime

ADDRESS = "contoso/web-api"

with contextlib.closing(sqlite3.connect("file:.reconciler/state.db?mode=rw", uri=True)) as state:
    (text,) = state.execute(
        "SELECT document FROM live_tasks WHERE address = ?", (ADDRESS,)
    ).fetchone()
    task = json.loads(text)
    task["spec"]["timeout"] = 7200
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    state.execute(
        "UPDATE live_tasks SET document = ?, changed_by = ?, changed_at = ? WHERE address = ?",
        (json.dumps(task), "oncall@contoso.example", now, ADDRESS),
    )
    state.commit()
print(f"{ADDRESS}: timeout is 7200 now, and no spec says so")
