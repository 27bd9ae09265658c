"""The task file of a run: found in its context, read with its values, checked. Runs no step."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.base.diagnostics import Diagnostic, Location, Severity
from reconciler.base.errors import ReconcilerError
from reconciler.base.ids import random_bytes
from reconciler.base.inside import LeadsOutError, TooLargeError, read_real, real_path
from reconciler.base.source import Path as Place
from reconciler.base.source import spell_path
from reconciler.base.text import one_line, plural
from reconciler.model.run import Reason, UsedSecret
from reconciler.model.step import FileStep, InlineStep
from reconciler.model.variables import FIELDS
from reconciler.model.vaults import key_vault_reference
from reconciler.runner.failure import Failure
from reconciler.runner.multistep import MultiStep
from reconciler.runner.ports import Fetched
from reconciler.runner.secrets import resolve, warn_of_short
from reconciler.runner.variables import RunVariables
from reconciler.runner.work import Work
from reconciler.taskfile.faults import Fault
from reconciler.taskfile.file.inline import read_inline
from reconciler.taskfile.file.masking import volume_texts
from reconciler.taskfile.file.read import read_task_file
from reconciler.taskfile.file.values import read_values
from reconciler.taskfile.inputs import Inputs, Manner
from reconciler.taskfile.tasks import PushStep, Secret, TaskFile

_LARGEST_FILE = 4 * 1024 * 1024
_SEED = 32  # bytes
_READING = "taskfile"  # what lines about it stand under


def read_task(multi: MultiStep, fetched: Fetched, variables: RunVariables, work: Work) -> TaskFile:
    """The steps of a run. Its secrets are masked from now on.

    Raises Failure (taskfile-invalid, secret-denied) with the first problem and its place; all of
    them stand in the log.
    """
    source = multi.source
    manner = Manner(multi.compat)
    secrets = _set_secrets(source, work)
    named = {f"secret {name}": value for name, value in secrets.items()}

    def vault_secret(secret: Secret) -> str:
        value = named[f"secret {secret.id}"] = _vault_secret(secret, work)
        return value

    inputs = Inputs(
        run=_run_values(variables),
        values=_values(source, fetched, manner),
        secret_values=secrets,
        now=work.ledger.record.started,
        seed=random_bytes(_SEED),
        fetch=lambda name: _alias_source(name, fetched),
        secret=vault_secret,
    )
    if isinstance(source, FileStep):
        text = _text(fetched, source.path, "task file")
        task = read_task_file(text, file=source.path, manner=manner, inputs=inputs)
    else:
        task = _inline(source, manner, inputs, work)
    work.ledger.hide(task.masked)
    warn_of_short({**named, **dict(volume_texts(task))}, _READING, work)
    _tell(task.diagnostics, work)
    _tell_line_breaks(task, named, work)
    return task


def _run_values(variables: RunVariables) -> dict[str, str]:
    """The values of `.Run` by documented name, without the prefix."""
    return {
        name.removeprefix(".Run."): str(getattr(variables, field))
        for name, field in FIELDS.items()
        if name.startswith(".Run.")
    }


def _inline(source: InlineStep, manner: Manner, inputs: Inputs, work: Work) -> TaskFile:
    document: dict[str, Any] = source.model_dump(mode="json", by_alias=True, exclude_none=True)
    name = work.request.task or "--cmd"

    def locate(path: Place) -> Location:
        return Location(f"{name} inline.{spell_path(path)}" if path else name)

    return read_inline(document, locate=locate, manner=manner, inputs=inputs)


# ------------------------------------------------------------------- secrets
def _set_secrets(source: FileStep | InlineStep, work: Work) -> dict[str, str]:
    """The values of `setSecret`, masked and noted by reference. Raises Failure."""
    values = {name: resolve(work, reference) for name, reference in source.set_secret.items()}
    used = [
        UsedSecret(
            name=name,
            reference=source.set_secret[name],
            fingerprint=work.ports.fingerprint(value),
        )
        for name, value in values.items()
    ]
    work.ledger.hide(values.values())
    work.ledger.note(secrets=(*work.ledger.record.secrets, *used))
    return values


def _vault_secret(secret: Secret, work: Work) -> str:
    reference = key_vault_reference(secret.keyvault, secret.client_id)
    value = resolve(work, reference)
    work.ledger.hide([value])
    used = UsedSecret(
        name=secret.id, reference=reference, fingerprint=work.ports.fingerprint(value)
    )
    work.ledger.note(secrets=(*work.ledger.record.secrets, used))
    return value


def _tell_line_breaks(task: TaskFile, named: Mapping[str, str], work: Work) -> None:
    """A secret keeps every byte; few programs expect a line break at the end of a variable."""
    for step in task.steps:
        for variable, value in () if isinstance(step, PushStep) else step.env:
            called = next((name for name, known in named.items() if known == value), None)
            if called and value.endswith("\n"):
                message = (
                    f"the {called} ends with a line break, and so does {variable} of step "
                    f'"{step.id}"; {{{{ ... | trim }}}} leaves it out'
                )
                work.ledger.say(_READING, f"warning: {message}")


# --------------------------------------------------------------------- files
def _values(source: FileStep | InlineStep, fetched: Fetched, manner: Manner) -> dict[str, Any]:
    """Values of the file, where `set` wins by name. Raises Failure with the place."""
    if isinstance(source, InlineStep) or source.values is None:
        return dict(source.set)
    text = _text(fetched, source.values, "values file")
    try:
        found = read_values(text, lenient=manner is Manner.ACB)
    except Fault as fault:
        place = Location(source.values, fault.line, fault.column)
        raise Failure(Reason.TASKFILE_INVALID, f"{place}: {fault.message}") from None
    return {**found, **source.set}


def _text(fetched: Fetched, name: str, what: str) -> str:
    """The text of a file of the context. Raises Failure (taskfile-invalid)."""
    shown = one_line(name)
    try:
        path = real_path(fetched.folder.resolve(), name)
    except LeadsOutError:
        message = f"the {what} {shown} leads out of its context"
        raise Failure(Reason.TASKFILE_INVALID, message) from None
    except OSError:
        path = None
    if path is None or not path.is_file():
        message = f"there is no {what} {shown} in the context"
        raise Failure(Reason.TASKFILE_INVALID, message)
    return _decoded(path, f"the {what} {shown}")


def _decoded(path: Path, what: str) -> str:
    try:
        text = read_real(path, _LARGEST_FILE).decode("utf-8-sig")
        return io.StringIO(text, newline=None).read()  # its lines end in one way
    except TooLargeError:
        raise Failure(Reason.TASKFILE_INVALID, f"{what} has more than 4 MiB") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        message = f"{what} is not UTF-8 text, line {line}"
        raise Failure(Reason.TASKFILE_INVALID, message) from None
    except OSError as error:
        message = f"{what} cannot be read: {error.strerror}"
        raise Failure(Reason.TASKFILE_INVALID, message) from None


def _alias_source(name: str, fetched: Fetched) -> str:
    """The text of a source of aliases: a file of the context. Raises ReconcilerError."""
    if name.startswith(("http://", "https://")):
        raise ReconcilerError("aliases are read from files of the context, not from the network")
    try:
        return _text(fetched, name, "source of aliases")
    except Failure as failure:
        raise ReconcilerError(failure.message) from None


# --------------------------------------------------------------- diagnostics
def _tell(diagnostics: tuple[Diagnostic, ...], work: Work) -> None:
    """Write every problem into the log; raise Failure for the first error."""
    for item in diagnostics:
        work.ledger.say(_READING, f"{item.severity}: {_spelled(item)}")
    errors = [item for item in diagnostics if item.severity is Severity.ERROR]
    if errors:
        reason = _reason(errors[0])
        rest = f" (and {plural(len(errors) - 1, 'more error')})" if len(errors) > 1 else ""
        raise Failure(reason, _spelled(errors[0]) + rest)


def _reason(item: Diagnostic) -> Reason:
    return Reason.SECRET_DENIED if item.code == "secret" else Reason.TASKFILE_INVALID


def _spelled(item: Diagnostic) -> str:
    details = (("found", item.found), ("allowed", item.allowed), ("fix", item.fix))
    rest = "".join(f"; {name}: {text}" for name, text in details if text)
    return f"{_place(item.location)}{item.message}{rest}"


def _place(location: Location | None) -> str:
    if location is None:
        return ""
    # Steps in a spec have a path and no line of their own here.
    inline = " inline." in location.file or location.file == "--cmd"
    return f"{location.file}: " if inline else f"{location}: "
