"""Notes on the lines of a pull request, for the commands that offer them. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.base.errors import InvalidInput
from reconciler.cli.options import Invocation
from reconciler.cli.service_log import emit

if TYPE_CHECKING:  # late: `--help` of one command must not import the plan
    from reconciler.operations.plan import Planned
    from reconciler.operations.validate import Validation

NOTE_FORMATS = ("github", "azure")


@contextmanager
def faults_noted(invocation: Invocation, output: str) -> Iterator[None]:
    """Tell what is wrong with the input as notes on its lines too, where that is the format."""
    try:
        yield
    except InvalidInput as error:
        if output in NOTE_FORMATS:
            from reconciler.report.annotations import diagnostic_annotations  # noqa: PLC0415

            emit(diagnostic_annotations(error.diagnostics, output, _folder(invocation)))
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
    from reconciler.operations.causes import folder_in_repository  # noqa: PLC0415

    return folder_in_repository(invocation.folder)
