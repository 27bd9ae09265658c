"""The words of a build step that a program is started with: none may hold a secret. Builds none."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.base.redact import Redactor
from reconciler.model.run import Reason
from reconciler.runner.failure import Failure
from reconciler.taskfile.tasks import BuildStep


def refuse_secrets_in_words(step: BuildStep, masked: tuple[str, ...]) -> None:
    """Raise Failure (taskfile-invalid) if a word of a build holds a value that is masked.

    What stays in the image (names, labels, values of arguments) has an advice of its own.
    """
    redactor = Redactor(masked)
    for what, word in _words(step):
        if redactor.text(word) != word:
            where = f'step "{step.id}" (line {step.line})'
            message = f"{where}: a secret in {what} is seen by all who list processes"
            raise Failure(Reason.TASKFILE_INVALID, f"{message}; use a value instead")


def _words(step: BuildStep) -> Iterator[tuple[str, str]]:
    build = step.build
    yield "the context of a build", build.context
    yield "--file", build.file or ""
    yield "--target", build.target or ""
    yield "--platform", build.platform or ""
    yield from (("--secret", word) for word in build.secrets)
    yield from (("the name of a --build-arg", name) for name, _ in build.args)
    yield from ((f"--{word.lstrip('-').partition('=')[0]}", word) for word in build.options)
