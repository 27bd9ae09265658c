"""What a task was last built on, against what a tag serves now. Asks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.run import BaseImage
from reconciler.model.tracked import TrackedBase, tracked_reference
from reconciler.model.watched import Served

_TOOL = "step"  # the image that a command ran in: nothing is built from it


@dataclass(frozen=True, slots=True)
class LastBuilt:
    """The bases of the newest run that built a task as it was applied; `platform` is the run's."""

    platform: str
    bases: tuple[BaseImage, ...]

    def digests(self, reference: str, platform: str) -> frozenset[str]:
        """What it took for a base: of an index, or of the image of its platform. Empty: unknown."""
        return frozenset(
            one.digest
            for one in self.bases
            if one.digest is not None
            and one.role != _TOOL
            and (one.platform or self.platform) == platform
            and _tracked(one.reference) == reference
        )

    def before(self, base: TrackedBase, served: Served) -> str | None:
        """The digest that a build now would not get any more; None if it would get the same.

        Of an index that is not served any more nobody knows the images: it counts as another one.
        """
        now = served.of_platform(base.platform)
        same = {served.digest, now}
        gone = served.platforms is not None and now is None
        others = self.digests(base.reference, base.platform) - same
        return None if gone else min(others, default=None)


# By address and reference.
Built = Mapping[tuple[str, str], LastBuilt]


def _tracked(text: str) -> str | None:
    try:
        return tracked_reference(text)
    except ValueError:
        return None
