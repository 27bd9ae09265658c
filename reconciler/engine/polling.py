"""Repositories whose host cannot call: when to look at each, and what has moved since.

A ref that moved goes through the same intake as a message. Where every ref was is in the state, so
what moves while nobody is there is found at the next look. At the first look nothing has moved.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from reconciler.base.errors import ReconcilerError
from reconciler.engine.intake import Arrival, Taken
from reconciler.engine.triggers import Listening, listening
from reconciler.model.common import duration_seconds
from reconciler.model.context import Token, git_location
from reconciler.model.event import Push
from reconciler.model.repository import repository_key
from reconciler.model.task import Task
from reconciler.model.trigger import CommitTrigger
from reconciler.store.database import Database
from reconciler.store.polled import Known, known_refs, save_refs

ACTOR = "poll"
_TAGS = "refs/tags/"
# A daemon that starts does not ask all hosts in one moment.
_FIRST = 10.0
_JITTER = 0.2  # of the interval
_LONGEST_BACK_OFF = 3600.0
MOST_AT_ONCE, _MOST_AT_A_HOST = 8, 2  # looks
# Refs that moved and are taken at one look; the others at the next one.
_MOST = 200


class Refs(Protocol):
    """An answer of a host."""

    @property
    def refs(self) -> Mapping[str, str]:
        """Commit of each ref."""

    @property
    def default_branch(self) -> str | None:
        """The branch that HEAD names."""


@dataclass(frozen=True, slots=True)
class Polled:
    """A repository and the triggers that are for it. `tokens` are their references, each once, and
    None last if one has none; `seconds` is the shortest interval that one of them wants."""

    repository: str
    url: str
    tokens: tuple[str | None, ...]
    seconds: int
    tags: bool
    everyone: tuple[Listening, ...]


def polled_by(address: str, task: Task) -> Iterator[Polled]:
    """What the triggers of a task want polled."""
    context = task.spec.context
    for one in listening(address, task):
        trigger = one.trigger
        if not isinstance(trigger, CommitTrigger) or trigger.poll is None:
            continue
        if trigger.status != "Enabled" or not one.task_enabled:
            continue
        source = trigger.repository or context.source
        # A token is for the repository it stands beside, and for no other.
        own: Token | None = (
            context.token if repository_key(context.source) == one.repository else None
        )
        token = trigger.token or own
        url = git_location(source)[0]
        reference = token.reference if token is not None else None
        seconds = duration_seconds(trigger.poll)
        yield Polled(one.repository, url, (reference,), seconds, trigger.tags, (one,))


def together(found: Iterable[Polled]) -> tuple[Polled, ...]:
    """Each URL once: one look is enough for all triggers.

    Another spelling is another one: what is asked by https is not asked by http, with its token.
    """
    by_url: dict[str, Polled] = {}
    for one in found:
        known = by_url.get(one.url)
        by_url[one.url] = one if known is None else _both(known, one)
    return tuple(by_url.values())


def _both(known: Polled, one: Polled) -> Polled:
    return replace(
        known,
        tokens=tuple(sorted({*known.tokens, *one.tokens}, key=lambda it: (it is None, it or ""))),
        seconds=min(known.seconds, one.seconds),
        tags=known.tags or one.tags,
        everyone=known.everyone + one.everyone,
    )


@dataclass(slots=True)
class _Turn:
    """When a repository is looked at, and how often that failed since it last did not."""

    due: float
    failures: int = 0


@dataclass(slots=True)
class Poller:
    """The turns of all polled repositories, for several threads. `chance` gives numbers in [0, 1).

    Moments are seconds of a clock that nobody sets (`base.clock.steady`). At most `most` looks are
    going at once, two of them at one host, and half of them at hosts that failed: those that do not
    answer keep nobody waiting.
    """

    chance: Callable[[], float]
    most: int = MOST_AT_ONCE
    _everyone: dict[str, Polled] = field(default_factory=dict, init=False)
    _turns: dict[str, _Turn] = field(default_factory=dict, init=False)
    _going: dict[str, str] = field(default_factory=dict, init=False)  # url: its host
    _failing: set[str] = field(default_factory=set, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def follow(self, everyone: Sequence[Polled], now: float) -> None:
        """Poll these in place of those it had. One that is new, or asked in another way, has its
        turn soon."""
        with self._lock:
            known, turns = self._everyone, self._turns
            self._everyone = {one.url: one for one in everyone}
            self._turns = {
                url: self._turn(one, known.get(url), turns.get(url), now)
                for url, one in self._everyone.items()
            }

    def _turn(self, one: Polled, known: Polled | None, turn: _Turn | None, now: float) -> _Turn:
        if known is None or turn is None or known.tokens != one.tokens:
            return _Turn(now + self._soon(one))  # another login may be let in
        if known.seconds != one.seconds:
            turn.due = min(turn.due, now + self._soon(one))
        return turn

    def _soon(self, one: Polled) -> float:
        return min(_FIRST, one.seconds) * self.chance()

    def begin(self, now: float) -> list[Polled]:
        """Whose turn it is, longest overdue first: each is to be asked now, and then `looked`."""
        with self._lock:
            due = sorted((turn.due, url) for url, turn in self._turns.items() if turn.due <= now)
            return [self._everyone[url] for _, url in due if self._may_begin(url)]

    def _may_begin(self, url: str) -> bool:
        """True if there is room for a look at it, which is taken."""
        host, hosts = _host(self._everyone[url]), list(self._going.values())
        failing = sum(one in self._failing for one in hosts)
        if (
            url in self._going
            or len(hosts) >= self.most
            or hosts.count(host) >= _MOST_AT_A_HOST
            or (host in self._failing and failing >= self.most // 2)
        ):
            return False
        self._going[url] = host
        return True

    def looked(self, one: Polled, now: float, *, failed: bool) -> None:
        """Its turn is over: the next is after its interval, later and later while it fails."""
        with self._lock:
            self._going.pop(one.url, None)
            (self._failing.add if failed else self._failing.discard)(_host(one))
            turn = self._turns.get(one.url)
            if turn is None:
                return
            turn.failures = turn.failures + 1 if failed else 0
            wait: float = one.seconds
            if failed:
                wait = max(wait, min(wait * 2.0 ** min(turn.failures, 20), _LONGEST_BACK_OFF))
            spread = 1 + _JITTER * (self.chance() - 0.5)
            turn.due = now + wait * spread


def _host(one: Polled) -> str:
    return one.repository.partition("/")[0]


def take_moves(
    database: Database,
    one: Polled,
    found: Refs,
    take: Callable[[Sequence[Arrival]], list[Taken | ReconcilerError]],
) -> list[Taken]:
    """Take what has moved since the last look. Raises StateUnusable: it is found again.

    Where the refs are is stored after what moved is taken: a daemon that is killed in between
    takes it again, and the commit that has a run gets no second one.
    """
    known = known_refs(database, one.url)
    if known is None:
        save_refs(database, one.url, Known(found.refs, one.tags))
        return []
    before = _comparable(known, one, found)
    moved = _moved(before, found.refs)[:_MOST]
    results = take([Arrival(_push(one, found, ref, before), one.everyone) for ref in moved])
    after, taken = dict(before), []
    for ref, result in zip(moved, results, strict=True):
        if isinstance(result, ReconcilerError):
            continue
        taken.append(result)
        after.pop(ref, None)
        if ref in found.refs:
            after[ref] = found.refs[ref]
    if Known(after, one.tags) != known:
        save_refs(database, one.url, Known(after, one.tags))
    return taken


def _comparable(known: Known, one: Polled, found: Refs) -> dict[str, str]:
    """What was known, with tags only if they are wanted; those seen for the first time are old."""
    branches = {ref: at for ref, at in known.refs.items() if not ref.startswith(_TAGS)}
    if not one.tags:
        return branches
    source = known.refs if known.tags else found.refs
    return branches | {ref: at for ref, at in source.items() if ref.startswith(_TAGS)}


def _moved(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return sorted(ref for ref in before.keys() | now.keys() if before.get(ref) != now.get(ref))


def _push(one: Polled, found: Refs, ref: str, before: Mapping[str, str]) -> Push:
    return Push(
        repository=one.repository,
        ref=ref,
        before=before.get(ref),
        after=found.refs.get(ref),
        created=ref not in before,
        default_branch=found.default_branch,
        sender=ACTOR,
    )
