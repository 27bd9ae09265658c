"""The image that a container step starts from: settled, there, and written down. Starts nothing."""

from __future__ import annotations

from reconciler.model.image import parse_reference
from reconciler.model.run import BaseImage
from reconciler.runner.bases import Found, provide_image
from reconciler.runner.failure import Failure
from reconciler.runner.ledger import StepFailed
from reconciler.runner.site import Site
from reconciler.runner.stopping import StepWatch
from reconciler.runner.work import Work
from reconciler.taskfile.tasks import CmdStep

_CANNOT_START = 125  # what `docker run` ends with when there is no container


def step_image(step: CmdStep, work: Work, watch: StepWatch, site: Site) -> str:
    """The engine's id of the image: one that this run built, else what its registry serves now.

    What the run stands on is written down, so that a rerun can take the same. A download is tried
    again as the step says. Raises StepFailed (base-pull) or Stop.
    """
    name = step.image if "@" in step.image else with_tag(step.image)
    if name in site.built and not step.pull:
        return site.built[name]
    told = f'the image {name} of step "{step.id}"'
    for left in range(step.download_retries, -1, -1):
        try:
            # One after the other: two steps with the same image pull it once.
            with site.preparing:
                found = provide_image(name, told, site.images, work, under=step.id, pull=step.pull)
            break
        except Failure as failure:
            if not left:
                raise StepFailed(failure.reason, failure.message, _CANNOT_START) from None
            watch.pause(step.download_retry_delay)
    work.ledger.note_bases([_record(name, found)])
    return found.image.id


def _record(name: str, found: Found) -> BaseImage:
    return BaseImage(
        reference=name,
        role="step",
        digest=found.digest,
        image_id=found.image.id,
        pinned=found.digest is not None,
    )


def with_tag(name: str) -> str:
    """A complete name with the tag that is meant where none is written."""
    parts = parse_reference(name)
    return name if parts.tag or parts.digest else f"{name}:latest"
