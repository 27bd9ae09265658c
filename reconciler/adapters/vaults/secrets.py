"""Reads secrets where their references say they are. Writes nothing down, never names a value."""

from __future__ import annotations

import contextlib
import stat
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self, TypeVar

from reconciler.adapters.processes.deadline import Abandoned, within
from reconciler.adapters.vaults.azure_key_vault import KeyVaults
from reconciler.adapters.vaults.hashicorp_vault import Vaults
from reconciler.base.errors import SecretUnavailable
from reconciler.base.spellings import to_bytes
from reconciler.model.vaults import KEY_VAULT, VAULT, parse_key_vault, parse_vault

Found = TypeVar("Found")

# Of a value, in bytes: BuildKit refuses larger ones.
LARGEST = 500 * 1024
# Of all values of a run: each is looked for in all that the run writes, in many spellings.
LARGEST_SUM = 1024 * 1024
_NAMED = 5
# The limit that ACR has for one secret of a vault.
SECONDS = 120
_CLOSING = 5


class SecretReader:
    """The secrets of one run, each read once: a run sees one value of it from start to end.

    `folder` is what `file:` paths are relative to. A vault's credential goes to the vaults of Azure
    and to that of `VAULT_ADDR`, and beside them to the hosts in `declared` only: an address may
    come from anybody who writes a spec. Waiting for a vault ends when `stopping()` becomes true.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        folder: Path,
        *,
        declared: frozenset[str] = frozenset(),
        stopping: Callable[[], bool] = lambda: False,
        seconds: float = SECONDS,
    ) -> None:
        self._environment, self._folder = environment, folder
        self._stopping, self._seconds = stopping, seconds
        self._key_vaults = KeyVaults(declared)
        self._vaults = Vaults(environment, declared)
        self._known: dict[str, str] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget what was read, close connections, give a token back that was issued for us."""
        self._known.clear()
        with contextlib.suppress(Abandoned):
            within(_CLOSING, lambda: False, self._close)

    def _close(self) -> None:
        self._key_vaults.close()
        self._vaults.close()

    def read(self, reference: str) -> str:
        """The value of a reference. Bytes that are not UTF-8 become surrogate escapes.

        Raises SecretUnavailable, which names the reference, and who was refused.
        """
        with self._lock:
            if reference not in self._known:
                value = self._read(reference)
                _check_sum({**self._known, reference: value}, reference)
                self._known[reference] = value
            return self._known[reference]

    def probe(self, reference: str) -> None:
        """Check that a vault answers and that we have a token for it; its secret is not read.

        A reference of another kind is read. Raises SecretUnavailable.
        """
        scheme, _, rest = reference.partition(":")
        if scheme == KEY_VAULT:
            self._wait(reference, lambda: self._key_vaults.probe(parse_key_vault(rest)))
        elif scheme == VAULT:
            self._wait(reference, lambda: self._vaults.probe(parse_vault(rest)))
        else:
            self._read(reference)

    def _read(self, reference: str) -> str:
        scheme, _, rest = reference.partition(":")
        if scheme == "env":
            return _from_environment(reference, rest, self._environment)
        if scheme == "file":
            return _from_file(reference, self._folder / rest)
        if scheme == KEY_VAULT:
            value = self._wait(reference, lambda: self._key_vaults.read(parse_key_vault(rest)))
            return _of_a_vault(reference, value)
        if scheme == VAULT:
            value = self._wait(reference, lambda: self._vaults.read(parse_vault(rest)))
            return _of_a_vault(reference, value)
        hint = "a reference begins with env:, file:, azurekv: or vault:"
        raise _unavailable(reference, "it is of no kind that is known", hint)

    def _wait(self, reference: str, ask: Callable[[], Found]) -> Found:
        try:
            return within(self._seconds, self._stopping, ask)
        except Abandoned as error:
            why = f"the vault has not answered {error}"
            raise _unavailable(reference, why, "see that this machine reaches it") from None
        except SecretUnavailable as error:
            raise _unavailable(reference, error.message, error.hint) from None
        except ValueError as error:
            raise _unavailable(reference, str(error), None) from None


def _check_sum(values: Mapping[str, str], reference: str) -> None:
    """Raise SecretUnavailable if values are too large together; equal ones count once."""
    sizes = {value: len(to_bytes(value)) for value in values.values()}
    if (total := sum(sizes.values())) <= LARGEST_SUM:
        return
    largest = sorted(values, key=lambda name: (-sizes[values[name]], name))
    named = ", ".join(f"{name} ({sizes[values[name]]:,})" for name in largest[:_NAMED])
    more = f" and {len(largest) - _NAMED:,} more" if len(largest) > _NAMED else ""
    why = (
        f"with it the secrets of the run have {total:,} bytes, at most {LARGEST_SUM:,} together: "
        f"{named}{more}"
    )
    raise _unavailable(reference, why, "a secret is a key or a password; fetch data in a step")


def _of_a_vault(reference: str, value: str) -> str:
    size = len(value.encode("utf-8", "surrogatepass"))
    if size > LARGEST:
        why = f"it has {size:,} bytes, and a secret has at most {LARGEST:,}"
        raise _unavailable(reference, why, "a secret is a key or a password; fetch data in a step")
    return value


def _from_environment(reference: str, name: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name)
    if not value:
        state = "empty" if value == "" else "not set"
        why = f"the variable {name} is {state}"
        raise _unavailable(reference, why, f"export {name} before the command")
    return value


def _from_file(reference: str, path: Path) -> str:
    hint = "a file: path is absolute, or relative to the workspace (else to this folder)"
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode) or not 0 < state.st_size <= LARGEST:
            why = f"it must be a file of 1 to {LARGEST:,} bytes"
            raise _unavailable(reference, why, hint)
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise _unavailable(reference, error.strerror or type(error).__name__, hint) from None


def _unavailable(reference: str, why: str, hint: str | None) -> SecretUnavailable:
    return SecretUnavailable(f"the secret {reference} cannot be read: {why}", hint=hint)
