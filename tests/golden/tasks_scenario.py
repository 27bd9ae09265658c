"""Live tasks of every kind, as the command `tasks` gets them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.model.run import Reason, RunRecord, RunStatus
from reconciler.model.task import Task
from reconciler.operations.showing.tasks import LiveRow, NextFire
from tests.unit.plan.builders import task

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
HOOKED = {"source": "https://git.contoso.example/web.git#main", "token": {"secret": "env:GIT"}}


def run(run_id: str, status: RunStatus, minutes: int, **fields: Any) -> RunRecord:
    """A run that ended so many minutes ago."""
    at = NOW - timedelta(minutes=minutes)
    whole = {"actor": "lead@contoso.example", "queued": at, "started": at, "finished": at}
    return RunRecord(id=run_id, status=status, **{**whole, **fields})


def row(value: Task, last: RunRecord | None = None, fire: NextFire | None = None) -> LiveRow:
    return LiveRow(value.address, value, "lead@contoso.example", NOW, last, fire)


def rows() -> list[LiveRow]:
    """All of them, by address."""
    web = task(
        "web-api",
        metadata={"owner": "team-web", "contact": "web@contoso.example"},
        context=HOOKED,
        triggers={
            "commit": {"branch": "main"},
            "pullRequest": {"status": "Disabled"},
            "baseImage": {"type": "All"},
            "timers": {
                "nightly": "0 3 * * *",
                "weekly": {"schedule": "0 4 * * 0", "status": "Disabled"},
            },
        },
        identity={"type": "UserAssigned", "ids": ["/subscriptions/0/identities/web"]},
    )
    etl = task(
        "etl-job",
        metadata={"owner": "team-data"},
        triggers={"timers": {"often": "*/15 * * * *"}},
        step={"file": {"path": "task.yaml"}},
    )
    old = task("old-one", status="Disabled", step={"docker": {"images": ["a:1", "b:1"]}})
    hostile = task("odd-one", metadata={"owner": "\x1b[31mroot\u202e"})
    return [
        row(
            etl,
            run("r7j9abc", RunStatus.FAILED, 4, reason=Reason.STEP),
            NextFire("often", NOW + timedelta(minutes=11)),
        ),
        LiveRow("contoso/from-the-future", None, "ci", NOW),
        row(hostile, run("r7j8abc", RunStatus.RUNNING, 1, finished=None)),
        row(old),
        row(
            web,
            run("r7k2abc", RunStatus.SUCCEEDED, 125),
            NextFire("nightly", NOW + timedelta(hours=18)),
        ),
    ]
