"""The run variables of docker steps: `{{.Run.ID}}` and its kin. A name, no template language.

Names: https://learn.microsoft.com/azure/container-registry/container-registry-tasks-reference-yaml
(run variables). The spelling is ACR's; an unknown name is an error, never an empty text.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from reconciler.base.text import did_you_mean, one_line
from reconciler.model.container import run_name

VARIABLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
# name -> the field that holds its value
FIELDS = {
    ".Run.ID": "id",
    ".Run.Registry": "registry",
    ".Run.RegistryName": "registry_name",
    ".Run.Date": "date",
    ".Run.Commit": "commit",
    ".Run.Branch": "branch",
    ".Run.TaskName": "task_name",
    ".Run.OS": "os",
    ".Run.Architecture": "architecture",
    ".Run.TriggeredBy": "triggered_by",
    ".Run.Repository": "repository",
    ".Run.GitTag": "git_tag",
    ".Run.SharedVolume": "shared_volume",
    ".Build.ID": "id",
}
NAMES = tuple(FIELDS)


def run_date(moment: datetime) -> str:
    """`20261121-030000z`, UTC: the form of `.Run.Date`."""
    return moment.astimezone(UTC).strftime("%Y%m%d-%H%M%Sz")


def shared_volume(run_id: str, fence: int = 1) -> str:
    """The volume that the steps of a run share as their workspace: `.Run.SharedVolume`."""
    return run_name(run_id, fence)


def wrong_variable(text: str) -> str | None:
    """What is wrong with the variables of a text, or None."""
    if "{{" not in text:
        return None
    for match in VARIABLE.finditer(text):
        name = match[1].strip()
        if name not in NAMES:
            return _unknown(match[0], name)
    if "{{" in VARIABLE.sub("", text):
        return f"a variable is not closed: {one_line(text, 80)}"
    return None


def _unknown(written: str, name: str) -> str:
    if name.startswith((".Values", ".Secrets")):
        return f"{one_line(written, 80)}: a docker step knows .Run variables only"
    near = did_you_mean(name, NAMES)
    hint = f"did you mean {{{{{near}}}}}?" if near else f"known are {', '.join(NAMES)}"
    return f"unknown variable {one_line(written, 80)}; {hint}"
