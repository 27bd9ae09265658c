"""The labels an image carries so that one can find the run it came from. Holds no rule."""

from __future__ import annotations

from reconciler.base.clock import to_iso
from reconciler.model.run import BaseImage, RunRecord

# https://github.com/opencontainers/image-spec/blob/main/annotations.md
_OCI = "org.opencontainers.image."
_OWN = "io.reconciler."


def image_labels(record: RunRecord, bases: tuple[BaseImage, ...]) -> dict[str, str]:
    """Labels of the run's image. A local folder is not named: it means nothing elsewhere."""
    base = next((item for item in bases if item.role == "runtime"), None)
    remote = record.source if record.source and "://" in record.source else None
    labels = {
        _OCI + "created": to_iso(record.started or record.queued),
        _OCI + "revision": record.commit,
        _OCI + "source": remote,
        _OCI + "base.name": base.reference if base else None,
        _OCI + "base.digest": base.digest if base else None,
        _OWN + "run": record.id,
        _OWN + "task": record.task,
    }
    return {name: value for name, value in labels.items() if value}
