"""Which task a person means: an address, or the last part of one that is not to be mistaken."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.base.errors import ReconcilerError, WrongUsage
from reconciler.base.text import did_you_mean, one_line


def address_of(
    name: str,
    addresses: Iterable[str],
    what: str = "live task",
    *,
    missing: type[ReconcilerError] = WrongUsage,
    otherwise: str = "reconciler tasks lists what is live",
) -> str:
    """The one address that a name means.

    Raises WrongUsage if there are several; `missing`, with the nearest one, if there is none, and
    `otherwise` is the hint where nothing is near.
    """
    known = sorted(addresses)
    fits = [one for one in known if name in {one, one.partition("/")[2]}]
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise WrongUsage(
            f"{one_line(name, 80)} is the name of {len(fits)} tasks: {', '.join(fits[:5])}",
            hint="write the registry too",
        )
    near = did_you_mean(name, [text for one in known for text in (one, one.partition("/")[2])])
    raise missing(
        f"no {what} is called {one_line(name, 80)}",
        hint=f"did you mean {one_line(near, 120)}?" if near else otherwise,
    )
