"""A Dockerfile with the images it takes from pinned to digests; text in, text out.

Only references change, so that line numbers and what people wrote stay; the result is read again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.taskfile.dockerfile.instructions import parse
from reconciler.taskfile.dockerfile.logicallines import SIZE_LIMIT, DockerfileError
from reconciler.taskfile.dockerfile.stages import read_stages
from reconciler.taskfile.dockerfile.uses import Use

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


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
