"""One plan with everything in it, an apply and a drift: what the golden files show."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.model.workspace import KnownDrift
from reconciler.operations.applying.apply import Step
from reconciler.operations.applying.taken import Recovered, Taken
from reconciler.operations.planning.plan import Planned
from reconciler.operations.reading.validate import Validation
from reconciler.plan.change import Cause, Change, FieldChange, Inputs, Plan
from reconciler.plan.facts import RebuildChange
from reconciler.plan.known import set_apart
from reconciler.plan.parts import Blame
from reconciler.plan.releases import release_paths
from reconciler.plan.timers import timer_changes
from reconciler.policy.waivers import PolicyResult
from reconciler.store.locks import Holder
from tests.unit.plan.builders import NOW, compared, plan_of, stores, task

COMMIT = "9ac11e0d" * 5
KNOWN = KnownDrift.model_validate(
    {
        "match": {"address": "contoso/etl-*"},
        "field": "spec.cache",
        "owner": "team-data",
        "reason": "load test of the new cache",
        "ticket": "OPS-991",
        "expires": "2026-11-30",
    }
)
BASE = RebuildChange(
    image="registry.contoso.example/base:1",
    waves=(8, 5, 1),
    waves_before=(8, 4),
    gained=("contoso/shop-api", "contoso/web-api"),
    at_once=10,
    platforms=("linux/amd64",),
)
GIT = {"source": "https://git.contoso.example/shop.git#main:api", "token": {"secret": "env:GIT"}}


def comparison_plan(*, heal: bool = False) -> Plan:
    """One of each: create, change, rename, delete, drift, known drift, unmanaged."""
    old = [
        task("web-api", context=token("env:GIT", "2026-12-01"), **nightly("0 3 * * *")),
        task("frontend"),
        task("legacy-base", **pushes("web:prod")),
        task("etl-job", platform="linux/arm64"),
    ]
    declared = [
        task("shop-api", context=GIT, triggers={"commit": {}, "timers": {"nightly": "0 3 * * *"}}),
        task(
            "web-api",
            platform="linux/arm64",
            context=token("vault:git/pat", "2027-01-31"),
            **nightly("0 */2 * * *"),
            **pushes("web-api:{{.Run.ID}}", "web:prod"),
        ),
        task(
            "shop-frontend",
            metadata={"movedFrom": ["frontend"]},
            step={"docker": {"images": ["frontend:{{.Run.ID}}"]}},
        ),
        old[3],
    ]
    drifted = task("etl-job", platform="linux/arm64", timeout=7200, cache="enabled")
    live = [*old[:3], drifted, task("by-hand")]
    found = compared(declared, old, live, heal=heal)
    changes = tuple(with_cause(change) for change in found.changes)
    inputs = Inputs(commit=COMMIT)
    plan = plan_of(found, inputs=inputs, declared=4, live=5, unchanged=1, state_serial=188)
    apart = set_apart(found.drift, [("reconciler.yaml:12:5", KNOWN)], stores(*old), NOW.date())
    facts: dict[str, Any] = {
        "changes": changes,
        "unmanaged": tuple(found.unmanaged),
        "drift": tuple(apart.drift),
        "known_drift": tuple(apart.known),
        "releases": release_paths(changes, {"contoso": "registry.contoso.example"}).paths,
        "timers": timer_changes(changes, NOW),
        "rebuilds": (BASE,),
    }
    return plan.model_copy(update=facts)


def token(reference: str, expires: str) -> dict[str, Any]:
    """A context with a token."""
    kept = {"secret": reference, "expires": expires, "scopes": ["repo:status"]}
    return {"source": "https://git.contoso.example/web.git#main", "token": kept}


def nightly(schedule: str) -> dict[str, Any]:
    """A timer."""
    return {"triggers": {"timers": {"nightly": schedule}}}


def pushes(*images: str) -> dict[str, Any]:
    """A docker step that writes some names."""
    return {"step": {"docker": {"images": list(images)}}}


def with_cause(change: Change) -> Change:
    """The change, written by somebody."""
    name = change.address.partition("/")[2]
    cause = Cause(
        file=f"specs/{name}.yaml",
        line=31,
        commit=COMMIT,
        author="lead@contoso.example",
        committed=NOW,
    )
    return replace(change, cause=cause, paths=tuple(map(_with_author, change.paths)))


def _with_author(field: FieldChange) -> FieldChange:
    if field.cause == "drift":
        return field
    blame = Blame(commit=COMMIT, author="lead@contoso.example", committed=NOW)
    return replace(field, blame=blame)


def planned(plan: Plan | None = None, *, killed: bool = False) -> Planned:
    """The plan as the command has it; `killed`: after an apply that was killed."""
    former = Holder("ci@runner-7", "runner-7", 311, "x", "apply p-older234")
    recovered = Recovered("a-7f3a9c1e", "ci@runner-7", 1, 3, ("contoso/b", "contoso/c"))
    taken = Taken(former, (recovered,)) if killed else Taken(None, ())
    nothing = PolicyResult(4, (), (), (), (), {})
    validation = Validation(4, 0, 0, 0, (), (), nothing, "sha256:0", "sha256:0")
    return Planned(plan or comparison_plan(), validation, taken)


def steps(plan: Plan) -> list[Step]:
    """Every write of the plan, done."""
    writes = plan.writes
    return [Step(n, len(writes), change, 0.014) for n, change in enumerate(writes, 1)]


AT = datetime(2026, 11, 21, 14, 0, tzinfo=UTC) + timedelta(minutes=4)
