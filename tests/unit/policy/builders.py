"""Tasks, policies and waivers for the tests of the policy floor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.base.diagnostics import Location
from reconciler.base.source import Located, Path, Source
from reconciler.model.policy import Policy, Waiver
from reconciler.model.task import Task
from reconciler.policy.rule import Subject, example_task


def source(file: str, line: int = 1) -> Source:
    """A source that places a field at the line of its depth, column 3."""

    def locate(path: Path) -> Location:
        return Location(file, line + len(path), 3)

    return Source(file, line, locate)


def policy(*rules: Mapping[str, Any], file: str = "policies/test.yaml") -> Located[Policy]:
    value = {"apiVersion": "reconciler/v1", "kind": "Policy", "rules": list(rules)}
    return Located(Policy.model_validate(value), source(file))


def waiver(rule: str, expires: str, **fields: Any) -> Located[Waiver]:
    value = {
        "apiVersion": "reconciler/v1",
        "kind": "Waiver",
        "rule": rule,
        "match": {"address": "contoso/*"},
        "owner": "team-web",
        "reason": "agreed until the move",
        "expires": expires,
        **fields,
    }
    return Located(Waiver.model_validate(value), source("policies/waivers.yaml"))


def task(name: str = "web-api", fragment: Mapping[str, Any] | None = None, **meta: Any) -> Task:
    found = example_task(fragment or {}).model_dump(by_alias=True)
    found["metadata"].update({"name": name, **meta})
    return Task.model_validate(found)


def subject(
    name: str = "web-api", fragment: Mapping[str, Any] | None = None, **meta: Any
) -> tuple[Task, Subject]:
    made = task(name, fragment, **meta)
    return made, Subject.of(made)


def on_public_repository(*scopes: str) -> dict[str, Any]:
    token = {"secret": "env:GIT_PAT", "kind": "classic", "scopes": list(scopes)}
    context = {
        "source": "https://git.contoso.example/web.git#main",
        "visibility": "public",
        "token": token,
    }
    return {"spec": {"context": context}}
