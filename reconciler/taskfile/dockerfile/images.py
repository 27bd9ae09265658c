"""What a Dockerfile depends on, and the same file with those images pinned; text in, data out.

Unlike ACR's own scanner (line based, without `--platform`, heredocs, `COPY --from=image`), this
follows BuildKit, so that what is watched is what is really built from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from reconciler.taskfile.dockerfile.instructions import (
    Dockerfile,
    Flag,
    Heredoc,
    Instruction,
    parse,
)
from reconciler.taskfile.dockerfile.logicallines import (
    SIZE_LIMIT,
    Directive,
    DockerfileError,
    decode,
)
from reconciler.taskfile.dockerfile.stages import read_stages
from reconciler.taskfile.dockerfile.uses import Use

__all__ = [
    "SIZE_LIMIT",
    "BaseImage",
    "Dependencies",
    "Directive",
    "Dockerfile",
    "DockerfileError",
    "Flag",
    "Heredoc",
    "Instruction",
    "Role",
    "base_images",
    "decode",
    "parse",
    "pin",
]

Role = Literal["runtime", "buildtime", "syntax"]

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_SYNTAX_ARGUMENT = "BUILDKIT_SYNTAX"


@dataclass(frozen=True, slots=True)
class BaseImage:
    """One place in a Dockerfile that takes something from an image outside it.

    `written` is the word in the file, `reference` the same with variables replaced (neither
    normalised nor given a tag), `line` counts from 1 (0: a build argument, not the file),
    `platform` is the expanded `--platform` of a FROM, None where the target's platform holds.
    """

    role: Role
    written: str
    reference: str
    line: int
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Every such place that the target needs, in file order; the same image may come twice."""

    images: tuple[BaseImage, ...]

    @property
    def runtime(self) -> BaseImage | None:
        """Where the built stage comes from in the end; None when that is `scratch`."""
        return next(iter(self._with("runtime")), None)

    @property
    def buildtime(self) -> tuple[BaseImage, ...]:
        """Images of other stages, of `COPY --from=image` and of `RUN --mount=from=image`."""
        return self._with("buildtime")

    @property
    def syntax(self) -> BaseImage | None:
        """The Dockerfile frontend that `# syntax=` asks for."""
        return next(iter(self._with("syntax")), None)

    def _with(self, role: Role) -> tuple[BaseImage, ...]:
        return tuple(image for image in self.images if image.role == role)


def base_images(
    text: str | bytes,
    *,
    build_args: Mapping[str, str],
    target: str | None,
    platform: str,
    build_platform: str | None = None,
    limit: int = SIZE_LIMIT,
) -> Dependencies:
    """The images that building `target` (None: the last stage) for `platform` takes from.

    Platforms are `os/architecture[/variant]`; `build_platform` (of the machine that builds) is
    the same as `platform` unless given. ONBUILD instructions of a stage count where another
    stage of the file starts from it. Raises DockerfileError.
    """
    dockerfile = parse(text, limit=limit)
    stages = read_stages(
        dockerfile,
        build_args=build_args,
        platform=platform,
        build_platform=build_platform or platform,
        target=target,
    )
    built = stages.target(target)
    origin = stages.origin(built).base
    uses = [use for stage in stages.needed(built) for use in stages.external(stage)]
    uses.sort(key=lambda use: use.instruction.line)
    images = [_image("runtime" if use is origin else "buildtime", use) for use in uses]
    return Dependencies((*_syntax(dockerfile, build_args), *images))


def pin(
    text: str,
    digests: Mapping[str, str],
    *,
    build_args: Mapping[str, str] | None = None,
    platform: str = "linux/amd64",
    build_platform: str | None = None,
) -> str:
    """`text` with images of FROM, `COPY --from` and `RUN --mount=from` pinned to digests.

    `digests` maps expanded references, as `base_images` gives them, to `sha256:…`; the arguments
    must be those given there. A reference that has a digest already stays, as do `# syntax=`
    and ONBUILD (which belong to other builds too). Everything else is kept byte for byte, so
    line numbers stay. Raises DockerfileError, also where quoting makes a word impossible to
    replace, and ValueError for a malformed digest.
    """
    wrong = sorted(value for value in digests.values() if not _DIGEST.fullmatch(value))
    if wrong:
        raise ValueError(f"not a digest: {wrong[0][:80]!r}")
    scope = (build_args or {}, platform, build_platform or platform)
    places = _places(text, scope)
    edits = {
        offset: new
        for use in places
        for offset, new in _edits(use, _pinned(use.reference, digests)).items()
    }
    result = _replaced(text, edits)
    _check(places, _places(result, scope), digests)
    return result


def _image(role: Role, use: Use) -> BaseImage:
    return BaseImage(role, use.written, use.reference, use.instruction.line, use.platform)


def _syntax(dockerfile: Dockerfile, build_args: Mapping[str, str]) -> list[BaseImage]:
    """The frontend; the build argument BUILDKIT_SYNTAX wins over the directive."""
    directive = dockerfile.syntax
    value = build_args.get(_SYNTAX_ARGUMENT) or (directive.value if directive else "")
    line = directive.line if directive and _SYNTAX_ARGUMENT not in build_args else 0
    # What follows the reference are arguments to the frontend.
    reference = value.split(" ")[0]
    return [BaseImage("syntax", reference, reference, line)] if reference else []


def _places(text: str, scope: tuple[Mapping[str, str], str, str]) -> list[Use]:
    """Every external image of the file, needed or not, that stands where it can be replaced."""
    build_args, platform, build_platform = scope
    dockerfile = parse(text, limit=max(len(text), SIZE_LIMIT))
    stages = read_stages(
        dockerfile,
        build_args=build_args,
        platform=platform,
        build_platform=build_platform,
        target=None,
    )
    onbuild = {id(use) for stage in stages.all for use in stage.triggers}
    uses = (use for stage in stages.all for use in stages.external(stage))
    return [use for use in uses if id(use) not in onbuild]


def _pinned(reference: str, digests: Mapping[str, str]) -> str:
    digest = digests.get(reference)
    return f"{reference}@{digest}" if digest and "@" not in reference else reference


def _edits(use: Use, reference: str) -> dict[int, str]:
    """For each offset of the word in the file, the text that takes its place."""
    if reference == use.reference:
        return {}
    if use.cells is None:
        raise _unpinnable(use)
    offsets = [use.instruction.source_offset(cell) for cell in use.cells]
    return dict.fromkeys(offsets, "") | {offsets[0]: reference}


def _replaced(text: str, edits: Mapping[int, str]) -> str:
    parts, at = [], 0
    for offset in sorted(edits):
        parts += [text[at:offset], edits[offset]]
        at = offset + 1
    return "".join([*parts, text[at:]])


def _check(before: list[Use], after: list[Use], digests: Mapping[str, str]) -> None:
    """Read the result again: a pin that is wrong must not go unnoticed."""
    found = iter(use.reference for use in after)
    for use in before:
        if next(found, None) != _pinned(use.reference, digests):
            raise _unpinnable(use)


def _unpinnable(use: Use) -> DockerfileError:
    message = f"{use.reference!r} cannot be pinned because of its quoting"
    return DockerfileError(message, use.instruction.line)
