"""One plan with everything in it, an apply and a drift: what the golden files show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reconciler.operations.apply import Step, Taken
from reconciler.operations.plan import Planned
from reconciler.operations.recover import Recovered
from reconciler.operations.validate import Validation
from reconciler.plan.change import Cause, Change, Inputs, Plan
from reconciler.policy.waivers import PolicyResult
from reconciler.store.locks import Holder
from tests.unit.plan.builders import NOW, compared, plan_of, task

COMMIT = "9ac11e0d" * 5
GIT = {"source": "https://git.contoso.example/shop.git#main:api", "token": {"secret": "env:GIT"}}


def comparison_plan(*, heal: bool = False) -> Plan:
    """One of each: create, change, rename, delete, drift, unmanaged."""
    old = [
        task("web-api", triggers={"timers": {"nightly": "0 3 * * *"}}),
        task("frontend"),
        task("legacy-base"),
        task("etl-job", platform="linux/arm64"),
    ]
    declared = [
        task("shop-api", context=GIT, triggers={"commit": {}, "timers": {"nightly": "0 3 * * *"}}),
        task("web-api", platform="linux/arm64", triggers={"timers": {"nightly": "0 */2 * * *"}}),
        task(
            "shop-frontend",
            metadata={"movedFrom": ["frontend"]},
            step={"docker": {"images": ["frontend:{{.Run.ID}}"]}},
        ),
        old[3],
    ]
    live = [*old[:3], task("etl-job", platform="linux/arm64", timeout=7200), task("by-hand")]
    found = compared(declared, old, live, heal=heal)
    changes = tuple(with_cause(change) for change in found.changes)
    inputs = Inputs(commit=COMMIT)
    plan = plan_of(found, inputs=inputs, declared=4, live=5, unchanged=1, state_serial=188)
    return plan.model_copy(update={"changes": changes, "unmanaged": tuple(found.unmanaged)})


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
    return change.model_copy(update={"cause": cause})


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
