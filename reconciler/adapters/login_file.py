"""A login as the one entry of a `config.json`, for programs that read one. Keeps nothing."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from reconciler.adapters.files import write_private
from reconciler.base.spellings import to_bytes
from reconciler.model.build import Login

_HUB = "docker.io"
_HUB_ENTRY = "https://index.docker.io/v1/"


def write_login(path: Path, registry: str, login: Login | None) -> None:
    """Write a file that only we can read. With no login it is there all the same, and empty:
    without a file the program would look for a login itself. OSError.
    """
    write_private(path, json.dumps({"auths": _entries(registry, login)}).encode("utf-8"))


def _entries(registry: str, login: Login | None) -> dict[str, dict[str, str]]:
    if login is None:
        return {}
    pair = to_bytes(f"{login.username}:{login.password}")
    entry = {"auth": base64.b64encode(pair).decode("ascii")}
    if login.identity_token:
        entry["identitytoken"] = login.identity_token
    return {_HUB_ENTRY if registry == _HUB else registry: entry}
