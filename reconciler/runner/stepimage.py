"""The image that a container step starts from: settled, there, and written down. Starts nothing."""

from __future__ import annotations

from reconciler.model.image import parse_reference
from reconciler.model.run import BaseImage, Reason, RunStatus
from reconciler.runner.bases import Found, provide_image
from reconciler.runner.failure import Failure
from reconciler.runner.ledger import StepFailed
from reconciler.runner.ports import Images
from reconciler.runner.site import Site
from reconciler.runner.stopping import StepWatch
from reconciler.runner.work import Work
from reconciler.taskfile.tasks import CmdStep

_CANNOT_START = 125  # what `docker run` ends with when there is no container


def step_image(step: CmdStep, work: Work, watch: StepWatch, site: Site) -> str:
    """The engine's id of the image: one that this run built, else what its registry serves now.

    What the run stands on is written down, so that a rerun can take the same. A download is tried
    again as the step says. Raises StepFailed (base-pull), Failure (engine) for an image of another
    platform than the run's, or Stop. What the run has built is as its build step wanted it.
    """
    name = step.image if "@" in step.image else with_tag(step.image)
    if name in site.built and not step.pull:
        return site.built[name]
    told = f'the image {name} of step "{step.id}"'
    for left in range(step.download_retries, -1, -1):
        try:
            # One after the other: two steps with the same image pull it once.
            with site.preparing:
                found = provide_fitting(
                    name, told, site.images, work, under=step.id, pull=step.pull
                )
            break
        except Failure as failure:
            if failure.reason is Reason.ENGINE:
                raise
            if not left:
                raise StepFailed(failure.reason, failure.message, _CANNOT_START) from None
            watch.pause(step.download_retry_delay)
    work.ledger.note_bases([_record(name, found)])
    return found.image.id


def provide_fitting(
    name: str, told: str, images: Images, work: Work, *, under: str, pull: bool
) -> Found:
    """The image, for the platform of the run: an engine would start any that it can execute.

    As `provide_image`, and raises Failure (engine) for an image of another platform.
    """
    found = provide_image(name, told, images, work, under=under, pull=pull)
    if _fits(found, work) or found.digest is None or pull:
        return _fitting(found, told, work)
    # The engine has that of another platform under the name: the registry may have this one.
    try:
        again = provide_image(name, told, images, work, under=under, pull=True)
    except Failure:
        return _fitting(found, told, work)
    return _fitting(again, told, work)


def _fits(found: Found, work: Work) -> bool:
    """True if operating system and architecture are those wanted; variants are not compared."""
    own = found.image.platform
    return own is None or own.split("/")[:2] == work.request.platform.split("/")[:2]


def _fitting(found: Found, told: str, work: Work) -> Found:
    """The same. Raises Failure (engine) if it is for another platform."""
    if _fits(found, work):
        return found
    wanted, own = work.request.platform, found.image.platform
    message = f"{told} is for {own}, and this task has platform: {wanted}"
    fix = f"name an image that there is for {wanted}, or write the platform {own}"
    raise Failure(Reason.ENGINE, f"{message}; {fix}", status=RunStatus.ERROR)


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
