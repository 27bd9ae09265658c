"""A run once more: same commit, same bases, same values. Says what cannot be the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pydantic import ValidationError

from reconciler.base.errors import WrongUsage
from reconciler.model.context import ContextKind, at_commit, context_kind
from reconciler.model.run import RunRecord, StepStatus
from reconciler.operations.running.run_place import RunPlace
from reconciler.operations.running.run_requests import new_run_id
from reconciler.operations.running.runs import folders_of
from reconciler.runner.failure import Failure
from reconciler.runner.request import RunRequest, read_request


@dataclass(frozen=True, slots=True)
class Rerun:
    """The request of a rerun, and what could not be pinned, one sentence each."""

    request: RunRequest
    unpinned: tuple[str, ...]


def rerun_request(place: RunPlace, record: RunRecord) -> Rerun:
    """The same request with a new run id, its commit and bases fixed. Raises WrongUsage."""
    old = _request_of(record)
    kind = context_kind(old.source)
    request = replace(
        old,
        id=new_run_id(),
        actor=place.actor,
        source=at_commit(old.source, record.commit),
        rerun_of=record.id,
        event=(),
        bases={base.reference: base.digest for base in record.bases if base.digest},
        base_ids={base.reference: base.image_id for base in record.bases if base.image_id},
        branch=record.branch,
        queued=None,
        known_commit=record.commit is not None,
    )
    unpinned = [
        *_source_notes(place, old, record, kind),
        *_base_notes(old, record),
        *_secrets(record),
    ]
    return Rerun(request, tuple(unpinned))


def _request_of(record: RunRecord) -> RunRequest:
    try:
        return read_request(record.wanted)
    except ValidationError:
        raise WrongUsage(
            f"run {record.id} was recorded without all of its request: it cannot be run again",
            hint="run its task, or build its context anew",
        ) from None


def _source_notes(
    place: RunPlace, request: RunRequest, record: RunRecord, kind: ContextKind
) -> Iterator[str]:
    if kind is ContextKind.GIT:
        if record.commit is None:
            yield "the commit: that run never had one; the context is fetched as it is now"
    elif kind is ContextKind.LOCAL:
        yield from _folder_notes(place, request, record)


def _folder_notes(place: RunPlace, request: RunRequest, record: RunRecord) -> Iterator[str]:
    """A folder is the same only where Git says so, then and now."""
    now = "what is there now is run"
    if record.commit is None:
        yield f"the folder {request.source}: it was in no Git repository; {now}"
        return
    if record.dirty:
        yield f"the folder {request.source}: it had changes that no commit holds; {now}"
        return
    try:
        found = folders_of(place, request)(request.source, None, lambda: False)
    except Failure:
        return  # the run itself tells that the folder is gone
    if found.commit != record.commit or found.dirty:
        commit = found.commit[:7] if found.commit else "no commit"
        state = commit + (" with changes" if found.dirty else "")
        was = record.commit[:7]
        yield f"the folder {request.source}: it was at {was} and is at {state}; {now}"


def _base_notes(request: RunRequest, record: RunRecord) -> Iterator[str]:
    if request.multi is not None:
        left = [step.name for step in record.steps if step.status is StepStatus.SKIPPED]
        if left or not record.steps:
            names = f" of {', '.join(left)}" if left else ""
            yield f"the images{names}: that run ended before they were settled"
    elif record.builder is None:
        yield "the bases: that run ended before they were settled"
    for base in record.bases:
        if base.role == "syntax" and not base.pinned:
            yield f"the frontend {base.reference}: an engine takes the one it finds"
        elif not base.pinned and base.role == "step":
            yield (
                f"the image {base.reference}: it has no digest; "
                "the engine's own of then is used if it is there"
            )
        elif not base.pinned:
            yield f"the base {base.reference}: it has no digest; the engine's own image is used"


def _secrets(record: RunRecord) -> Iterator[str]:
    for secret in record.secrets:
        yield f"the secret {secret.name}: {secret.reference} is read as it is now"
