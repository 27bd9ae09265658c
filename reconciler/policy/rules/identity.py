"""Who a task acts as: a managed identity that outlives the task, never nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from reconciler.model.common import Flag, Model, OneOrMany
from reconciler.model.task import Task
from reconciler.policy.references import is_triggered, secret_references
from reconciler.policy.rule import BuiltIn, Finding, Predicate, fails, ignores, passes

_ARM_ID = re.compile(
    r"/subscriptions/[^/\s]+/resourceGroups/[^/\s]+"
    r"/providers/Microsoft\.ManagedIdentity/userAssignedIdentities/[^/\s]+",
    re.IGNORECASE,
)
Kind = Literal["SystemAssigned", "UserAssigned"]
Reason = Literal["all", "triggers", "vault"]


class IdentityRequired(Model):
    """Parameters of identity-required."""

    types: Annotated[tuple[Kind, ...], OneOrMany, Field(min_length=1)] = Field(
        default=("UserAssigned", "SystemAssigned"), description="kinds of identity allowed"
    )
    user_assigned_only: Flag = Field(
        default=False, description="shorthand: refuse SystemAssigned, also beside UserAssigned"
    )
    scope: Annotated[tuple[Reason, ...], OneOrMany, Field(min_length=1)] = Field(
        default=("triggers", "vault"),
        description="tasks that need one: all; with enabled triggers; with vault references",
    )

    @property
    def allowed(self) -> tuple[Kind, ...]:
        """Kinds of identity allowed, both parameters considered."""
        if self.user_assigned_only:
            return tuple(kind for kind in self.types if kind == "UserAssigned")
        return self.types


def _uses_vault(task: Task) -> bool:
    return any(text.startswith(("azurekv:", "vault:")) for _path, text in secret_references(task))


def _needs_identity(params: IdentityRequired, task: Task) -> bool:
    if "all" in params.scope or ("triggers" in params.scope and is_triggered(task)):
        return True
    return "vault" in params.scope and _uses_vault(task)


def _present(params: IdentityRequired, task: Task, _today: date) -> Iterator[Finding]:
    if task.spec.identity.type == "None":
        yield Finding(
            ("spec", "identity", "type"),
            "the task has no identity",
            "None",
            ", ".join(params.allowed),
            "add spec.identity with type UserAssigned and the identity's resource id",
        )


def _has_identity(_params: IdentityRequired, task: Task) -> bool:
    return task.spec.identity.type != "None"


def _type_allowed(params: IdentityRequired, task: Task, _today: date) -> Iterator[Finding]:
    found = task.spec.identity.type
    refused = [kind for kind in found.split(", ") if kind not in params.allowed]
    if refused:
        yield Finding(
            ("spec", "identity", "type"),
            f"an identity of type {refused[0]} is not allowed",
            found,
            ", ".join(params.allowed),
            "use an identity that is made and granted rights apart from the task",
        )


def _is_user_assigned(_params: IdentityRequired, task: Task) -> bool:
    return bool(task.spec.identity.ids)


def _ids_are_resources(_params: IdentityRequired, task: Task, _today: date) -> Iterator[Finding]:
    for index, identity in enumerate(task.spec.identity.ids):
        if not _ARM_ID.fullmatch(identity):
            yield Finding(
                ("spec", "identity", "ids", index),
                "the identity is not the resource id of a user-assigned identity",
                identity,
                "/subscriptions/…/resourceGroups/…/providers/Microsoft.ManagedIdentity/"
                "userAssignedIdentities/…",
                "write the whole resource id; a client id or a name is not enough",
            )


_GOOD_ID = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/build"
    "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/builder"
)
_NIGHTLY = {"timers": {"nightly": "0 3 * * *"}}
_USER = {"type": "UserAssigned", "ids": [_GOOD_ID]}

RULE = BuiltIn(
    name="identity-required",
    title="A task that runs by itself or reads a vault has a managed identity",
    description=(
        "A task without an identity falls back on shared credentials, and nobody can say later "
        "who acted. A user-assigned identity can be reviewed and revoked apart from the task."
    ),
    params=IdentityRequired,
    severity="high",
    predicates=(
        Predicate("identity-present", "the task has an identity", _present, _needs_identity),
        Predicate(
            "identity-type-allowed", "its type is an allowed one", _type_allowed, _has_identity
        ),
        Predicate(
            "identity-ids-are-resources",
            "its ids are resource ids of user-assigned identities",
            _ids_are_resources,
            _is_user_assigned,
        ),
    ),
    examples=(
        passes("user-assigned", {"spec": {"triggers": _NIGHTLY, "identity": _USER}}),
        ignores("started by a person, no vault", {}),
        fails("a nightly task without identity", {"spec": {"triggers": _NIGHTLY}}),
        fails(
            "a vault is read without identity",
            {"spec": {"step": {"docker": {"secrets": {"NPM": "vault:kv/web#npm"}}}}},
        ),
        fails(
            "system-assigned beside user-assigned",
            {"spec": {"identity": {"type": "SystemAssigned, UserAssigned", "ids": [_GOOD_ID]}}},
            userAssignedOnly=True,
        ),
        fails(
            "a client id instead of a resource id",
            {"spec": {"identity": {"type": "UserAssigned", "ids": ["builder"]}}},
        ),
        fails("every task needs one", {}, scope=["all"]),
    ),
    fix="declare spec.identity: {type: UserAssigned, ids: [resource id]}",
    controls=("SOC 2 CC6.1", "CIS Software Supply Chain 2.1"),
)
