"""What runs have on an engine, found by its labels and removed. Decides not which runs are dead."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests
from docker import APIClient
from docker.errors import APIError, NotFound

from reconciler.adapters.docker.engine import explanation
from reconciler.model.container import RUN_LABEL, fence_of

_TRIES = 4


@dataclass(frozen=True, slots=True)
class Thing:
    """Something of a run on an engine. `kind`: container, network or volume; `name` or id."""

    run: str
    fence: int
    kind: str
    name: str


def things(client: APIClient, labels: list[str]) -> list[Thing]:
    """Everything that carries the labels; containers first."""
    wanted = {"label": labels}
    containers = client.containers(all=True, filters=wanted)
    networks = client.networks(filters=wanted)
    volumes = client.volumes(filters=wanted).get("Volumes") or []
    return [
        *[_thing(item, "container", item["Id"]) for item in containers],
        *[_thing(item, "network", item["Name"]) for item in networks],
        *[_thing(item, "volume", item["Name"]) for item in volumes],
    ]


def _thing(item: Any, kind: str, name: str) -> Thing:
    labels = item.get("Labels") or {}
    return Thing(str(labels.get(RUN_LABEL, "")), fence_of(labels), kind, str(name))


def remove_all(
    client: APIClient, labels: list[str], dead: Callable[[Thing], bool] = lambda _thing: True
) -> list[str]:
    """Remove what is dead of it, trying again a little: a network may have endpoints for a moment.

    The names of what would not go.
    """
    left: list[str] = []
    for pause in range(_TRIES):
        found = [thing for thing in things(client, labels) if dead(thing)]
        left = [thing.name for thing in found if not _removed(client, thing.kind, thing.name)]
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
