"""The labels an image carries so that one can find the run it came from. Holds no rule."""

from __future__ import annotations

from collections.abc import Collection

from reconciler.base.clock import to_iso
from reconciler.base.credentials import holds_credential
from reconciler.model.run import BaseImage, RunRecord

# https://github.com/opencontainers/image-spec/blob/main/annotations.md
_OCI = "org.opencontainers.image."
_OWN = "io.reconciler."


def image_labels(
    record: RunRecord, bases: tuple[BaseImage, ...], own: Collection[str] = ()
) -> dict[str, str]:
    """Labels of the run's image. A local folder is not named: it means nothing elsewhere.

    What the Dockerfile or a flag says itself (`own` names) of `org.opencontainers.image` stays as
    it is; `io.reconciler` is always ours, for it leads back to the run.
    """
    base = next((item for item in bases if item.role == "runtime"), None)
    described = {
        "created": to_iso(record.started or record.queued),
        "revision": record.commit,
        "source": _public(record.source),
        "base.name": base.reference if base else None,
        "base.digest": base.digest if base else None,
    }
    labels = {_OCI + name: value for name, value in described.items() if _OCI + name not in own}
    labels |= {_OWN + "run": record.id, _OWN + "task": record.task}
    return {name: value for name, value in labels.items() if value}


def _public(source: str | None) -> str | None:
    """A remote source; none with a user, password or token in it, which no run begins with."""
    if source is None or "://" not in source or holds_credential(source):
        return None
    return source
