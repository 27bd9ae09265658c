"""The engine's classic builder, through docker-py: always there, but without secret mounts."""

from __future__ import annotations

import io
import re
import secrets
import tarfile
from collections.abc import Callable, Iterator
from typing import Any

from docker import APIClient
from docker.utils import tar

from reconciler.adapters.buildoutput import ignore_file
from reconciler.adapters.docker import Engine
from reconciler.adapters.docker_stream import EngineRefused, Record, Stopped, follow
from reconciler.model.build import BuildRequest, BuildResult

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
        for record in follow(self._engine, lambda client: _start(client, request), stopping):
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


def _start(client: APIClient, request: BuildRequest) -> Iterator[Record]:
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
    content, dockerfile = _packed(request)
    with content:
        options |= {"fileobj": content, "custom_context": True, "dockerfile": dockerfile}
        records: Iterator[Record] = client.build(decode=True, **options)
    return records


def _packed(request: BuildRequest) -> tuple[Any, str]:
    """The context as a tar, and the path of the Dockerfile in it.

    docker-py could pack it, but knows no ignore file of one Dockerfile, and no bytes in one.
    """
    ignored = _ignored(request)
    if request.dockerfile.is_relative_to(request.context):
        inside = str(request.dockerfile.relative_to(request.context))
        return tar(request.context, exclude=ignored, dockerfile=(inside, None)), inside
    inside = f".dockerfile.{secrets.token_hex(8)}"
    content: Any = tar(request.context, exclude=ignored, dockerfile=(inside, None))
    # The engine takes out what the ignore file names: an image does not see the copy.
    rules = "\n".join([*(ignored or [".dockerignore"]), inside]).encode("utf-8", "surrogateescape")
    with tarfile.open(fileobj=content, mode="a") as archive:
        for name, data in ((".dockerignore", rules), (inside, request.dockerfile.read_bytes())):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    content.seek(0)
    return content, inside


def _ignored(request: BuildRequest) -> list[str]:
    """The lines of its ignore file."""
    found = ignore_file(request)
    if found is None:
        return []
    lines = [line.strip() for line in found.read_text("utf-8", "surrogateescape").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


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
