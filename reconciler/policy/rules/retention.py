"""How long logs and run details are kept: declared, and inside the policy's range."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from pydantic import Field, model_validator

from reconciler.model.common import Duration, Model, duration_seconds, problem
from reconciler.model.task import Task
from reconciler.policy.rule import BuiltIn, Finding, Predicate, fails, passes


class Range(Model):
    """Least and most time to keep something; either end may be open."""

    min: Duration | None = Field(default=None, description="least time, for example 30d")
    max: Duration | None = Field(default=None, description="most time, for example 365d")

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if self.min and self.max and duration_seconds(self.min) > duration_seconds(self.max):
            raise problem("params", "min is not more than max")
        return self

    def spell(self) -> str:
        """The range in words."""
        ends = (("at least", self.min), ("at most", self.max))
        return ", ".join(f"{word} {end}" for word, end in ends if end) or "any"

    def nearest(self, value: str) -> str | None:
        """The end of the range a value lies beyond, or None if it lies inside."""
        seconds = duration_seconds(value)
        if self.min is not None and seconds < duration_seconds(self.min):
            return self.min
        if self.max is not None and seconds > duration_seconds(self.max):
            return self.max
        return None


class RetentionRange(Model):
    """Parameters of retention-range. `null` for a range: not judged."""

    logs: Range | None = Field(
        default=Range(min="30d", max="400d"),
        description="least and most time for logs: {min, max}; null: not judged",
    )
    runs: Range | None = Field(
        default=Range(min="90d", max="1100d"),
        description="least and most time for run details: {min, max}; null: not judged",
    )


Judge = Callable[[RetentionRange, Task, date], Iterator[Finding]]


def _range_of(params: RetentionRange, field: str) -> Range | None:
    return params.logs if field == "logs" else params.runs


def _value_of(task: Task, field: str) -> str | None:
    return task.spec.retention.logs if field == "logs" else task.spec.retention.runs


def _declared(field: str) -> Judge:
    def check(params: RetentionRange, task: Task, _today: date) -> Iterator[Finding]:
        allowed = _range_of(params, field)
        if allowed is not None and _value_of(task, field) is None:
            yield Finding(
                ("spec", "retention", field),
                f"the retention of {field} is not declared",
                None,
                allowed.spell(),
                f"add retention.{field}: {allowed.min or allowed.max or '90d'}",
            )

    return check


def _in_range(field: str) -> Judge:
    def check(params: RetentionRange, task: Task, _today: date) -> Iterator[Finding]:
        allowed, value = _range_of(params, field), _value_of(task, field)
        end = allowed.nearest(value) if allowed is not None and value is not None else None
        if allowed is not None and end is not None:
            short = end == allowed.min
            message = f"{field} are " + ("not kept long enough" if short else "kept too long")
            path = ("spec", "retention", field)
            yield Finding(path, message, value, allowed.spell(), f"set retention.{field}: {end}")

    return check


def _judged(field: str) -> Callable[[RetentionRange, Task], bool]:
    return lambda params, _task: _range_of(params, field) is not None


def _given(field: str) -> Callable[[RetentionRange, Task], bool]:
    return lambda params, task: (
        _range_of(params, field) is not None and _value_of(task, field) is not None
    )


def _kept(**retention: str) -> dict[str, object]:
    return {"spec": {"retention": retention}}


RULE = BuiltIn(
    name="retention-range",
    title="Logs and run details are kept as long as the policy says, and not longer",
    description=(
        "Evidence that is purged too early cannot be shown; logs kept for ever hold data nobody "
        "is allowed to keep. The row of a run and its digests stay in any case."
    ),
    params=RetentionRange,
    severity="medium",
    predicates=(
        Predicate(
            "logs-declared", "retention.logs is declared", _declared("logs"), _judged("logs")
        ),
        Predicate(
            "logs-in-range", "retention.logs is inside the range", _in_range("logs"), _given("logs")
        ),
        Predicate(
            "runs-declared", "retention.runs is declared", _declared("runs"), _judged("runs")
        ),
        Predicate(
            "runs-in-range", "retention.runs is inside the range", _in_range("runs"), _given("runs")
        ),
    ),
    examples=(
        passes("inside both ranges", _kept(logs="30d", runs="90d")),
        fails("logs not declared", _kept(runs="90d")),
        fails("runs not declared", _kept(logs="30d")),
        fails("logs too short", _kept(logs="7d", runs="90d")),
        fails("logs too long", _kept(logs="401d", runs="90d")),
        fails("runs too short", _kept(logs="30d", runs="30d")),
        passes("only logs are judged", _kept(logs="30d"), runs=None),
    ),
    fix="declare spec.retention.logs and spec.retention.runs inside the range",
    controls=("SOC 2 CC7.2", "ISO 27001 A.8.15"),
)
