"""Steps written in a spec, read before any run of them: what is wrong whatever a run brings.

What only a run knows stands there as a word; steps that depend on it, or on alias files of the
context, are left to the run. Runs nothing and reads no file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.base.diagnostics import Diagnostic, Location, Severity
from reconciler.base.source import Located, Path
from reconciler.model.step import InlineStep, InlineTask
from reconciler.model.task import Task
from reconciler.operations.reading.before_run import RUN_WORDS, depends_on_run
from reconciler.taskfile.file.inline import read_inline
from reconciler.taskfile.file.values import UNREAD
from reconciler.taskfile.inputs import Inputs, Manner
from reconciler.taskfile.tasks import TaskFile

_INSIDE: Path = ("spec", "step", "inline")
# `run --set` may give it.
_NOT_GIVEN = re.compile(r"template: \.Values\.\S+ is not given")


def inline_problems(located: Located[Task]) -> Iterator[Diagnostic]:
    """Errors: what would stop every run of a task, at the steps' place in its spec.

    See decision 12 for what that means to a live task that has such steps.
    """
    found = read_steps(located)
    for item in found.diagnostics if found is not None else ():
        if item.severity is Severity.ERROR and not _NOT_GIVEN.match(item.message):
            message = f"no run of it would start: {item.message}"
            yield replace(item, message=message, task=located.value.address)


def read_steps(located: Located[Task]) -> TaskFile | None:
    """The steps of a spec, None if it has none or only a run knows them."""
    spec = located.value.spec
    if not isinstance(spec.step, InlineTask):
        return None
    inline = spec.step.inline
    document: dict[str, Any] = inline.model_dump(mode="json", by_alias=True, exclude_none=True)
    if (inline.alias and inline.alias.src) or any(map(depends_on_run, _texts(document))):
        return None

    def locate(path: Path) -> Location:
        return located.source.locate((*_INSIDE, *path))

    return read_inline(document, locate=locate, manner=Manner(spec.compat), inputs=_inputs(inline))


def _inputs(inline: InlineStep) -> Inputs:
    return Inputs(run=RUN_WORDS, secret_values=dict.fromkeys(inline.set_secret, UNREAD))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
