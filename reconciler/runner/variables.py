"""The values of run variables in image names and arguments; their names stand in the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from reconciler.model.run import Reason
from reconciler.model.variables import VARIABLE, wrong_variable
from reconciler.runner.failure import Failure


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


_SPECIAL = {"id": "ID", "os": "OS"}


def _spelled(field: str) -> str:
    words = "".join(word.capitalize() for word in field.split("_"))
    return ".Run." + _SPECIAL.get(field, words)


# `.Run.TaskName` -> `task_name`
_FIELDS = {_spelled(field.name): field.name for field in fields(RunVariables)} | {".Build.ID": "id"}


def run_date(moment: datetime) -> str:
    """`20261121-030000z`, UTC: the form of `.Run.Date`."""
    return moment.astimezone(UTC).strftime("%Y%m%d-%H%M%Sz")


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
    return str(getattr(variables, _FIELDS[name]))
