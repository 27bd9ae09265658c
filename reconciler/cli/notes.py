"""Notes and comments on a pull request, for the commands that offer them. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from reconciler.base.errors import InvalidInput, ReconcilerError, WrongUsage
from reconciler.cli.options import Invocation
from reconciler.cli.service_log import emit

if TYPE_CHECKING:  # late: `--help` of one command must not import the plan
    from reconciler.operations.planning.plan import Planned
    from reconciler.operations.reading.validate import Validation

NOTE_FORMATS = ("github", "azure")


@contextmanager
def faults_noted(invocation: Invocation, output: str) -> Iterator[None]:
    """Tell what is wrong in the format that is asked for, too.

    Wrong input is noted on its lines; why there is no plan takes the place of the last comment.
    """
    try:
        yield
    except WrongUsage:
        raise
    except ReconcilerError as error:
        if output in NOTE_FORMATS and isinstance(error, InvalidInput):
            from reconciler.report.annotations import diagnostic_annotations  # noqa: PLC0415

            emit(diagnostic_annotations(error.diagnostics, output, _folder(invocation)))
        if output == "markdown":
            from reconciler.report.markdown_fault import fault_markdown  # noqa: PLC0415

            click.echo(fault_markdown(error))
        raise


def show_plan_notes(invocation: Invocation, planned: Planned, output: str) -> None:
    """Print the notes of a plan."""
    from reconciler.report.annotations import plan_annotations  # noqa: PLC0415

    emit(plan_annotations(planned, output, _folder(invocation)))


def show_validation_notes(invocation: Invocation, result: Validation, output: str) -> None:
    """Print the notes of a validation."""
    from reconciler.report.annotations import validation_annotations  # noqa: PLC0415

    emit(validation_annotations(result, output, _folder(invocation)))


def _folder(invocation: Invocation) -> str:
    from reconciler.operations.planning.causes import folder_in_repository  # noqa: PLC0415

    return folder_in_repository(invocation.folder)
