"""The output of `render -o json`: what a task file would run, as plain data without secrets.

Its form is published as `reconciler schema render`. Seconds everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.base.credentials import without_credentials
from reconciler.base.redact import Redactor
from reconciler.model.context import ContextKind, context_kind, git_location
from reconciler.operations.rendering.render import Rendered
from reconciler.report.machine import FORMAT_VERSION, diagnostic_json
from reconciler.taskfile.steps.buildarguments import cache_reference
from reconciler.taskfile.steps.graph import critical_path
from reconciler.taskfile.tasks import BuildStep, CmdStep, Pairs, PushStep, Step

_NAMED_BY_USERS = frozenset(("env", "args", "mounts"))


def render_json(rendered: Rendered) -> dict[str, Any]:
    """What would run: steps, networks, volumes, critical path, diagnostics. Secrets read `***`.

    `argv` are the words after the image; of a build, those after `docker build`. Where a file was
    refused there are no steps.
    """
    task = rendered.task
    path, seconds = critical_path(task.steps)
    found = {
        "format_version": FORMAT_VERSION,
        "version": task.version,
        "steps": [_step(step, rendered.run) for step in task.steps],
        "networks": [
            {
                "name": network.name,
                "driver": network.driver,
                "ipv6": network.ipv6,
                "create": network.create,
                "isDefault": network.is_default,
            }
            for network in task.networks
        ],
        "volumes": [
            {"name": volume.name, "files": [name for name, _ in volume.files]}
            for volume in task.volumes
        ],
        "secrets": [{"id": secret.id, "keyvault": secret.keyvault} for secret in task.secrets],
        "criticalPath": {"steps": list(path), "seconds": seconds},
        "diagnostics": [diagnostic_json(item) for item in task.diagnostics],
    }
    masked: dict[str, Any] = _masked(found, Redactor(task.masked))
    return masked


def _masked(value: Any, redactor: Redactor, *, named_by_users: bool = False) -> Any:
    """The same without secrets; a secret that is called `steps` spoils no key of ours."""
    if isinstance(value, dict):
        return {
            _told(key, redactor) if named_by_users else key: _masked(
                item, redactor, named_by_users=key in _NAMED_BY_USERS
            )
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_masked(item, redactor) for item in value]
    return _told(value, redactor) if isinstance(value, str) else value


def _told(text: str, redactor: Redactor) -> str:
    return without_credentials(redactor.text(text))


def _step(step: Step, run: Mapping[str, str]) -> dict[str, Any]:
    common: dict[str, Any] = {
        "id": step.id,
        "kind": step.kind,
        "image": None,
        "argv": [],
        "build": None,
    }
    rest: dict[str, Any] = {
        "push": list(step.images) if isinstance(step, PushStep) else [],
        "needs": list(step.needs),
        "env": {},
        "network": None,
        "workingDirectory": None,
        "timeout": step.timeout,
        "startDelay": step.start_delay,
        "retries": 0,
        "retryDelay": 0,
        "repeat": 0,
        "ignoreErrors": step.ignore_errors,
        "detach": False,
        "keep": False,
        "mounts": {},
    }
    if isinstance(step, PushStep):
        return common | rest
    special = _cmd(step) if isinstance(step, CmdStep) else _build(step, run)
    return common | rest | _container(step) | special


def _container(step: CmdStep | BuildStep) -> dict[str, Any]:
    mounts: dict[str, list[str]] = {}
    for mount in step.mounts:
        mounts.setdefault(mount.volume, []).append(mount.path)
    return {
        "argv": list(step.argv),
        "env": _environment(step.env),
        "network": step.network,
        "workingDirectory": step.working_directory,
        "retries": step.attempts.retries,
        "retryDelay": step.attempts.retry_delay,
        "retryOnErrors": list(step.attempts.retry_on_errors),
        "repeat": step.attempts.repeat,
        "detach": step.detach,
        "keep": step.keep,
        "mounts": mounts,
    }


def _environment(pairs: Pairs) -> dict[str, str]:
    """Of one name given twice the last one holds, as the engine has it."""
    return dict(pairs)


def _cmd(step: CmdStep) -> dict[str, Any]:
    return {
        "image": step.image,
        "pull": step.pull,
        "cmdDownloadRetries": step.download_retries,
        "cmdDownloadRetryDelay": step.download_retry_delay,
        "privileged": step.privileged,
        "user": step.user,
        "isolation": step.isolation,
        "cpus": step.cpus,
        "entryPoint": step.entry_point,
        "ports": list(step.ports),
        "expose": list(step.expose),
        "exitedWith": list(step.exited_with),
        "exitedWithout": list(step.exited_without),
    }


def _build(step: BuildStep, run: Mapping[str, str]) -> dict[str, Any]:
    """What a build adds. One from elsewhere is done where its context is brought to."""
    build, words = step.build, list(step.argv)
    folder = step.working_directory
    if (kind := context_kind(build.context)) not in {ContextKind.LOCAL, ContextKind.NONE}:
        inside = git_location(build.context)[2] if kind is ContextKind.GIT else ""
        folder = "/".join(part for part in (folder, step.id, inside) if part)
        words = ["." if word == build.context else word for word in words]
    return {
        "argv": words,
        "workingDirectory": folder,
        "build": {
            "context": build.context,
            "file": build.file,
            "tags": list(build.tags),
            "args": dict(build.args),
            "target": build.target,
            "platform": build.platform,
            "noCache": build.no_cache,
            "pull": build.pull,
            "labels": list(build.labels),
            "secrets": list(build.secrets),
            "options": list(build.options),
            "buildkit": step.buildkit,
            "cache": _cache(step, run) if step.cache else None,
        },
    }


def _cache(step: BuildStep, run: Mapping[str, str]) -> dict[str, Any]:
    """Where the layers are kept; nowhere (`reference` null) without a tag that can carry it."""
    registry, task_name = run.get("Registry", ""), run.get("TaskName", "")
    reference = cache_reference(
        step.build.tags, registry=registry, task_name=task_name, step_id=step.id
    )
    return {"reference": reference}
