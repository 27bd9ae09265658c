"""Run variables `{{.Run.ID}}` in image names and arguments. Not a template language: no functions.

Names: https://learn.microsoft.com/azure/container-registry/container-registry-tasks-reference-yaml
(run variables). The spelling is ACR's; a name that is unknown is an error, never an empty text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from reconciler.base.text import did_you_mean, one_line
from reconciler.model.run import Reason
from reconciler.runner.failure import Failure

_VARIABLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


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
NAMES = tuple(_FIELDS)


def run_date(moment: datetime) -> str:
    """`20261121-030000z`, UTC: the form of `.Run.Date`."""
    return moment.astimezone(UTC).strftime("%Y%m%d-%H%M%Sz")


def check_variables(text: str, where: str) -> None:
    """Raise Failure (taskfile-invalid) for the first unknown variable in a text."""
    for match in _VARIABLE.finditer(text):
        name = match[1].strip()
        if name not in _FIELDS:
            raise Failure(Reason.TASKFILE_INVALID, _unknown(match[0], name, where))
    if "{{" in _VARIABLE.sub("", text):
        message = f"{where}: a variable is not closed: {one_line(text, 80)}"
        raise Failure(Reason.TASKFILE_INVALID, message)


def _unknown(written: str, name: str, where: str) -> str:
    if name.startswith((".Values", ".Secrets")):
        return f"{where}: {one_line(written, 80)}: a docker step knows .Run variables only"
    near = did_you_mean(name, NAMES)
    hint = f"did you mean {{{{{near}}}}}?" if near else f"known are {', '.join(NAMES)}"
    return f"{where}: unknown variable {one_line(written, 80)}; {hint}"


def expand(text: str, variables: RunVariables) -> str:
    """The text with every variable replaced. It must have been checked before."""
    return _VARIABLE.sub(lambda match: _value(match[1].strip(), variables), text)


def empty_variables(text: str, variables: RunVariables) -> list[str]:
    """Variables of a text that have no value in this run: why a name came out wrong."""
    names = [match[1].strip() for match in _VARIABLE.finditer(text)]
    return [name for name in names if not _value(name, variables)]


def expand_all(values: Mapping[str, str], variables: RunVariables) -> dict[str, str]:
    """A mapping with every value expanded."""
    return {name: expand(value, variables) for name, value in values.items()}


def _value(name: str, variables: RunVariables) -> str:
    return str(getattr(variables, _FIELDS[name]))
