"""What a registry serves under a tag, and that this is something else than before. Asks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter

# Runs that one event may set off, one after the other: a circle that nobody knew of ends here.
MOST_HOPS = 10


@dataclass(frozen=True, slots=True)
class Served:
    """An image as it is served: the digest of its tag, and that of each platform.

    `platforms` is empty if it is one image for whoever asks, and None if nobody has read it yet.
    """

    digest: str
    platforms: Mapping[str, str] | None = field(default_factory=dict)
    etag: str | None = None

    def of_platform(self, platform: str) -> str | None:
        """The digest that a build for a platform gets; None if there is none for it."""
        return self.platforms.get(platform) if self.platforms else self.digest


# In the place of what a tag served before, where nobody looked at it then.
UNSEEN = Served("", None)


@dataclass(frozen=True, slots=True)
class Move:
    """A tag that serves something else than before; `previous` None: there was no such tag.

    UNSEEN: it was not looked at before, and moved for tasks that were built on something else.
    """

    reference: str
    previous: Served | None
    served: Served

    @property
    def digests(self) -> tuple[str | None, str]:
        """The digest before, and the one now."""
        before = self.previous.digest if self.previous is not None else None
        return before or None, self.served.digest

    @property
    def unseen(self) -> bool:
        """True if only the runs of a task tell what there was before."""
        return self.previous is not None and not self.previous.digest

    def moved_for(self, platform: str) -> bool:
        """True if a build for a platform gets another image than before."""
        if self.previous is None:
            return self.served.platforms is None or self.served.of_platform(platform) is not None
        if self.previous.digest == self.served.digest:
            return False
        if self.previous.platforms is None or self.served.platforms is None:
            return True
        after = self.served.of_platform(platform)
        return after is not None and after != self.previous.of_platform(platform)


@dataclass(frozen=True, slots=True)
class RegistryPause:
    """A registry is left alone: since when (seconds since 1970), for how many seconds, and why.

    `count`: so many times in a row it wanted that.
    """

    host: str
    since: float
    seconds: float
    count: int
    message: str

    @property
    def until(self) -> float:
        """When it may be asked again, in seconds since 1970."""
        return self.since + self.seconds

    def over(self, now: float) -> bool:
        """True if it may be asked again, also after the clock was set back."""
        return not self.since <= now < self.until


@dataclass(frozen=True, slots=True)
class WatchedImage:
    """A tag that is watched. Times are seconds since 1970.

    `served` None: not seen yet; with `absent` it was looked for, and there was no such tag. A tag
    that is gone keeps what it served. `checked_at` is the last look, `seen_at` the last one that
    the registry answered; `failures` in a row, and why the last look failed.
    """

    reference: str
    next_at: float
    served: Served | None = None
    checked_at: float | None = None
    failures: int = 0
    message: str | None = None
    absent: bool = False
    seen_at: float | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """What a registry serves under a tag (None: no such tag), and how many requests that took."""

    served: Served | None
    requests: int = 1


def write_served(served: Served | None) -> str:
    """As JSON; `null` for a tag that was not there."""
    return _SERVED.dump_json(served).decode()


def read_served(text: str) -> Served | None:
    """What `write_served` wrote."""
    return _SERVED.validate_json(text)


_SERVED: TypeAdapter[Served | None] = TypeAdapter(Served | None)
