"""Who waits for whom: `when` of every step to dependencies, and the longest way through them.

Only steps that stand earlier in the file can be named, so there is no way to write a cycle.
Source: https://learn.microsoft.com/azure/container-registry/container-registry-tasks-multi-step
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from reconciler.taskfile.findings import Findings, Place
from reconciler.taskfile.tasks import CmdStep, Step
from reconciler.taskfile.tree.nodes import Scalar

AT_ONCE = "-"
ROOT = "acb_root"  # a name ACR's engine uses for the same; no step may have it


@dataclass(frozen=True, slots=True)
class Wish:
    """A step's id, its place, and its `when`: None where it has none."""

    id: str
    at: Place
    when: tuple[Scalar, ...] | None = None


def resolve(wishes: Sequence[Wish], findings: Findings) -> list[tuple[str, ...]]:
    """For each step the ids it waits for, each once, all of them earlier in the file.

    No `when`: the step just before. `["-"]`: nothing. Wrong names are noted and left out.
    """
    every = {wish.id for wish in wishes}
    earlier: dict[str, None] = {}  # in order
    last: tuple[str, ...] = ()
    found: list[tuple[str, ...]] = []
    for wish in wishes:
        if wish.when:
            found.append(_named(wish, wish.when, earlier, every, findings))
        else:
            found.append(last)
        earlier[wish.id] = None
        last = (wish.id,)
    return found


def _named(
    wish: Wish,
    when: Sequence[Scalar],
    earlier: Mapping[str, None],
    every: set[str],
    findings: Findings,
) -> tuple[str, ...]:
    if any(word.text == AT_ONCE for word in when) and AT_ONCE not in earlier:
        if len(when) > 1:
            fix = 'write either ["-"] or the ids'
            findings.error(when[0], '"-" (start at once) stands alone', fix=fix)
        when = [word for word in when if word.text != AT_ONCE]
    needs: dict[str, None] = {}
    for word in when:
        if word.text in needs:
            findings.doubt(word, f'"{word.text}" is named twice', fix="name it once")
        elif word.text == ROOT and not findings.strict:
            findings.warn(word, f'"{ROOT}" means "-"', fix='write ["-"]')
        elif word.text in earlier:
            needs[word.text] = None
        else:
            _unknown(wish, word, earlier, every, findings)
    return tuple(needs)


def _unknown(
    wish: Wish, word: Scalar, earlier: Mapping[str, None], every: set[str], findings: Findings
) -> None:
    allowed = ", ".join(islice(earlier, 20)) or '"-": no step stands before this one'
    if word.text == wish.id:
        message, fix = f'step "{wish.id}" waits for itself', "name another step"
    elif word.text in every:
        message = f'step "{wish.id}" waits for "{word.text}", which stands later in the file'
        fix = f'move step "{word.text}" up: only earlier steps can be waited for'
    else:
        message = f'step "{wish.id}" waits for a step that does not exist'
        fix = (
            findings.suggestion(word.text, earlier) or "name a step that stands earlier in the file"
        )
    findings.error(word, message, found=word.text, allowed=allowed, fix=fix)


def critical_path(steps: Sequence[Step]) -> tuple[tuple[str, ...], int]:
    """The way through the steps that can take longest, and its seconds by their timeouts.

    Nobody waits for the end of a step in the background: it takes its start delay only.
    """
    ends: dict[str, int] = {}
    before: dict[str, str | None] = {}
    for step in steps:
        last = max(step.needs, key=ends.__getitem__, default=None)
        before[step.id] = last
        seconds = 0 if isinstance(step, CmdStep) and step.detach else step.timeout
        ends[step.id] = (ends[last] if last else 0) + step.start_delay + seconds
    at = max(ends, key=ends.__getitem__, default=None)
    seconds = ends[at] if at else 0
    path: list[str] = []
    while at:
        path.append(at)
        at = before[at]
    return tuple(reversed(path)), seconds
