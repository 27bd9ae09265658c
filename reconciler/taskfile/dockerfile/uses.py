"""The words of COPY, RUN and ONBUILD that name a stage or an image; resolves none of them.

https://docs.docker.com/reference/dockerfile/#copy---from and #run---mount
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

from reconciler.taskfile.dockerfile.instructions import Flag, Instruction, trigger
from reconciler.taskfile.dockerfile.logicallines import DockerfileError

STAGE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")

_NO_TRIGGERS = {"FROM", "MAINTAINER", "ONBUILD"}
# Only what may stand in a reference; whether it is a good one is judged where it is parsed.
_REFERENCE = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9._:/@+\[\]-]{0,1023}")


@dataclass(frozen=True, slots=True)
class Use:
    """One place that names a stage or an image.

    `written` is the word in the file, `reference` the same with variables replaced, `cells` the
    places in `instruction.text` that hold it (None where quoting hides them), `platform` the
    expanded `--platform` of a FROM. `numbered` says that a number means a stage here.
    """

    instruction: Instruction
    written: str
    reference: str
    cells: tuple[int, ...] | None = None
    platform: str | None = None
    numbered: bool = False


def trigger_uses(instruction: Instruction) -> list[Use]:
    """What an ONBUILD takes from; DockerfileError for an instruction that may not stand there."""
    inner = trigger(instruction)
    if inner.name in _NO_TRIGGERS:
        raise DockerfileError(f"{inner.name} isn't allowed as an ONBUILD trigger", inner.line)
    return uses_of(inner)


def uses_of(instruction: Instruction) -> list[Use]:
    """What a COPY or RUN takes from; nothing for any other instruction."""
    if instruction.name == "COPY":
        flag = only_flag(instruction, "from")
        return [_from_flag(instruction, flag)] if flag and flag.value else []
    if instruction.name == "RUN":
        mounts = (flag for flag in instruction.flags if flag.name == "mount")
        return [use for flag in mounts if (use := _mounted(instruction, flag)) is not None]
    return []


def _from_flag(instruction: Instruction, flag: Flag) -> Use:
    value, cells = flag.value or "", tuple(cell for group in flag.cells for cell in group)
    return checked(Use(instruction, value, value, cells, numbered=True))


def _mounted(instruction: Instruction, flag: Flag) -> Use | None:
    """The `from=` of a mount; a tmpfs, a secret and an empty `from=` take from nowhere."""
    fields = mount_fields(flag, instruction.line)
    values = {key: (value, at) for key, value, at in fields}
    value, at = values.get("from", ("", None))
    if not value or values.get("type", ("", None))[0].lower() in {"tmpfs", "secret"}:
        return None
    groups = flag.cells[at : at + len(value)] if at is not None else ()
    cells = tuple(cell for group in groups for cell in group) or None
    return checked(Use(instruction, value, value, cells))


def mount_fields(flag: Flag, line: int) -> list[tuple[str, str, int | None]]:
    """Key, value and the value's place in the flag (None inside CSV quotes)."""
    if flag.value is None:
        raise DockerfileError("--mount must have a value", line)
    try:
        words = next(csv.reader([flag.value], strict=True), [])
    except csv.Error as error:
        raise DockerfileError(f"--mount cannot be read: {error}", line) from error
    is_quoted = '"' in flag.value
    fields, at = [], 0
    for word in words:
        key, _, value = word.partition("=")
        place = None if is_quoted else at + len(word) - len(value)
        fields.append((key.lower(), value, place))
        at += len(word) + 1
    return fields


def only_flag(instruction: Instruction, name: str) -> Flag | None:
    """The flag, if it is there; DockerfileError when it comes twice or without a value."""
    flags = [flag for flag in instruction.flags if flag.name == name]
    if len(flags) > 1 or (flags and flags[0].value is None):
        raise DockerfileError(f"--{name} must be given once, with a value", instruction.line)
    return flags[0] if flags else None


def checked(use: Use) -> Use:
    """The same use; DockerfileError when it can be neither a stage nor an image."""
    if "$" in use.reference and use.instruction.name != "FROM":
        message = f"{use.reference!r}: variables are not expanded here; name a stage instead"
        raise DockerfileError(message, use.instruction.line)
    if not _REFERENCE.fullmatch(use.reference) and not (
        use.numbered and STAGE_NUMBER.fullmatch(use.reference)
    ):
        message = f"{use.reference[:100]!r} is not an image reference"
        raise DockerfileError(message, use.instruction.line)
    return use
