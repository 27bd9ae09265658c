"""One workspace with something of everything, hostile text included, as an audit report."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from reconciler.base.source import Located
from reconciler.model.task import Task
from reconciler.operations.auditing.audit import audit
from reconciler.operations.auditing.audit_report import AuditReport, EventRow
from tests.unit.policy.builders import on_public_repository, policy, source, task, waiver

AS_OF = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
OWNED = {"owner": "team-web", "contact": "web@contoso.example", "reviewBy": "2027-06-30"}
HOSTILE = "<script>alert('x')</script>\u202e\x1b[31m"

RULES: list[dict[str, Any]] = [
    {"name": "token-scope"},
    {"name": "ownership", "params": {"required": ["owner", "reviewBy"]}},
    {"name": "schedule-floor", "enforcement": "advisory"},
    {"name": "docker-socket", "id": "SEC-7", "controls": ["own: SEC-7"]},
    {"name": "protect-required", "match": {"labels": {"tier": "prod"}}},
]


def declared() -> list[Located[Task]]:
    every_minute = {"spec": {"triggers": {"timers": {"often": "* * * * *"}}}}
    tasks = [
        task("web-api", on_public_repository("repo"), **OWNED),
        task("web-docs", on_public_repository("repo:status"), **OWNED),
        task("etl-hourly", every_minute, **OWNED),
        task("shop-front", {"spec": {"dockerSocket": True}}, **OWNED, labels={"tier": "prod"}),
        task("new-task", {"spec": {"protect": True}}, **OWNED),
    ]
    return [Located(one, source(f"specs/{one.metadata.name}.yaml", 4)) for one in tasks]


def live() -> dict[str, Task]:
    found = {located.value.address: located.value for located in declared()[:4]}
    changed: dict[str, Any] = {"spec": {"dockerSocket": True, "timeout": 7200}}
    found["contoso/shop-front"] = task("shop-front", changed, **OWNED)
    found["contoso/by-hand"] = task("by-hand", owner=HOSTILE)
    return found


def report(**changes: Any) -> AuditReport:
    fields: dict[str, Any] = {
        "policies": [policy(*RULES, file="policies/default.yaml")],
        "waivers": [
            waiver(
                "token-scope",
                "2026-12-18",
                id="W-17",
                match={"address": "contoso/web-docs"},
                ticket="OPS-991",
                reason=f"moves to an app {HOSTILE}",
            ),
            waiver("ownership", "2026-11-01", id="W-18", match={"address": "contoso/by-hand"}),
            waiver("SEC-7", "2026-11-30", id="W-19", match={"labels": {"tier": "prod"}}),
            waiver("schedule-floor", "2027-01-01", match={"owner": "team-etl"}),
        ],
        "as_of": AS_OF,
        "commit": "4be02d1c0de41f00d4be02d1c0de41f00d4be02d",
        "drifted": ["contoso/shop-front"],
        "unreadable": ["contoso/from-the-future"],
        "events": [
            EventRow(
                datetime(2026, 11, 18, 9, 14, tzinfo=UTC),
                "lock-broken",
                "oncall@contoso.example",
                "apply by dev@contoso.example on build-7 (process 4711)",
                f"its host is gone {HOSTILE}",
            ),
            EventRow(
                datetime(2026, 11, 19, 7, 0, tzinfo=UTC),
                "limit-overridden",
                "dev@contoso.example",
                "apply a-1 of plan p-1: limit of deletes, 12 allowed",
                "@everyone: the old bases go",
            ),
        ],
        "tool_version": "0.0.0",
    }
    return audit(declared(), live(), **{**fields, **changes})
