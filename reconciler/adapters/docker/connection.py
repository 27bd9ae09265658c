"""One connection to the container engine, and what its errors mean. Asks nothing itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import requests
import urllib3
from docker import APIClient
from docker.errors import DockerException

from reconciler.adapters.docker.engine import Engine, engine_unavailable, explanation
from reconciler.base.errors import EngineUnavailable

# What docker-py lets through when the engine goes away in the middle of an answer.
LOST = (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, ConnectionError)


@contextlib.contextmanager
def connected(engine: Engine) -> Iterator[APIClient]:
    """A connection of its own: steps run in threads. A lost engine is EngineUnavailable."""
    client = engine.client(timeout=None)
    try:
        yield client
    except DockerException as error:
        message = f"the container engine refuses: {explanation(error)}"
        raise EngineUnavailable(message, details=[("engine", engine.address)]) from None
    except LOST as error:
        raise engine_unavailable(engine.address, error) from None
    finally:
        client.close()


@contextlib.contextmanager
def refusal_as_value_error() -> Iterator[None]:
    """A refusal of the engine inside the block becomes a ValueError with its own words."""
    try:
        yield
    except DockerException as error:
        raise ValueError(explanation(error)) from None
