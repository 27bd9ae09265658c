"""The words of `--set`, for whatever reads a task file. Reads no file itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.base.errors import WrongUsage
from reconciler.base.text import one_line
from reconciler.taskfile.file.values import read_settings
from reconciler.taskfile.inputs import Manner

_FOR_SECRETS = "a secret goes into --set-secret NAME=env:VARIABLE"


def settings_of(
    words: Sequence[str], manner: Manner = Manner.STRICT, hint: str = _FOR_SECRETS
) -> dict[str, str]:
    """The values of `--set NAME=value` words; the last of two wins. Raises WrongUsage.

    A value is put into the text of a file, where a line of its own could be a step of its own:
    where read strictly, it has one line.
    """
    try:
        found = read_settings(words)
    except ValueError:
        raise WrongUsage("--set takes NAME=value", hint=hint) from None
    if manner is Manner.STRICT:
        refuse_lines(found)
    return found


def refuse_lines(values: Mapping[str, str]) -> None:
    """Raise WrongUsage for a value of `--set` with a line break."""
    for name, value in values.items():
        if len(f"{value}.".splitlines()) > 1:
            message = f"the value of --set {one_line(name, 80)} has more than one line"
            raise WrongUsage(message, hint="put it into a values file of the context")
