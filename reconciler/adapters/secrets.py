"""Reads a secret where its reference says it is. Keeps nothing, and never names a value."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

from reconciler.base.errors import SecretUnavailable

# BuildKit refuses larger ones.
LARGEST = 500 * 1024


def resolve_secret(reference: str, *, environment: Mapping[str, str], folder: Path) -> str:
    """The value of `env:NAME` or `file:PATH` (relative to `folder`).

    Bytes of a file that are not UTF-8 become surrogate escapes and can be written back exactly.
    Raises SecretUnavailable, which names the reference only.
    """
    scheme, _, rest = reference.partition(":")
    if scheme == "env":
        return _from_environment(reference, rest, environment)
    if scheme == "file":
        return _from_file(reference, folder / rest)
    raise SecretUnavailable(
        f"the secret {reference} cannot be read: this version reads env: and file:",
        hint="keep it in an environment variable or in a file that only you can read",
    )


def _from_environment(reference: str, name: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name)
    if not value:
        state = "empty" if value == "" else "not set"
        raise SecretUnavailable(
            f"the secret {reference} cannot be read: the variable {name} is {state}",
            hint=f"export {name} before the command",
        )
    return value


def _from_file(reference: str, path: Path) -> str:
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode) or not 0 < state.st_size <= LARGEST:
            raise _unusable(reference, f"it must be a file of 1 to {LARGEST:,} bytes")
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise _unusable(reference, error.strerror or type(error).__name__) from None


def _unusable(reference: str, why: str) -> SecretUnavailable:
    return SecretUnavailable(
        f"the secret {reference} cannot be read: {why}",
        hint="a file: path is absolute, or relative to the workspace (else to this folder)",
    )
