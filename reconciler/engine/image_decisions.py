"""What is decided about a task when an image moved, as it is stored. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from reconciler.engine.standing import KIND, Book
from reconciler.model.event import Decided, Source, Verdict
from reconciler.model.rebuild import Rebuild


@dataclass(frozen=True, slots=True)
class Scribe:
    """Writes decisions of one moment about the tasks of a book."""

    book: Book
    now: datetime

    def decide(
        self, item: Rebuild, verdict: Verdict, detail: str = "", run_id: str | None = None
    ) -> Decided:
        """About a task of an event. Its subject is the first image that moved under it."""
        moved = sorted(item.moved.items())
        others = ", ".join(reference for reference, _ in moved[1:])
        reference, (before, digest) = moved[0] if moved else ("", (None, None))
        standing = self.book.get(item.address)
        return Decided(
            at=self.now,
            source=Source.IMAGE,
            subject=reference,
            version=digest,
            previous=before,
            task=item.address,
            trigger=standing.name if standing is not None else KIND.value,
            verdict=verdict,
            detail="; ".join(text for text in (detail, others and f"also {others}") if text),
            run_id=run_id,
        )


def of_look(
    subject: str, verdict: Verdict, now: float, detail: str, version: str | None = None
) -> Decided:
    """About a look at a tag, or at all of a registry; `now` is in seconds since 1970."""
    return Decided(
        at=datetime.fromtimestamp(now, UTC),
        source=Source.IMAGE,
        subject=subject,
        version=version,
        verdict=verdict,
        detail=detail,
    )
