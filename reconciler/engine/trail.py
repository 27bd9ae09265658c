"""The pushes of one ref as a trail: each begins where the one before it ended. Pure.

Messages overtake each other, get lost, and are sent again later; where a push began and where it
ended tells their order all the same, as far as the pushes between them are known.

A look at a ref (`poll`) jumps over pushes, of which messages may still come. It found the ref after
all that is known to have followed where it was before: there the look's step begins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain


@dataclass(frozen=True, slots=True)
class Step:
    """A push that was told of. `previous` None: new or not known; `version` None: it is gone.

    `wanted`: the trigger builds it; `polled`: found by a look, it may stand for several pushes.
    """

    previous: str | None
    version: str | None
    wanted: bool = True
    polled: bool = False


_Edges = dict[str, set[str | None]]


def _edges() -> _Edges:
    return defaultdict(set)


@dataclass(slots=True)
class _Trail:
    """What followed what. `later`, `earlier`: as looks tell, with others in between, perhaps."""

    after: _Edges = field(default_factory=_edges)
    before: _Edges = field(default_factory=_edges)
    later: _Edges = field(default_factory=_edges)
    earlier: _Edges = field(default_factory=_edges)

    def add(self, step: Step) -> None:
        """Take a push, or what is as good as one."""
        if step.previous is not None:
            self.after[step.previous].add(step.version)
        if step.version is not None:
            self.before[step.version].add(step.previous)

    def look(self, step: Step) -> None:
        """Take what a look found, once all pushes are taken."""
        start, found = step.previous, step.version
        if start is None or found is None:
            self.add(step)
            return
        end = _way(start, found, self.after)
        if end is None:  # there are several ways, or the ref was deleted on this one
            way = _reach(start, self.after)
            end = start if way is not None and found not in way else found
        if end == found:
            return
        if end in (_reach(found, self.after) or ()):
            self.add(Step(end, found))  # it was set back
        else:
            self.later[end].add(found)
            self.earlier[found].add(end)

    def reach(self, version: str) -> list[str] | None:
        """The commits from one on, nearest first; None if the ref was deleted on the way."""
        return _reach(version, self.after, self.later)

    def is_end(self, version: str) -> bool:
        """True if a commit was come to more often than it was left."""
        # What a look tells is the same arrival that a push tells, or will tell.
        come = len(self.before.get(version, ())) or (version in self.earlier)
        return version not in self.later and come > len(self.after.get(version, ()))


def newest_known(steps: Sequence[Step], current: str | None) -> str | None:
    """What is to be built once the last of some steps has come; they stand as they came.

    `current` is what the newest run builds. It is the commit of the last step itself, unless a
    newer one is known; None if the last step is not wanted and nothing else is to be built. Where
    what is known can be read in two ways, the push that came last is the newest.
    """
    last = steps[-1]
    own = last.version if last.wanted else None
    if last.version is None:
        return own
    trail = _trail(steps)
    if _is_found(steps, trail):
        # No news, unless what the newest run builds was left for it.
        if own is not None and current is not None and own not in (trail.reach(current) or ()):
            own = current
    elif last.previous == current and _is_return(steps):
        return own
    ahead = trail.reach(last.version) or []  # none: it was deleted since
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


def _is_return(steps: Sequence[Step]) -> bool:
    """True if the last push goes to a commit that was come to before."""
    return any(one.version == steps[-1].version for one in steps[:-1])


def _is_found(steps: Sequence[Step], trail: _Trail) -> bool:
    """True if looks had found what the last push led to, and it is no later return to it."""
    last, come = steps[-1], [one for one in steps[:-1] if one.version == steps[-1].version]
    if last.polled or not come or not all(one.polled for one in come):
        return False
    return last.previous is None or last.previous not in (trail.reach(str(last.version)) or ())


def _trail(steps: Iterable[Step]) -> _Trail:
    trail, looks = _Trail(), []
    for step in steps:
        if step.polled:
            looks.append(step)
        else:
            trail.add(step)
    for step in looks:
        trail.look(step)
    return trail


def _end(
    steps: Sequence[Step], trail: _Trail, ahead: Sequence[str], current: str | None
) -> str | None:
    """The commit ahead that was come to more often than it was left; None if there is none."""
    ends = [one for one in ahead if trail.is_end(one)]
    for preferred in (steps[-1].version, current):
        if preferred in ends:
            return preferred
    places = {step.version: place for place, step in enumerate(steps)}
    return max(ends, key=lambda commit: places.get(commit, -1), default=None)


def _wanted(steps: Sequence[Step], trail: _Trail, end: str, ahead: Sequence[str]) -> str | None:
    """The nearest commit at `end` or before it that is built; no farther back than `ahead`."""
    wanted = {step.version for step in steps if step.wanted}
    among = set(ahead)
    before, earlier = (
        {commit: found & among for commit, found in edges.items() if commit in among}
        for edges in (trail.before, trail.earlier)
    )
    back = _reach(end, before, earlier) or ()
    return next((commit for commit in back if commit in wanted), None)


def _way(start: str, found: str, after: Mapping[str, Iterable[str | None]]) -> str | None:
    """Where the way from a commit ends, or another one that lies on it.

    None if there is no one way.
    """
    commit, seen = start, {start}
    while following := after.get(commit):
        if found in following:
            return found
        (one, *others) = following
        if one is None or others or one in seen:
            return None
        commit = one
        seen.add(one)
    return commit


def _reach(start: str, *edges: Mapping[str, Iterable[str | None]]) -> list[str] | None:
    found, seen = [start], {start}
    for commit in found:
        for one in chain.from_iterable(known.get(commit, ()) for known in edges):
            if one is None:
                return None
            if one not in seen:
                seen.add(one)
                found.append(one)
    return found
