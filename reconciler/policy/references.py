"""Secret references and tokens of a task, with the field each stands in. Never resolves one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.base.source import Path
from reconciler.model.common import SecretReference
from reconciler.model.context import Token
from reconciler.model.step import DockerTask, FileTask, InlineTask
from reconciler.model.task import Task
from reconciler.model.trigger import SourceTrigger
from reconciler.model.vaults import key_vault_reference

TRIGGERS: Path = ("spec", "triggers")
_CONTEXT_TOKEN: Path = ("spec", "context", "token")


def source_triggers(task: Task) -> Iterator[tuple[Path, SourceTrigger]]:
    """Commit and pull request triggers, enabled or not."""
    for index, commit in enumerate(task.spec.triggers.commit):
        yield (*TRIGGERS, "commit", index), commit
    for index, pull_request in enumerate(task.spec.triggers.pull_request):
        yield (*TRIGGERS, "pullRequest", index), pull_request


def tokens(task: Task) -> list[tuple[Path, Token]]:
    """Source tokens: the context's, then those of single triggers."""
    # Plain loops: this is asked several times for every task.
    context, triggers = task.spec.context, task.spec.triggers
    found = [] if context.token is None else [(_CONTEXT_TOKEN, context.token)]
    for kind, hooks in (("commit", triggers.commit), ("pullRequest", triggers.pull_request)):
        for index, hook in enumerate(hooks):
            if hook.token is not None:
                found.append(((*TRIGGERS, kind, index, "token"), hook.token))
    return found


def has_token(_params: object, task: Task) -> bool:
    """True if the task names any source token."""
    return bool(tokens(task))


def secret_references(task: Task) -> Iterator[tuple[Path, str]]:
    """Every secret reference of a task as text, for example `vault:kv/web#npm`."""
    for path, token in tokens(task):
        yield path, token.secret
    yield from _of_step(task)
    for server, login in task.spec.credentials.registries.items():
        at: Path = ("spec", "credentials", "registries", server)
        yield from _of(at, {"username": login.username, "password": login.password})
    base = task.spec.triggers.base_image
    if base is not None:
        yield from _of((*TRIGGERS, "baseImage"), {"updateEndpoint": base.update_endpoint})
    for index, notification in enumerate(task.spec.notify):
        yield ("spec", "notify", index, "url"), notification.url.secret


def _of(path: Path, references: Mapping[str, SecretReference | None]) -> Iterator[tuple[Path, str]]:
    for name, reference in references.items():
        if reference is not None:
            yield (*path, name), reference.secret


def _of_step(task: Task) -> Iterator[tuple[Path, str]]:
    at: Path = ("spec", "step")
    match task.spec.step:
        case DockerTask(docker=docker):
            yield from (((*at, "docker", "secrets", k), v) for k, v in docker.secrets.items())
        case FileTask(file=file):
            yield from (((*at, "file", "setSecret", k), v) for k, v in file.set_secret.items())
        case InlineTask(inline=inline):
            yield from (((*at, "inline", "setSecret", k), v) for k, v in inline.set_secret.items())
            for index, secret in enumerate(inline.secrets):
                if secret.keyvault is not None:
                    reference = key_vault_reference(secret.keyvault, secret.client_id)
                    yield (*at, "inline", "secrets", index), reference


def is_triggered(task: Task) -> bool:
    """True if anything but a person can start the task."""
    triggers = task.spec.triggers
    if any(trigger.status == "Enabled" for _path, trigger in source_triggers(task)):
        return True
    if triggers.base_image is not None and triggers.base_image.status == "Enabled":
        return True
    return any(timer.status == "Enabled" for timer in triggers.timers.values())
