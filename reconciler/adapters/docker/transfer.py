"""Pulls and pushes images through the engine, and says in few words why one did not work."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from reconciler.adapters.docker.engine import Engine, split_tag
from reconciler.adapters.docker.stream import EngineRefused, Record, Stopped, follow
from reconciler.adapters.web.refusals import refused
from reconciler.model.build import LocalImage, Login, Transfer


class EngineImages:
    """The images of an engine as a run sees them. Methods raise EngineUnavailable if it is gone."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def platform(self) -> tuple[str, str]:
        """(operating system, architecture) of the engine."""
        version = self._engine.version()
        return version.os, version.architecture

    def answers(self) -> bool:
        """True if the engine answers now."""
        return self._engine.answers()

    def image(self, reference: str) -> LocalImage | None:
        """The local image of a name or id, or None."""
        return self._engine.image(reference)

    def traces(self, reference: str) -> str:
        """Settings and history of an image, as text."""
        return self._engine.traces(reference)

    def pull(
        self,
        reference: str,
        platform: str | None,
        login: Login | None,
        stopping: Callable[[], bool],
    ) -> Transfer:
        """Pull an image into the engine."""
        return pull_image(
            self._engine, reference, platform=platform, login=login, stopping=stopping
        )

    def push(self, name: str, login: Login | None, stopping: Callable[[], bool]) -> Transfer:
        """Push a tagged image."""
        return push_image(self._engine, name, login=login, stopping=stopping)

    def untag(self, name: str) -> None:
        """Take a name away, and the image with its last name. Nothing if there is none."""
        self._engine.remove_image(name)


_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def pull_image(
    engine: Engine,
    reference: str,
    *,
    platform: str | None,
    login: Login | None,
    stopping: Callable[[], bool],
) -> Transfer:
    """Pull an image into the engine. Raises EngineUnavailable only if the engine goes away."""

    def call(client: Any) -> Iterator[Record]:
        records: Iterator[Record] = client.pull(
            *_pull_name(reference),
            stream=True,
            decode=True,
            platform=platform,
            auth_config=_auth(login),
        )
        return records

    return _transfer(engine, call, stopping)


def push_image(
    engine: Engine,
    name: str,
    *,
    login: Login | None,
    stopping: Callable[[], bool],
) -> Transfer:
    """Push a tagged image; the digest is the registry's. Raises as `pull_image` does."""
    repository, tag = split_tag(name)

    def call(client: Any) -> Iterator[Record]:
        records: Iterator[Record] = client.push(
            repository, tag, stream=True, decode=True, auth_config=_auth(login)
        )
        return records

    return _transfer(engine, call, stopping)


def _transfer(
    engine: Engine, call: Callable[[Any], Iterator[Record]], stopping: Callable[[], bool]
) -> Transfer:
    digest = None
    try:
        for record in follow(engine, call, stopping):
            if "error" in record:
                return refused(str(record["error"]))
            digest = _digest(record) or digest
    except Stopped:
        return Transfer(stopped=True)
    except EngineRefused as error:
        return refused(str(error))
    return Transfer(digest=digest)


def _digest(record: Record) -> str | None:
    aux = record.get("aux")
    if isinstance(aux, dict) and "Digest" in aux:
        return str(aux["Digest"])
    match = _DIGEST.search(str(record.get("status", "")))
    return match[0] if match else None


def _pull_name(reference: str) -> tuple[str, str | None]:
    # With a digest docker-py takes the name whole; without a tag the engine would pull them all.
    return (reference, None) if "@" in reference else split_tag(reference)


def _auth(login: Login | None) -> dict[str, str]:
    # An empty answer and not None: docker-py would look for a login of its own.
    if login is None:
        return {}
    if login.identity_token:
        return {"IdentityToken": login.identity_token}
    return {"username": login.username, "password": login.password}
