"""A task file that was read, as plain data for people and scripts. Executes and prints nothing."""

from __future__ import annotations

from typing import Any

from reconciler.base.diagnostics import Diagnostic
from reconciler.base.redact import Redactor
from reconciler.taskfile.steps.graph import critical_path
from reconciler.taskfile.tasks import (
    BuildArguments,
    BuildStep,
    CmdStep,
    Pairs,
    PushStep,
    Step,
    TaskFile,
)

FORMAT_VERSION = "1"


def render_task(task: TaskFile) -> dict[str, Any]:
    """What would run: steps, networks, volumes, critical path, diagnostics. Secrets read `***`.

    Seconds everywhere; `argv` are the words after the image (of a build: its words).
    """
    path, seconds = critical_path(task.steps)
    found = {
        "format_version": FORMAT_VERSION,
        "version": task.version,
        "steps": [_step(step) for step in task.steps],
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
        "diagnostics": [_diagnostic(item) for item in task.diagnostics],
    }
    return _masked(found, Redactor(task.masked)) if task.masked else found


def _masked(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, dict):
        return {redactor.text(key): _masked(item, redactor) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, redactor) for item in value]
    return redactor.text(value) if isinstance(value, str) else value


def _step(step: Step) -> dict[str, Any]:
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
    special = _cmd(step) if isinstance(step, CmdStep) else {"build": _build(step.build)}
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


def _build(build: BuildArguments) -> dict[str, Any]:
    return {
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
    }


def _diagnostic(item: Diagnostic) -> dict[str, Any]:
    return {
        "severity": item.severity.value,
        "code": item.code,
        "message": item.message,
        "file": item.location.file if item.location else None,
        "line": item.location.line if item.location else None,
        "column": item.location.column if item.location else None,
        "found": item.found,
        "allowed": item.allowed,
        "fix": item.fix,
    }
