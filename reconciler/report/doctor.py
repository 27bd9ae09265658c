"""What doctor found, in lines for people and as values for machines. Asks nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler import __version__
from reconciler.base.clock import to_iso
from reconciler.base.credentials import without_credentials
from reconciler.base.text import harmless, plural, wrap
from reconciler.model.capability import Capability
from reconciler.model.platform import is_emulated
from reconciler.operations.doctoring.finding import Diagnosis, Finding, Kind, Status

FORMAT_VERSION = "1.0"
_STATUS = max(len(one) for one in Status) + 2
_KIND = max(len(one) for one in Kind) + 2
_TOLD = " " * (_STATUS + _KIND)
# Under so many columns there is no room for them at the left.
_NARROW = 60


# ----------------------------------------------------------------- for people
def doctor_lines(found: Diagnosis, width: int) -> list[str]:
    """One line for each thing, wrapped at `width`, and what helps under those that lack."""
    lines = [line.rstrip() for one in found.findings for line in _lines(one, width)]
    return [*lines, "", *_end(found, width)]


def _lines(one: Finding, width: int) -> Iterator[str]:
    told = _TOLD if width >= _NARROW else "    "
    head = f"{one.status:<{_STATUS}}{one.kind:<{_KIND}}"
    place = f" ({one.place})" if one.place and one.status in _TOLD_WHERE else ""
    # What has only one of its kind needs no name.
    name = "" if one.subject == one.kind else f"{one.subject}: "
    yield from wrap(harmless(f"{head}{_public(name + one.text)}{place}"), width, told)
    if one.fix and one.status in _TOLD_WHERE:
        yield from wrap(harmless(f"{told}fix  {_public(one.fix)}"), width, told + "     ")


_TOLD_WHERE = (Status.MISSING, Status.WARNING)


def _end(found: Diagnosis, width: int) -> list[str]:
    lacking = len(found.lacking)
    if found.workspace is None:
        text = "There is no workspace here: nothing is declared, and nothing is recorded."
    elif lacking:
        verb = "is" if lacking == 1 else "are"
        text = f"{plural(lacking, 'thing')} that the workspace declares {verb} missing."
    else:
        text = "All that the workspace declares is here."
    if found.recorded:
        text += " Plans know from now on what these engines can do."
    return wrap(text, width)


# --------------------------------------------------------------- for machines
def doctor_json(found: Diagnosis) -> dict[str, Any]:
    """The output of `doctor -o json`; `schema doctor` prints its schema."""
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "as_of": to_iso(found.at),
        "workspace": found.workspace,
        "complete": not found.lacking,
        "recorded": found.recorded,
        "checks": [_check(one) for one in found.findings],
        "engines": [_engine(one) for one in found.engines],
    }


def _check(one: Finding) -> dict[str, Any]:
    place = one.place
    where = None
    if place is not None:
        where = {"file": place.file, "line": place.line, "column": place.column}
    return {
        "kind": one.kind.value,
        "subject": _public(one.subject),
        "status": one.status.value.replace(" ", "-"),
        "text": _public(one.text),
        "fix": _public(one.fix) if one.fix else None,
        "declared": one.declared,
        "place": where,
    }


def _engine(one: Capability) -> dict[str, Any]:
    own = one.runs[0] if one.runs else None
    return {
        "engine": _public(one.engine),
        "buildkit": _public(one.buildkit) if one.buildkit else None,
        "version": one.version,
        "runs": list(one.runs),
        "emulated": [name for name in one.runs if own and is_emulated(name, own)],
        "backends": [backend.model_dump(mode="json") for backend in one.backends],
    }


def _public(text: str) -> str:
    """An address of an engine, or the words of a program, may hold a password."""
    return without_credentials(text)
