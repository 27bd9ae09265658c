"""Environment variables of steps: `K=V` texts of three levels to one list. Expands no variable.

A step's entries win over the task's, those over the engine's defaults. A value is unquoted once as
a shell would, so that `K='{{.Secrets.x}}'` gives the bare value; blanks in it stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.taskfile.faults import Fault
from reconciler.taskfile.findings import Findings, Place
from reconciler.taskfile.steps.words import unquote
from reconciler.taskfile.tasks import Pairs
from reconciler.taskfile.tree.nodes import Scalar

MAX_ENTRIES = 1000

# A piece of a text between commas that stand outside quotes.
_PIECE = re.compile(r"""(?:[^,'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*"|['"\\])+""", re.DOTALL)
_NAME = re.compile(r"[^\s=\x00-\x1f]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """One text that should be `NAME=value`, and its place."""

    text: str
    at: Place
    is_part: bool = False  # of a text that was split at commas

    @property
    def name(self) -> str:
        """What stands before the first `=`; all of it where there is none."""
        return self.text.partition("=")[0]

    @property
    def is_pair(self) -> bool:
        """True if it has the form `NAME=value`."""
        return self.text.find("=") > 0


def split_level(nodes: Sequence[Scalar], findings: Findings) -> list[Entry]:
    """Entries of the task's level: each text may hold several, separated by commas.

    A quoted comma separates nothing; ACR's engine splits at that too.
    """
    found: list[Entry] = []
    for node in nodes:
        pieces = _PIECE.findall(node.text) if findings.strict else node.text.split(",")
        found += [Entry(piece, node, len(pieces) > 1) for piece in pieces or [""]]
    return _bounded(found, findings)


def step_level(nodes: Sequence[Scalar], findings: Findings) -> list[Entry]:
    """Entries of a step: one in each text."""
    return _bounded([Entry(node.text, node) for node in nodes], findings)


def _bounded(entries: list[Entry], findings: Findings) -> list[Entry]:
    if len(entries) > MAX_ENTRIES:
        message = f"there are more than {MAX_ENTRIES:,} environment variables"
        findings.error(entries[MAX_ENTRIES].at, message)
    return entries[:MAX_ENTRIES]


def merge(
    levels: Sequence[Sequence[Entry]], findings: Findings, reveal: Callable[[str], str] = str
) -> Pairs:
    """The variables of a step from (step, task, defaults), in that order; each name once a level.

    `reveal` puts secrets in their place after the unquoting, so that their bytes stay exact.
    """
    step, *others = levels
    nothing_to_merge = not any(others)
    pairs: list[tuple[str, str]] = []
    seen: set[str] = set()
    for number, level in enumerate(levels):
        names = _level_names(level, findings)
        for entry in level:
            if number and entry.name in seen:
                continue
            if pair := _pair(entry, findings, lenient=nothing_to_merge and level is step):
                pairs.append((pair[0], reveal(pair[1])))
        seen |= names
    return tuple(pairs)


def _level_names(level: Sequence[Entry], findings: Findings) -> set[str]:
    names: set[str] = set()
    for entry in level:
        if entry.name in names and entry.is_pair:
            message = f"the variable {entry.name} is given twice"
            findings.doubt(entry.at, message, fix="remove one of the two; the last one would win")
        names.add(entry.name)
    return names


def _pair(entry: Entry, findings: Findings, *, lenient: bool) -> tuple[str, str] | None:
    if not entry.is_pair:
        _not_a_pair(entry, findings, lenient=lenient)
        return None
    name, _, value = entry.text.partition("=")
    if not _NAME.fullmatch(name):
        fix = f"write {'_'.join(name.split())}=..."
        findings.doubt(entry.at, "the name of a variable has no blanks", found=name, fix=fix)
    try:
        return name, unquote(value)
    except Fault as fault:
        fix = fault.fix or ""
        findings.doubt(entry.at, f"variable {name}: {fault.message}", fix=fix)
        return name, value


def _not_a_pair(entry: Entry, findings: Findings, *, lenient: bool) -> None:
    if lenient and not findings.strict:
        findings.warn(
            entry.at,
            f'the variable "{entry.text}" has no value; the engine\'s own is not handed on',
            fix="write NAME=value",
        )
        return
    found = entry.text or "nothing"
    fix = "write NAME=value" + (', and a value with a comma in quotes: NAME="a,b"' * entry.is_part)
    findings.error(entry.at, "an environment variable is written NAME=value", found=found, fix=fix)
