"""Short ways to read a task file in tests, and to say what was found."""

from __future__ import annotations

from typing import Any

from reconciler.base.diagnostics import Severity
from reconciler.taskfile.file.read import read_task_file
from reconciler.taskfile.inputs import Inputs, Manner
from reconciler.taskfile.tasks import CmdStep, Step, TaskFile

RUN = {"ID": "r1", "Registry": "reg.example.io", "OS": "linux"}
V11 = "version: v1.1.0\n"


def read(text: str, manner: str = "strict", **inputs: Any) -> TaskFile:
    given = Inputs(**{"run": RUN} | inputs)
    return read_task_file(text, file="task.yaml", manner=Manner(manner), inputs=given)


def steps(text: str, manner: str = "strict", **inputs: Any) -> tuple[Step, ...]:
    return read(text, manner, **inputs).checked().steps


def cmd(text: str, manner: str = "strict", **inputs: Any) -> CmdStep:
    """The first step of a file whose steps are given from the first dash on."""
    step = steps(text, manner, **inputs)[0]
    assert isinstance(step, CmdStep)
    return step


def words(text: str, manner: str = "strict", **inputs: Any) -> list[str]:
    step = cmd(text, manner, **inputs)
    return [step.image, *step.argv]


def errors(text: str, manner: str = "strict", **inputs: Any) -> list[str]:
    return _said(read(text, manner, **inputs), Severity.ERROR)


def warnings(text: str, manner: str = "strict", **inputs: Any) -> list[str]:
    return _said(read(text, manner, **inputs), Severity.WARNING)


def _said(task: TaskFile, severity: Severity) -> list[str]:
    return [
        f"{item.location.line if item.location else 0}: {item.message}"
        for item in task.diagnostics
        if item.severity is severity
    ]
