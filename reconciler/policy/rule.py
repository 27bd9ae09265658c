"""The parts a rule is made of. Data and one merge function; judging stands in evaluate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Generic, Literal, TypeVar

from reconciler.base.source import Path
from reconciler.model.common import API_VERSION, Model
from reconciler.model.policy import RuleSeverity
from reconciler.model.task import Task

P = TypeVar("P", bound=Model)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose verdicts they are. `live`: read back from where it runs, not from a file.

    Holds what selectors ask and what is told of it, never the task: ten thousand subjects are
    kept, their tasks are not.
    """

    address: str
    owner: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    live: bool = False

    @classmethod
    def of(cls, task: Task, *, live: bool = False) -> Subject:
        """The subject that a task is."""
        metadata = task.metadata
        return cls(task.address, metadata.owner, metadata.labels, live)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a predicate found wrong, at a field of the document.

    A finding with `advice` never fails the rule: it is shown as a warning. `found` holds names
    and plain values only, never a secret.
    """

    path: Path
    message: str
    found: str | None = None
    allowed: str | None = None
    fix: str | None = None
    advice: bool = False


def always(_params: Any, _task: Task) -> bool:
    """The predicate concerns every task."""
    return True


@dataclass(frozen=True, slots=True)
class Predicate(Generic[P]):
    """One named condition of a rule.

    `check` gives what is wrong (nothing: the condition holds). `applies` says whether the
    condition means anything for a task: where it does not, the task neither passes nor fails.
    `turns`, of a condition that looks at the day, gives the first days on which one that holds
    may hold no more; without it the day means nothing.
    """

    name: str
    about: str
    check: Callable[[P, Task, date], Iterable[Finding]]
    applies: Callable[[P, Task], bool] = always
    turns: Callable[[P, Task], Iterable[date]] | None = None


def days_after(day: date | None, days: int = 1) -> tuple[date, ...]:
    """`turns` of a condition that ends so many days after a day that is declared."""
    if day is None:
        return ()
    try:
        return (day + timedelta(days=days),)
    except OverflowError:  # the last or first of all days
        return ()


def nearer_each_day(_params: Any, _task: Task) -> tuple[date, ...]:
    """`turns` of a condition on a day that must not be too far: it comes nearer by itself."""
    return ()


Outcome = Literal["pass", "warn", "fail", "not-applicable"]


@dataclass(frozen=True, slots=True)
class Example:
    """A task fragment, the parameters it is judged with, and what must come out.

    `task` holds `metadata` and `spec` parts that are laid over a minimal task.
    """

    outcome: Outcome
    note: str
    task: Mapping[str, Any]
    params: Mapping[str, Any]


def passes(note: str, task: Mapping[str, Any], **params: Any) -> Example:
    """An example that must pass."""
    return Example("pass", note, task, params)


def fails(note: str, task: Mapping[str, Any], **params: Any) -> Example:
    """An example that must fail."""
    return Example("fail", note, task, params)


def warns(note: str, task: Mapping[str, Any], **params: Any) -> Example:
    """An example that must pass with advice."""
    return Example("warn", note, task, params)


def ignores(note: str, task: Mapping[str, Any], **params: Any) -> Example:
    """An example that the rule does not concern."""
    return Example("not-applicable", note, task, params)


@dataclass(frozen=True, slots=True)
class BuiltIn(Generic[P]):
    """A rule that comes with the product: a list of predicates over one set of parameters.

    `controls` names the requirements of common audit frameworks that the rule gives evidence for.
    """

    name: str
    title: str
    description: str
    params: type[P]
    severity: RuleSeverity
    predicates: tuple[Predicate[P], ...]
    examples: tuple[Example, ...]
    fix: str
    controls: tuple[str, ...] = ()


# Examples are judged on this day, so that they stay true.
EXAMPLE_DAY = date(2026, 11, 20)

_MINIMAL: dict[str, Any] = {
    "apiVersion": API_VERSION,
    "kind": "Task",
    "metadata": {"name": "example", "registry": "contoso"},
    "spec": {"context": {"source": "."}, "step": {"docker": {}}},
}


def example_task(fragment: Mapping[str, Any]) -> Task:
    """The task of an example: its fragment laid over a minimal task. Maps merge, lists replace."""
    return Task.model_validate(_merge(_MINIMAL, fragment))


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both_maps = isinstance(old, Mapping) and isinstance(value, Mapping)
        # A step is exactly one of three kinds, so it is replaced and not merged.
        merged[key] = _merge(old, value) if both_maps and key != "step" else value  # type: ignore[arg-type]
    return merged
