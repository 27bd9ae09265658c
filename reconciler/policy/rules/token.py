"""Source tokens: their kind, reach, end and use. Only what the spec declares; no token is read."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from reconciler.model.common import Model, OneOrMany, Word
from reconciler.model.context import Token
from reconciler.model.task import Task
from reconciler.policy.references import has_token, tokens
from reconciler.policy.rule import BuiltIn, Finding, Predicate, fails, ignores, passes

TokenKind = Literal["classic", "fine-grained", "oauth", "app", "azuredevops", "other"]
Scopes = Annotated[tuple[Word, ...], OneOrMany]

# What a scope includes beside itself. Source: GitHub's table of OAuth scopes, Azure DevOps' list
# of token scopes. Only scopes a build could be given by mistake are in it.
_INCLUDES: dict[str, tuple[str, ...]] = {
    "repo": ("repo:status", "repo_deployment", "public_repo", "repo:invite", "security_events"),
    "admin:repo_hook": ("write:repo_hook", "read:repo_hook"),
    "write:repo_hook": ("read:repo_hook",),
    "vso.code_full": ("vso.code_manage", "vso.code_write", "vso.code", "vso.code_status"),
    "vso.code_manage": ("vso.code_write", "vso.code"),
    "vso.code_write": ("vso.code",),
}


@functools.lru_cache(maxsize=1024)
def expand(scopes: tuple[str, ...]) -> frozenset[str]:
    """The scopes and everything they include."""
    lowered = {scope.strip().lower() for scope in scopes}
    return frozenset(lowered.union(*(_INCLUDES.get(scope, ()) for scope in lowered)))


class TokenScope(Model):
    """Parameters of token-scope."""

    public: Scopes = Field(
        default=("repo:status", "public_repo"),
        description="scopes of a classic token for a public repository",
    )
    private: Scopes = Field(
        default=("repo",), description="scopes of a classic token for a private repository"
    )
    azure_dev_ops: Scopes = Field(
        default=("vso.code",), description="scopes of an Azure DevOps token"
    )
    fine_grained: Scopes = Field(
        default=(
            "metadata:read",
            "contents:read",
            "statuses:write",
            "webhooks:write",
            "pull_requests:read",
        ),
        description="most a fine-grained token may have, where its permissions are declared",
    )
    kinds: Annotated[tuple[TokenKind, ...], OneOrMany, Field(min_length=1)] = Field(
        default=("classic", "fine-grained", "app", "azuredevops"),
        description="kinds of token allowed",
    )


_SCOPED: tuple[TokenKind | None, ...] = ("classic", "oauth")


def _kind_allowed(params: TokenScope, task: Task, _today: date) -> Iterator[Finding]:
    allowed = ", ".join(params.kinds)
    for path, token in tokens(task):
        if token.kind is None:
            yield Finding(
                path,
                "the kind of the token is not declared",
                None,
                allowed,
                "add kind (classic, fine-grained, app, ...) beside secret",
            )
        elif token.kind not in params.kinds:
            message = f"a token of kind {token.kind} is not allowed"
            yield Finding((*path, "kind"), message, token.kind, allowed, f"use one of: {allowed}")


def _has_scoped_token(_params: TokenScope, task: Task) -> bool:
    return any(token.kind in _SCOPED for _path, token in tokens(task))


def _visibility_declared(_params: TokenScope, task: Task, _today: date) -> Iterator[Finding]:
    if task.spec.context.visibility is None:
        yield Finding(
            ("spec", "context"),
            "the repository's visibility is not declared, so the right scopes are not known",
            None,
            "public, private",
            "add context.visibility: public or private",
        )


def _has_judged_scopes(params: TokenScope, task: Task) -> bool:
    return any(_required(params, task, token) is not None for _path, token in tokens(task))


def _required(params: TokenScope, task: Task, token: Token) -> tuple[str, ...] | None:
    if token.kind == "azuredevops":
        return params.azure_dev_ops
    if token.kind not in _SCOPED or task.spec.context.visibility is None:
        return None
    return params.public if task.spec.context.visibility == "public" else params.private


# Tutorials often show repo:status alone for a public repository; hooks need public_repo as well.
_BOTH = "(a document may show repo:status alone; a public repository needs both)"


def _advice(required: tuple[str, ...]) -> str:
    both = {"repo:status", "public_repo"} == set(required)
    words = f"use {_scope_words(required)}"
    return (f"{words} {_BOTH}" if both else words) + ", or add a waiver with an expiry date"


def _scope_words(scopes: tuple[str, ...]) -> str:
    return ("scope " if len(scopes) == 1 else "scopes ") + " and ".join(scopes)


def _nothing_missing(params: TokenScope, task: Task, _today: date) -> Iterator[Finding]:
    for path, token in tokens(task):
        required = _required(params, task, token)
        if required is None:
            continue
        reach = expand(token.scopes)
        missing = tuple(scope for scope in required if scope.lower() not in reach)
        if missing and not token.scopes:
            message = "the token's scopes are not declared"
            yield Finding(path, message, None, ", ".join(required), _advice(required))
        elif missing:
            message = f"the token lacks {_scope_words(missing)}"
            found = ", ".join(token.scopes)
            at = (*path, "scopes")
            yield Finding(at, message, found, ", ".join(required), _advice(required))


def _nothing_in_excess(params: TokenScope, task: Task, _today: date) -> Iterator[Finding]:
    for path, token in tokens(task):
        required = _required(params, task, token)
        if required is None:
            continue
        wide = _excess(token.scopes, required)
        if wide:
            yield _too_wide((*path, "scopes", wide[0]), [token.scopes[i] for i in wide], required)


def _excess(declared: tuple[str, ...], allowed: tuple[str, ...]) -> list[int]:
    reach = expand(allowed)
    return [i for i, scope in enumerate(declared) if scope.strip().lower() not in reach]


def _too_wide(path: tuple[str | int, ...], found: list[str], required: tuple[str, ...]) -> Finding:
    return Finding(
        path,
        "token scope is wider than the policy allows",
        ", ".join(found),
        ", ".join(required),
        _advice(required),
    )


def _is_fine_grained(_params: TokenScope, task: Task) -> bool:
    return any(token.kind == "fine-grained" and token.scopes for _path, token in tokens(task))


def _fine_grained_in_bounds(params: TokenScope, task: Task, _today: date) -> Iterator[Finding]:
    for path, token in tokens(task):
        wide = _excess(token.scopes, params.fine_grained) if token.kind == "fine-grained" else []
        if wide:
            found = ", ".join(token.scopes[i] for i in wide)
            allowed = ", ".join(params.fine_grained)
            message = "a permission of the token is wider than the policy allows"
            fix = f"make a token with at most: {allowed}"
            yield Finding((*path, "scopes", wide[0]), message, found, allowed, fix)


_GIT = "https://git.contoso.example/web.git#main"


def _with(visibility: str | None = "public", **token: object) -> dict[str, object]:
    context: dict[str, object] = {"source": _GIT, "token": {"secret": "env:GIT_PAT", **token}}
    if visibility is not None:
        context["visibility"] = visibility
    return {"spec": {"context": context}}


_RIGHT = ["repo:status", "public_repo"]

SCOPE = BuiltIn(
    name="token-scope",
    title="A source token can do what its repository needs, and no more",
    description=(
        "For a public repository the right classic scopes are repo:status and public_repo (a "
        "document may show repo:status alone), for a private one repo. Scopes that include "
        "others are expanded first. What is declared is judged; the token itself is not read."
    ),
    params=TokenScope,
    severity="high",
    predicates=(
        Predicate("token-kind-allowed", "the kind of token is allowed", _kind_allowed, has_token),
        Predicate(
            "visibility-declared",
            "the repository is declared public or private",
            _visibility_declared,
            _has_scoped_token,
        ),
        Predicate(
            "scopes-not-missing", "no needed scope is missing", _nothing_missing, _has_judged_scopes
        ),
        Predicate(
            "scopes-not-in-excess",
            "no scope goes beyond the needed ones",
            _nothing_in_excess,
            _has_judged_scopes,
        ),
        Predicate(
            "permissions-in-bounds",
            "declared permissions of a fine-grained token are allowed ones",
            _fine_grained_in_bounds,
            _is_fine_grained,
        ),
    ),
    examples=(
        passes("public, both scopes", _with(kind="classic", scopes=_RIGHT)),
        passes("private", _with("private", kind="classic", scopes=["repo"])),
        passes("fine-grained", _with(kind="fine-grained", scopes=["contents:read"])),
        passes("Azure DevOps", _with(None, kind="azuredevops", scopes=["vso.code"])),
        ignores("no token", {}),
        fails("too wide for a public one", _with(kind="classic", scopes=["repo"])),
        fails("repo:status alone", _with(kind="classic", scopes=["repo:status"])),
        fails(
            "hook administration",
            _with("private", kind="classic", scopes=["repo", "admin:repo_hook"]),
        ),
        fails("visibility not declared", _with(None, kind="classic", scopes=["repo"])),
        fails("kind not declared", _with(scopes=_RIGHT)),
        fails("kind not allowed", _with(kind="other")),
        fails("a permission too wide", _with(kind="fine-grained", scopes=["contents:write"])),
    ),
    fix="make a token with the scopes the policy names and declare them in context.token.scopes",
    controls=("SOC 2 CC6.1", "CIS Software Supply Chain 1.3"),
)
