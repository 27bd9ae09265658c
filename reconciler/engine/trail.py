"""The pushes of one ref as a trail: each begins where the one before it ended. Pure.

Messages overtake each other, get lost, and are sent again later; where a push began and where it
ended tells their order all the same, as far as the pushes between them are known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Step:
    """A push that was told of. `previous` None: new or not known; `version` None: it is gone.

    `wanted`: the trigger builds it.
    """

    previous: str | None
    version: str | None
    wanted: bool = True


@dataclass(slots=True)
class _Trail:
    after: dict[str, set[str | None]] = field(default_factory=lambda: defaultdict(set))
    before: dict[str, set[str | None]] = field(default_factory=lambda: defaultdict(set))

    def reach(self, version: str) -> list[str] | None:
        """The commits from one on, nearest first; None if the ref was deleted on the way."""
        return _reach(version, self.after)


def newest_known(steps: Sequence[Step], current: str | None) -> str | None:
    """What is to be built once the last of some steps has come; they stand as they came.

    `current` is what the newest run builds. It is the commit of the last step itself, unless a
    newer one is known; None if the last step is not wanted and nothing else is to be built. Where
    what is known can be read in two ways, the push that came last is the newest.
    """
    last = steps[-1]
    own = last.version if last.wanted else None
    if last.version is None or _is_return(steps, current):
        return own
    trail = _trail(steps)
    ahead = trail.reach(last.version)
    if ahead is None:
        return own
    end = _end(steps, trail, ahead, current)
    if end is None or end == last.version:
        return own
    found = _wanted(steps, trail, end, ahead)
    if found is None or (found == last.version and own is not None):
        return own
    if current is None or found in (trail.reach(current) or ()):
        return found
    # What is newest came after it by another way.
    return current if last.wanted else None


def _is_return(steps: Sequence[Step], current: str | None) -> bool:
    """True for a push from where the newest run stands to a commit that was come to before."""
    last = steps[-1]
    come = any(one.version == last.version for one in steps[:-1])
    return come and current is not None and last.previous == current


def _trail(steps: Iterable[Step]) -> _Trail:
    trail = _Trail()
    for step in steps:
        if step.previous is not None:
            trail.after[step.previous].add(step.version)
        if step.version is not None:
            trail.before[step.version].add(step.previous)
    return trail


def _end(
    steps: Sequence[Step], trail: _Trail, ahead: Sequence[str], current: str | None
) -> str | None:
    """The commit ahead that was come to more often than it was left; None if there is none."""
    before, after = trail.before, trail.after
    ends = [one for one in ahead if len(before.get(one, ())) > len(after.get(one, ()))]
    for preferred in (steps[-1].version, current):
        if preferred in ends:
            return preferred
    places = {step.version: place for place, step in enumerate(steps)}
    return max(ends, key=lambda commit: places.get(commit, -1), default=None)


def _wanted(steps: Sequence[Step], trail: _Trail, end: str, ahead: Sequence[str]) -> str | None:
    """The nearest commit at `end` or before it that is built; no farther back than `ahead`."""
    wanted = {step.version for step in steps if step.wanted}
    among = set(ahead)
    before = {commit: found & among for commit, found in trail.before.items() if commit in among}
    return next((commit for commit in _reach(end, before) or () if commit in wanted), None)


def _reach(start: str, edges: Mapping[str, Iterable[str | None]]) -> list[str] | None:
    found, seen = [start], {start}
    for commit in found:
        for one in edges.get(commit, ()):
            if one is None:
                return None
            if one not in seen:
                seen.add(one)
                found.append(one)
    return found
