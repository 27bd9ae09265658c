"""With which login a polled repository is asked, and what is remembered of the answers.

Tasks that poll one repository may have several tokens. One that is refused keeps no other task
from hearing of pushes, and is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.engine.polling import Polled, Refs
from reconciler.model.event import Decided, Source, Verdict
from reconciler.store.database import Database
from reconciler.store.decisions import open_register
from reconciler.store.polled_looks import Refusal, RepositoryLook, read_look, save_look

# One that was refused while another is let in is tried again after that.
_AGAIN_SECONDS = 3600.0
# The moment of a good look is kept as exactly as this.
_EXACTLY_SECONDS = 60.0


@dataclass(slots=True)
class Asking:
    """One look at a repository, with one login after the other.

    `tokens` are references in the order in which they are tried, None without one; those of
    `again` are tried also if another one is let in. `refused` says why, by token ("" for None).
    """

    tokens: Sequence[str | None]
    again: frozenset[str | None] = frozenset()
    accepted: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)

    def ask(self, ask: Callable[[str | None], Refs | str]) -> Refs | None:
        """The answer to the first login that is let in, None if there is none.

        `ask` gives what the repository answers, or why it refuses a login. What it raises is for
        the caller: another login would not help.
        """
        found: Refs | None = None
        for token in self.tokens:
            if found is not None and token not in self.again:
                continue
            answer = ask(token)
            if isinstance(answer, str):
                self.refused[token or ""] = answer
            else:
                self.accepted.add(token or "")
                found = found or answer
        return found

    @property
    def why(self) -> str:
        """Why nobody is let in."""
        if len(self.refused) == 1:
            return next(iter(self.refused.values()))
        return "; ".join(f"{name_of(token)}: {why}" for token, why in self.refused.items())


@dataclass(slots=True)
class Logins:
    """Which tokens were let in and which were not, while a daemon runs. Moments are of a clock
    that nobody sets. At one repository there is one look at a time."""

    _good: dict[str, str] = field(default_factory=dict, init=False)
    _tried: dict[tuple[str, str], float] = field(default_factory=dict, init=False)

    def asking(self, one: Polled, refused: Iterable[str], now: float) -> Asking:
        """A look: the token that was let in last comes first. `refused` are known not to be."""
        good = self._good.get(one.url)
        tokens = sorted(one.tokens, key=lambda token: (token or "") != good)
        due = now - _AGAIN_SECONDS
        again = [token for token in refused if self._tried.get((one.url, token), due) <= due]
        return Asking(tokens, frozenset(token or None for token in again))

    def asked(self, one: Polled, asking: Asking, now: float) -> None:
        """Note who was let in."""
        for refused in asking.refused:
            self._tried[one.url, refused] = now
        good = [token or "" for token in asking.tokens if (token or "") in asking.accepted]
        if good:
            self._good[one.url] = good[0]


def name_of(token: str) -> str:
    """A token for people."""
    return token or "without a token"


def remember(
    database: Database, one: Polled, asking: Asking, why: str | None, now: datetime
) -> None:
    """Keep how a look ended: `why` it failed, None if it did not. Raises StateUnusable.

    Each new reason is a decision, too.
    """
    with database.read() as connection:
        former = read_look(connection, one.url)
    look = _look(one, asking, why, now.timestamp(), former)
    if former is not None and _is_known(look, former):
        return
    with open_register(database) as register:
        save_look(register.connection, look)
        register.note(_decided(detail, one, now) for detail in _news(look, former))


def _look(
    one: Polled, asking: Asking, why: str | None, now: float, former: RepositoryLook | None
) -> RepositoryLook:
    before: Mapping[str, Refusal] = former.refused if former is not None else {}
    refused = {
        token: refusal
        for token, refusal in before.items()
        if (token or None) in one.tokens and token not in asking.accepted
    }
    for token, message in asking.refused.items():
        since = before[token].since if token in before else now
        refused[token] = Refusal(since, message)
    seen = now if why is None else former.seen_at if former is not None else None
    return RepositoryLook(one.url, one.repository, now, seen, why, refused)


def _is_known(look: RepositoryLook, former: RepositoryLook) -> bool:
    """True for one good look more that tells nothing new."""
    if look.message is not None or former.message is not None or former.refused != look.refused:
        return False
    return 0 <= look.looked_at - former.looked_at < _EXACTLY_SECONDS


def _news(look: RepositoryLook, former: RepositoryLook | None) -> list[str]:
    if look.message is not None:
        known = former is not None and former.message == look.message
        return [] if known else [look.message]
    before: Mapping[str, Refusal] = former.refused if former is not None else {}
    return [
        f"{name_of(token)}: {one.message}"
        for token, one in look.refused.items()
        if token not in before or before[token].message != one.message
    ]


def _decided(detail: str, one: Polled, now: datetime) -> Decided:
    return Decided(
        at=now,
        source=Source.POLL,
        subject=one.repository,
        verdict=Verdict.LOOK_FAILED,
        detail=detail,
    )
