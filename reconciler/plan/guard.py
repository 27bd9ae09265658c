"""What a plan may not do: delete a protected task, or more than the limits of a scope. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reconciler.base.errors import ReconcilerError
from reconciler.model.workspace import Limits, Workspace
from reconciler.plan.change import Action, Change
from reconciler.plan.overrides import Overrides, Verb
from reconciler.plan.safety import Blocked, Exceeded


class Protected(ReconcilerError):
    """The specs ask to delete a task that is live with `protect: true`."""

    code = "protected"


class OverLimit(ReconcilerError):
    """The plan deletes or updates more tasks than the limits in reconciler.yaml allow."""

    code = "over-limit"


def refuse_blocked(blocked: Sequence[Blocked]) -> None:
    """Raises Protected or OverLimit for a plan that breaks a safety rule."""
    if not blocked:
        return
    first, *others = blocked
    further = [("also", f"it would {one}") for one in others]
    if first.rule == "protect":
        raise Protected(
            "the plan would delete protected tasks",
            details=[*(("task", name) for name in first.tasks[:_NAMED]), *further],
            hint=_fix(blocked),
        )
    by_override = f"{first.allowed} by --override-limit"
    raise OverLimit(
        f"the plan would {first}",
        details=[
            *(("also", str(one)) for one in first.exceeded[1:_NAMED]),
            *([] if first.allowed is None else [("allowed", by_override)]),
            *further,
        ],
        hint=_fix(blocked),
    )


def _fix(blocked: Sequence[Blocked]) -> str:
    """How to allow all of it at once: half of the overrides would only be refused again."""
    if len(blocked) == 1:
        return blocked[0].fix
    words = [f"--override-limit {one.action}={one.count}" for one in blocked if one.exceeded]
    names = [name for one in blocked for name in one.tasks]
    words += [f"--allow-destroy {name}" for name in names[:_NAMED]]
    more = f" (and {len(names) - _NAMED} tasks more)" if len(names) > _NAMED else ""
    return f"check the specs; if all of it is meant: {' '.join(words)}{more} --reason TEXT"


def protected_deletes(changes: Iterable[Change], overrides: Overrides) -> Iterator[Blocked]:
    """What blocks a plan that deletes protected tasks which no override names, if it does.

    Raises WrongUsage if an override names none of them.
    """
    names = [change.address for change in changes if _deletes_protected(change)]
    allowed = overrides.without_protection(names)
    kept = tuple(name for name in names if name not in allowed)
    if kept:
        yield Blocked(
            rule="protect",
            count=len(kept),
            tasks=kept,
            fix="put the spec back; if it is meant, name each task: --allow-destroy NAME",
        )


_NAMED = 20
# Below this number of live tasks a share says nothing (octoDNS has the same floor).
FEWEST = 10
_ACTIONS: dict[Verb, Action] = {"delete": Action.DELETE, "update": Action.UPDATE}


@dataclass(frozen=True, slots=True)
class Scope:
    """Tasks with limits of their own: those of a registry, or of the workspace (None)."""

    registry: str | None
    limits: Limits

    def count(self, by_registry: Counter[str]) -> int:
        """How many of some tasks, counted by their registries, are its own."""
        return by_registry.total() if self.registry is None else by_registry[self.registry]


def scopes_of(workspace: Workspace) -> list[Scope]:
    """The workspace as a whole, then each registry.

    A registry has its own limits where it says so, else the workspace's: what is a small share
    of the whole may be all of one registry.
    """
    whole = workspace.limits
    scopes = [Scope(None, whole)]
    for registry in workspace.registries:
        own = registry.limits
        limits = Limits(delete=own.delete or whole.delete, update=own.update or whole.update)
        scopes.append(Scope(registry.name, limits))
    return scopes


def over_limits(
    changes: Sequence[Change], live: Iterable[str], scopes: Iterable[Scope], overrides: Overrides
) -> Iterator[Blocked]:
    """What blocks a plan that deletes or updates too many tasks: one for each of the two.

    `live` are the addresses of the live tasks. A limit is a share of those of the scope (`5%`) or
    a count (`20`). An override sets aside all limits of an action, up to its own number.
    """
    there, found = _by_registry(live), list(scopes)
    for verb, action in _ACTIONS.items():
        acted = _by_registry(change.address for change in changes if _does(change, action))
        told = [one for scope in found for one in _exceeded(scope, verb, acted, there)]
        if told and not overrides.allows(verb, acted.total()):
            yield Blocked(
                rule="limit",
                action=verb,
                count=acted.total(),
                exceeded=tuple(told),
                allowed=overrides.limits.get(verb),
                fix="check the specs; if it is meant, allow it for this plan alone: "
                f"--override-limit {verb}={acted.total()} --reason TEXT",
            )


def _does(change: Change, action: Action) -> bool:
    """A rename that changes fields counts as an update: it is one, under another name."""
    if change.action is Action.RENAME:
        return action is Action.UPDATE and bool(change.fields)
    return change.action is action


def _by_registry(addresses: Iterable[str]) -> Counter[str]:
    return Counter(address.partition("/")[0] for address in addresses)


def _exceeded(
    scope: Scope, verb: Verb, acted: Counter[str], live: Counter[str]
) -> Iterator[Exceeded]:
    limits = scope.limits.delete if verb == "delete" else scope.limits.update
    count, size = scope.count(acted), scope.count(live)
    if size < FEWEST:
        return
    for limit in limits:
        if count > _most(limit, size):
            yield Exceeded(registry=scope.registry, count=count, live=size, limit=str(limit))


def _most(limit: str, live: int) -> float:
    return float(limit[:-1]) * live / 100 if limit.endswith("%") else int(limit)


def _deletes_protected(change: Change) -> bool:
    if change.action is not Action.DELETE or change.base is None:
        return False
    spec = change.base.read().get("spec", {})
    return bool(spec.get("protect"))
