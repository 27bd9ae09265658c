"""What runs have on an engine, found by its labels and removed. Decides not which runs are dead."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import requests
from docker import APIClient
from docker.errors import APIError, NotFound

from reconciler.adapters.docker.engine import explanation
from reconciler.model.container import RUN_LABEL

_TRIES = 4


def things(client: APIClient, labels: list[str]) -> list[tuple[str, str, str]]:
    """(run, kind, id or name) of everything that carries the labels; containers first."""
    wanted = {"label": labels}
    containers = client.containers(all=True, filters=wanted)
    networks = client.networks(filters=wanted)
    volumes = client.volumes(filters=wanted).get("Volumes") or []
    return [
        *[(_run_of(item), "container", str(item["Id"])) for item in containers],
        *[(_run_of(item), "network", str(item["Name"])) for item in networks],
        *[(_run_of(item), "volume", str(item["Name"])) for item in volumes],
    ]


def _run_of(item: Any) -> str:
    return str((item.get("Labels") or {}).get(RUN_LABEL, ""))


def remove_all(client: APIClient, labels: list[str]) -> list[str]:
    """Remove it, trying again a little: a network may have endpoints for a moment longer."""
    left: list[str] = []
    for pause in range(_TRIES):
        left = [
            name for _, kind, name in things(client, labels) if not _removed(client, kind, name)
        ]
        if not left:
            break
        time.sleep(0.2 * pause)
    return left


def _removed(client: APIClient, kind: str, name: str) -> bool:
    try:
        if kind == "container":
            client.remove_container(name, force=True, v=True)
        elif kind == "network":
            client.remove_network(name)
        else:
            client.remove_volume(name, force=True)
    except NotFound:
        return True
    except APIError as error:
        return "already in progress" in explanation(error)
    return True


def remove_container(client: APIClient, identity: str) -> None:
    """Best effort: what stays is removed at the end of the run or swept later."""
    with contextlib.suppress(requests.RequestException, OSError):
        _removed(client, "container", identity)
