"""The values of run variables in image names and arguments; their names stand in the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.run import Reason
from reconciler.model.variables import FIELDS, VARIABLE, run_date, shared_volume, wrong_variable
from reconciler.runner.failure import Failure
from reconciler.runner.ports import Fetched
from reconciler.runner.work import Work


@dataclass(frozen=True, slots=True)
class RunVariables:
    """The values of `.Run`; field names are the documented ones in lower case."""

    id: str
    registry: str = ""
    registry_name: str = ""
    date: str = ""
    commit: str = ""
    branch: str = ""
    task_name: str = ""
    os: str = ""
    architecture: str = ""
    triggered_by: str = "Manual"
    repository: str = ""
    git_tag: str = ""
    shared_volume: str = ""


def run_variables(work: Work, fetched: Fetched, platform: tuple[str, str]) -> RunVariables:
    """The values of one run. `platform` is (operating system, architecture)."""
    request, record = work.request, work.ledger.record
    return RunVariables(
        id=request.id,
        registry=request.login_server or "",
        registry_name=(request.login_server or "").partition(".")[0],
        date=run_date(record.started or record.queued),
        commit=fetched.commit or "",
        branch=fetched.branch or "",
        task_name=request.task_name,
        os=platform[0],
        architecture=platform[1],
        triggered_by=request.trigger.word,
        shared_volume=shared_volume(request.id, work.ports.fence),
    )


def check_variables(text: str, where: str) -> None:
    """Raise Failure (taskfile-invalid) for the first unknown variable in a text."""
    wrong = wrong_variable(text)
    if wrong is not None:
        raise Failure(Reason.TASKFILE_INVALID, f"{where}: {wrong}")


def expand(text: str, variables: RunVariables) -> str:
    """The text with every variable replaced. It must have been checked before."""
    return VARIABLE.sub(lambda match: _value(match[1].strip(), variables), text)


def empty_variables(text: str, variables: RunVariables) -> list[str]:
    """Variables of a text that have no value in this run: why a name came out wrong."""
    names = [match[1].strip() for match in VARIABLE.finditer(text)]
    return [name for name in names if not _value(name, variables)]


def expand_all(values: Mapping[str, str], variables: RunVariables) -> dict[str, str]:
    """A mapping with every value expanded."""
    return {name: expand(value, variables) for name, value in values.items()}


def _value(name: str, variables: RunVariables) -> str:
    return str(getattr(variables, FIELDS[name]))
