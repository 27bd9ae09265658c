"""Finds the programs we start, and says what of the environment they are told. Starts none."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from reconciler.adapters.processes.owner import VARIABLE, owner_of_this_process

# Nothing that is not named here, no secret of ours above all.
_PASSED_ON = (
    *("HOME", "PATH", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "SSL_CERT_FILE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    "XDG_RUNTIME_DIR",
)


def programs(name: str, environment: Mapping[str, str]) -> Iterator[Path]:
    """The programs of a name on PATH, in its order.

    Relative entries of PATH are skipped: they would mean whatever lies in this folder.
    """
    for entry in environment.get("PATH", "").split(":"):
        place = Path(entry) / name
        if entry.startswith("/") and place.is_file() and os.access(place, os.X_OK):
            yield place


def find_program(name: str, environment: Mapping[str, str]) -> Path | None:
    """The first program of that name on PATH, or None."""
    return next(programs(name, environment), None)


def passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    """What a program may know of our environment, and whose it is."""
    known = {name: environment[name] for name in _PASSED_ON if name in environment}
    return {**known, VARIABLE: owner_of_this_process()}
