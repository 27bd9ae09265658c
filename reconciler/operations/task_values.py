"""The words of `--set`, for whatever reads a task file. Reads no file itself."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.base.errors import WrongUsage
from reconciler.taskfile.file.values import read_settings


def settings_of(words: Sequence[str]) -> dict[str, str]:
    """The values of `--set NAME=value` words; the last of two wins. Raises WrongUsage."""
    try:
        return read_settings(words)
    except ValueError:
        raise WrongUsage(
            "--set takes NAME=value", hint="a secret goes into --set-secret NAME=env:VARIABLE"
        ) from None
