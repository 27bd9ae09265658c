"""How long a source token lives, and whether anything needs it. Only what the spec declares."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from pydantic import Field, model_validator

from reconciler.base.source import Path
from reconciler.base.text import plural
from reconciler.model.common import Flag, Model, OneOrMany, Whole, problem
from reconciler.model.context import ContextKind, Token
from reconciler.model.task import Task
from reconciler.policy.references import source_triggers, tokens
from reconciler.policy.rule import (
    BuiltIn,
    Finding,
    Predicate,
    days_after,
    fails,
    ignores,
    nearer_each_day,
    passes,
    warns,
)
from reconciler.policy.rules.token import TokenKind


class TokenExpiry(Model):
    """Parameters of token-expiry."""

    max_days: Annotated[Whole, Field(ge=1, le=3660)] = Field(
        default=90, description="most days a token may still have"
    )
    warn_days: Annotated[Whole, Field(ge=0, le=365)] = Field(
        default=14, description="advice when this many days are left"
    )
    except_kinds: Annotated[tuple[TokenKind, ...], OneOrMany] = Field(
        default=("app",), description="kinds that are made anew for each use"
    )

    @model_validator(mode="after")
    def _warns_in_time(self) -> TokenExpiry:
        if self.warn_days >= self.max_days:
            raise problem("params", "warnDays is less than maxDays")
        return self


def _lasting(params: TokenExpiry, task: Task) -> Iterator[tuple[Path, Token]]:
    return ((p, token) for p, token in tokens(task) if token.kind not in params.except_kinds)


def _has_lasting(params: TokenExpiry, task: Task) -> bool:
    return next(_lasting(params, task), None) is not None


def _has_end(params: TokenExpiry, task: Task) -> bool:
    return any(token.expires is not None for _path, token in _lasting(params, task))


def _expires(params: TokenExpiry, task: Task, _today: date) -> Iterator[Finding]:
    for path, token in _lasting(params, task):
        if token.expires is None:
            yield Finding(
                path,
                "the token never expires, or its expiry is not declared",
                None,
                f"at most {plural(params.max_days, 'day')}",
                "make a token with an expiry date and declare it as expires",
            )


def _not_expired(params: TokenExpiry, task: Task, today: date) -> Iterator[Finding]:
    for path, token in _lasting(params, task):
        if token.expires is not None and token.expires < today:
            yield Finding(
                (*path, "expires"),
                f"the token expired {plural((today - token.expires).days, 'day')} ago",
                token.expires.isoformat(),
                f"{today.isoformat()} or later",
                "make a new token, store it under the same reference, declare its expiry",
            )


def _not_too_long(params: TokenExpiry, task: Task, today: date) -> Iterator[Finding]:
    for path, token in _lasting(params, task):
        if token.expires is not None and (token.expires - today).days > params.max_days:
            yield Finding(
                (*path, "expires"),
                "the token lives longer than the policy allows",
                f"{token.expires.isoformat()}, in {plural((token.expires - today).days, 'day')}",
                f"at most {plural(params.max_days, 'day')}",
                "make a token that ends sooner",
            )


def _not_soon(params: TokenExpiry, task: Task, today: date) -> Iterator[Finding]:
    for path, token in _lasting(params, task):
        left = None if token.expires is None else (token.expires - today).days
        if left is not None and 0 <= left <= params.warn_days:
            yield Finding(
                (*path, "expires"),
                f"the token expires in {plural(left, 'day')}",
                str(token.expires),
                fix="renew it now; runs fail at the source when it has expired",
                advice=True,
            )


def _ended(params: TokenExpiry, task: Task) -> Iterator[date]:
    for _path, token in _lasting(params, task):
        yield from days_after(token.expires)


def _nears(params: TokenExpiry, task: Task) -> Iterator[date]:
    for _path, token in _lasting(params, task):
        yield from days_after(token.expires, -params.warn_days)


class TokenUnused(Model):
    """Parameters of token-unused."""

    public_needs_none: Flag = Field(
        default=True, description="advice for a public repository whose triggers need no token"
    )


def _context_token(_params: TokenUnused, task: Task) -> bool:
    return task.spec.context.token is not None


def _is_git(task: Task) -> bool:
    if task.spec.context.kind is ContextKind.GIT:
        return True
    # A trigger that names its own repository may lean on the context's token.
    return any(trigger.token is None for _path, trigger in source_triggers(task))


def _source_takes_a_token(_params: TokenUnused, task: Task, _today: date) -> Iterator[Finding]:
    if task.spec.context.token is not None and not _is_git(task):
        yield Finding(
            ("spec", "context", "token"),
            f"nothing uses this token: the context is {task.spec.context.kind.value}, not git",
            task.spec.context.source,
            fix="remove context.token, and revoke the token if it was made for this task",
        )


def _public_without_hook(params: TokenUnused, task: Task) -> bool:
    context = task.spec.context
    public = context.kind is ContextKind.GIT and context.visibility == "public"
    return params.public_needs_none and context.token is not None and public


def _hook_uses_it(_params: TokenUnused, task: Task, _today: date) -> Iterator[Finding]:
    using = (
        trigger.status == "Enabled" and trigger.token is None
        for _path, trigger in source_triggers(task)
    )
    if not any(using):
        yield Finding(
            ("spec", "context", "token"),
            "no commit or pull request trigger is on, and a public repository needs no token else",
            fix="remove context.token",
            advice=True,
        )


_GIT = "https://git.contoso.example/web.git#main"


def _task(source: str = _GIT, hook: bool | str = True, **token: object) -> dict[str, object]:
    context = {
        "source": source,
        "visibility": "public",
        "token": {"secret": "env:GIT_PAT", **token},
    }
    status = {"status": hook} if isinstance(hook, str) else {}
    triggers = {"triggers": {"commit": {"branch": "main", **status}}} if hook else {}
    return {"spec": {"context": context, **triggers}}


EXPIRY = BuiltIn(
    name="token-expiry",
    title="A source token ends, and soon enough",
    description=(
        "A token that never expires is never looked at again. The declared expiry date is judged "
        "on the day of the check, so an old spec starts to fail by itself."
    ),
    params=TokenExpiry,
    severity="medium",
    predicates=(
        Predicate("expiry-declared", "the token has an expiry date", _expires, _has_lasting),
        Predicate("not-expired", "it has not expired", _not_expired, _has_end, _ended),
        Predicate(
            "not-too-long", "it ends within maxDays", _not_too_long, _has_end, nearer_each_day
        ),
        Predicate(
            "not-soon", "it does not end within warnDays (advice)", _not_soon, _has_end, _nears
        ),
    ),
    examples=(
        passes("ends in 70 days", _task(expires="2027-01-29")),
        ignores("an app's token is made for each use", _task(kind="app")),
        warns("ends in 10 days", _task(expires="2026-11-30")),
        fails("no end", _task()),
        fails("ended yesterday", _task(expires="2026-11-19")),
        fails("ends in two years", _task(expires="2028-11-20")),
    ),
    fix="make a token with an expiry date and declare it in context.token.expires",
    controls=("SOC 2 CC6.1", "CIS Software Supply Chain 1.3"),
)

UNUSED = BuiltIn(
    name="token-unused",
    title="No task holds a token it does not need",
    description="A token nobody needs is only a risk: only Git sources and their triggers use one.",
    params=TokenUnused,
    severity="low",
    predicates=(
        Predicate(
            "source-takes-a-token",
            "the source is a Git repository",
            _source_takes_a_token,
            _context_token,
        ),
        Predicate(
            "trigger-uses-it",
            "a public repository's token is used by a trigger (advice)",
            _hook_uses_it,
            _public_without_hook,
        ),
    ),
    examples=(
        passes("a Git source with a commit trigger", _task()),
        ignores("no token", {}),
        fails("a local folder", _task(".", hook=False)),
        warns("a public repository, started by a person", _task(hook=False)),
        warns("a public repository whose trigger is off", _task(hook="Disabled")),
    ),
    fix="remove context.token",
    controls=("SOC 2 CC6.1",),
)
