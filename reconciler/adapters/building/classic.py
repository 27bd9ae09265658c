"""The engine's classic builder, through docker-py: always there, but without secret mounts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from docker import APIClient

from reconciler.adapters.archives.pack import by_rules, packed
from reconciler.adapters.building.classic_context import sent_context
from reconciler.adapters.building.output import ignore_file
from reconciler.adapters.docker.engine import Engine
from reconciler.adapters.docker.stream import EngineRefused, Record, Stopped, follow
from reconciler.model.build import BuildRequest, BuildResult
from reconciler.taskfile.dockerfile.ignore import IgnoreWrong, parse_ignore

_BUILT = re.compile(r"Successfully built ([0-9a-f]{12,64})")


class ClassicBuilder:
    """Builds one image for one platform. `secrets` says that it cannot mount any."""

    name = "classic"
    secrets = False
    cache = "none"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def build(
        self,
        request: BuildRequest,
        on_output: Callable[[bytes], None],
        stopping: Callable[[], bool],
    ) -> BuildResult:
        """Build, hand over the output as it comes. Raises EngineUnavailable if it goes away."""
        if request.secrets:
            return BuildResult(exit_code=1, message="the classic builder cannot mount secrets")
        try:
            return self._tagged(request, self._built(request, on_output, stopping))
        except Stopped:
            return BuildResult(exit_code=130, stopped=True)
        except EngineRefused as error:
            return BuildResult(exit_code=1, message=str(error))

    def _built(
        self,
        request: BuildRequest,
        on_output: Callable[[bytes], None],
        stopping: Callable[[], bool],
    ) -> BuildResult:
        image_id = None
        for record in follow(
            self._engine, lambda client: _start(client, request, stopping), stopping
        ):
            if "error" in record:
                return _failed(record)
            on_output(str(record.get("stream", "")).encode("utf-8", "surrogateescape"))
            image_id = _image_id(record) or image_id
        if image_id is None:
            return BuildResult(exit_code=1, message="the builder ended without an image")
        return BuildResult(image_id=image_id)

    def _tagged(self, request: BuildRequest, result: BuildResult) -> BuildResult:
        image = self._engine.image(result.image_id) if result.image_id else None
        if image is None:
            return result
        for tag in request.tags:
            self._engine.tag(image.id, tag)
        return BuildResult(image_id=image.id)


def _start(
    client: APIClient, request: BuildRequest, stopping: Callable[[], bool]
) -> Iterator[Record]:
    options: dict[str, Any] = {
        "buildargs": dict(request.args),
        "labels": dict(request.labels),
        "target": request.target or "",
        "nocache": request.no_cache,
        "network_mode": "none" if request.offline else None,
        # Without these two the container of every step stays behind.
        "rm": True,
        "forcerm": True,
    }
    if request.platform and request.platform != _native(client):
        options["platform"] = request.platform
    content, dockerfile = _packed(request, stopping)
    options |= {"fileobj": content, "custom_context": True, "dockerfile": dockerfile}
    try:
        records: Iterator[Record] = client.build(decode=True, **options)
    except Exception:
        if content.error is not None:
            # Below, it has become one of the connection.
            raise content.error from None
        raise
    return records


class _Content:
    """A context as it is sent; keeps the error that broke it off."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self.error: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._pieces
        except Stopped as error:
            self.error = error
            raise
        except OSError as error:
            where = f": {error.filename}" if error.filename else ""
            self.error = EngineRefused(f"the context cannot be read{where}: {error.strerror}")
            raise


def _packed(request: BuildRequest, stopping: Callable[[], bool]) -> tuple[_Content, str]:
    """The context as a tar, and the path of the Dockerfile in it. Raises EngineRefused.

    docker-py could pack it, but knows no ignore file of one Dockerfile, no bytes in one, and takes
    five times as long.
    """

    def check() -> None:
        if stopping():
            raise Stopped

    text = _ignored(request)
    try:
        rules = parse_ignore(text)
    except IgnoreWrong as error:
        raise EngineRefused(f"the ignore file, line {error.line}: {error}") from None
    try:
        sent = sent_context(request.context.resolve(), request.dockerfile, rules)
    except OSError as error:
        raise EngineRefused(f"the context cannot be read: {error.strerror}") from None
    content = _Content(packed(request.context, by_rules(rules), check, sent.extra))
    return content, sent.dockerfile


def _ignored(request: BuildRequest) -> str:
    """The text of its ignore file, without a byte order mark."""
    found = ignore_file(request)
    if found is None:
        return ""
    return found.read_text("utf-8", "surrogateescape").removeprefix("\ufeff")


def _native(client: APIClient) -> str:
    version = client.version()
    return f"{version['Os']}/{version['Arch']}"


def _image_id(record: Record) -> str | None:
    if isinstance(record.get("aux"), dict) and "ID" in record["aux"]:
        return str(record["aux"]["ID"])
    match = _BUILT.search(str(record.get("stream", "")))
    return match[1] if match else None


def _failed(record: Record) -> BuildResult:
    detail = record.get("errorDetail") or {}
    code = detail.get("code") if isinstance(detail, dict) else None
    return BuildResult(exit_code=int(code or 1), message=str(record["error"]).strip())
