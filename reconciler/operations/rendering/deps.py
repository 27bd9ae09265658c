"""`deps`: the base images of a build, from its Dockerfile. Builds nothing; asks no registry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.base.diagnostics import Diagnostic, Location
from reconciler.base.encoding import YamlError
from reconciler.base.errors import InvalidInput, WrongUsage
from reconciler.loader.files import WorkspaceFiles
from reconciler.model.platform import canonical_platform
from reconciler.operations.rendering.build_files import find_dockerfile, open_context
from reconciler.taskfile.dockerfile.acbscan import scan
from reconciler.taskfile.dockerfile.entries import dependency_entries
from reconciler.taskfile.dockerfile.images import BaseImage, base_images
from reconciler.taskfile.dockerfile.logicallines import DockerfileError, decode
from reconciler.taskfile.inputs import Manner


@dataclass(frozen=True, slots=True)
class DepsWords:
    """The words as they were written. `folder` is where the person stands.

    Without `build_platform` this machine builds. `file` is relative to the context; where ACR's
    scanner is followed, to `folder` first.
    """

    source: str
    folder: Path
    file: str | None = None
    images: Sequence[str] = ()
    args: Sequence[str] = ()
    target: str | None = None
    platform: str = "linux/amd64"
    build_platform: str | None = None
    manner: Manner = Manner.STRICT


@dataclass(frozen=True, slots=True)
class Depends:
    """What a build stands on: the entries in ACR's shape, and each place in the Dockerfile.

    `file` is the Dockerfile as a person knows it. ACR's scanner tells no places.
    """

    file: str
    entries: tuple[dict[str, Any], ...]
    places: tuple[BaseImage, ...] = ()


def find_dependencies(words: DepsWords) -> Depends:
    """The base images. Raises InvalidInput with the line, WrongUsage, ReconcilerError."""
    with open_context(words.source, words.folder) as context:
        path, shown = find_dockerfile(context, words.file, words.folder, words.manner)
        try:
            data = WorkspaceFiles(path.parent).read(path.name)
            return _found(decode(data), shown, words, context.revision)
        except YamlError as error:
            raise _wrong(shown, error.message) from None
        except DockerfileError as error:
            raise _wrong(shown, error.message, error.line, _fix(words)) from None


def _found(text: str, shown: str, words: DepsWords, revision: str) -> Depends:
    if words.manner is Manner.ACB:
        entries = scan(
            text,
            build_args=words.args,
            tags=words.images,
            target=words.target,
            revision=revision,
        )
        return Depends(shown, tuple(entries))
    images = base_images(
        text,
        build_args=dict(map(_argument, words.args)),
        target=words.target,
        platform=_platform(words.platform, "--platform"),
        build_platform=_build_platform(words, text),
        unneeded=True,
    )
    entries = dependency_entries(images, tags=words.images, revision=revision)
    return Depends(shown, tuple(entries), images.images)


def _argument(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise WrongUsage("--build-arg takes NAME=VALUE")
    return name, value


def _platform(text: str, flag: str) -> str:
    try:
        return canonical_platform(text)
    except ValueError as error:
        raise WrongUsage(f"{flag}: {error}") from None


def _build_platform(words: DepsWords, text: str) -> str | None:
    """The platform of BUILDPLATFORM and its kin, None where the file uses none of them."""
    if words.build_platform is not None:
        return _platform(words.build_platform, "--build-platform")
    if "BUILD" not in text:
        return None
    from reconciler.adapters.building.backends import this_machine  # noqa: PLC0415  (late: rarely needed)

    return next(iter(this_machine()), None)


def _wrong(file: str, message: str, line: int = 1, fix: str | None = None) -> InvalidInput:
    # 0: not the fault of a line of the file, but of what was asked of it.
    place = Location(file, line) if line else None
    return InvalidInput([Diagnostic(message, place, code="dockerfile", fix=fix)])


def _fix(words: DepsWords) -> str | None:
    if words.manner is Manner.STRICT:
        return None
    return "ACR's scanner stops here; ours may read on: leave out --compat"
