"""What a Dockerfile depends on; text in, data out. Asks no registry.

Unlike ACR's own scanner (line based, without `--platform`, heredocs, `COPY --from=image`), this
follows BuildKit, so that what is watched is what is really built from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from reconciler.taskfile.dockerfile.instructions import Dockerfile, parse
from reconciler.taskfile.dockerfile.logicallines import SIZE_LIMIT
from reconciler.taskfile.dockerfile.stages import Stage, read_stages
from reconciler.taskfile.dockerfile.uses import Use

Role = Literal["runtime", "buildtime", "syntax"]

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
    unneeded: bool = False,
) -> Dependencies:
    """The images that building `target` (None: the last stage) for `platform` takes from.

    With `unneeded` also those of stages before it that it does not need: BuildKit leaves them
    out, the classic builder and ACR do not.
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
    taken: Sequence[Stage] = stages.needed(built)
    if unneeded:
        taken = stages.all[: built.index + 1]
    uses = [use for stage in taken for use in stages.external(stage)]
    uses.sort(key=lambda use: use.instruction.line)
    images = [_image("runtime" if use is origin else "buildtime", use) for use in uses]
    return Dependencies((*_syntax(dockerfile, build_args), *images))


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
