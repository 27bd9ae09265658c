"""Which source triggers an event wakes, and why not the others. Pure."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pathspec import GitIgnoreSpec

from reconciler.model.context import ContextKind, git_location
from reconciler.model.event import PullRequest, Push, SourceEvent, Verdict
from reconciler.model.repository import repository_key
from reconciler.model.task import Task
from reconciler.model.trigger import CommitTrigger, Paths, PullRequestTrigger

DEFAULT_POOL = "default"
# What offers another commit, or asks for a look at one. A pull request whose target was changed
# is edited.
_BUILDS = frozenset({"opened", "reopened", "synchronize", "ready_for_review"})


@dataclass(frozen=True, slots=True)
class Listening:
    """A source trigger of a live task. `branch` None: the repository's default branch.

    `built` is the ref that the task's context names, None as with `branch`; `elsewhere`: its
    context is no part of this repository.
    """

    address: str
    name: str
    pool: str
    trigger: CommitTrigger | PullRequestTrigger
    repository: str
    branch: str | None
    task_enabled: bool
    built: str | None = None
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What an event means for one trigger. `detail` is for people, in one line.

    `apart`: its run builds another ref than the task's other runs do, and need not wait for them.
    `polled`: the trigger looks for events itself, too.
    """

    address: str
    trigger: str
    pool: str
    verdict: Verdict
    detail: str = ""
    apart: bool = False
    polled: bool = False


def pool_of(task: Task) -> str:
    """The pool that the runs of a task wait for."""
    return task.spec.agent.pool or DEFAULT_POOL


def listening(address: str, task: Task) -> Iterator[Listening]:
    """The source triggers of a task. One without a repository of its own or of the task's
    context listens to nothing."""
    context = task.spec.context
    own = _located(context.source) if context.kind is ContextKind.GIT else None
    for one in task.spec.triggers.sources():
        found = own if one.trigger.repository is None else _located(one.trigger.repository)
        if found is not None:
            yield Listening(
                address,
                one.name,
                pool_of(task),
                one.trigger,
                repository=found[0],
                branch=one.trigger.branch or found[1],
                task_enabled=task.spec.status == "Enabled",
                built=own[1] if own is not None else None,
                elsewhere=own is None or own[0] != found[0],
            )


def _located(source: str) -> tuple[str, str | None] | None:
    """(repository, the ref that it names, None if it names none) of a location in Git."""
    key = repository_key(source)
    if key is None:
        return None
    return key, (git_location(source)[1].removeprefix("refs/heads/") or None)


def decide(event: SourceEvent, everyone: Iterable[Listening]) -> list[Decision]:
    """A decision for every trigger that listens to the event's repository and kind of event."""
    kind = CommitTrigger if isinstance(event, Push) else PullRequestTrigger
    return [
        _decided(event, one)
        for one in everyone
        if one.repository == event.repository and isinstance(one.trigger, kind)
    ]


def _decided(event: SourceEvent, one: Listening) -> Decision:
    if not one.task_enabled:
        verdict, detail = Verdict.TASK_OFF, "the task is Disabled"
    elif one.trigger.status != "Enabled":
        verdict, detail = Verdict.TRIGGER_OFF, "the trigger is Disabled"
    elif isinstance(event, Push):
        verdict, detail = _of_push(event, one)
    else:
        verdict, detail = _of_pull_request(event, one)
    polled = isinstance(one.trigger, CommitTrigger) and one.trigger.poll is not None
    apart = _is_apart(event, one)
    return Decision(one.address, one.name, one.pool, verdict, detail, apart, polled)


def _is_apart(event: SourceEvent, one: Listening) -> bool:
    if one.elsewhere:
        return False  # what is built is the task's own context
    if not isinstance(event, Push):
        return True
    own = one.built or event.default_branch
    return own is not None and event.ref not in {own, f"refs/heads/{own}", f"refs/tags/{own}"}


def _of_push(push: Push, one: Listening) -> tuple[Verdict, str]:
    if push.after is None:
        return Verdict.DELETED, f"{push.ref} is gone"
    tags = isinstance(one.trigger, CommitTrigger) and one.trigger.tags
    if push.tag is not None and tags:
        return _of_paths(push.files, one.trigger.paths)
    if push.branch is None:
        return Verdict.TAG, f"{push.ref} is no branch"
    wanted = one.branch or push.default_branch
    if not _is_branch(push.branch, wanted):
        return Verdict.OTHER_BRANCH, f"{push.branch}, the trigger is for {wanted or 'no branch'}"
    return _of_paths(push.files, one.trigger.paths)


def _of_pull_request(request: PullRequest, one: Listening) -> tuple[Verdict, str]:
    if not _builds(request):
        return Verdict.ACTION, f"{request.action} changes nothing that is built"
    wanted = one.branch or request.default_branch
    if not _is_branch(request.target, wanted):
        what = f"into {request.target}, the trigger is for {wanted or 'no branch'}"
        return Verdict.OTHER_BRANCH, what
    allowed = isinstance(one.trigger, PullRequestTrigger) and one.trigger.forks == "allow"
    if request.fork and not allowed:
        return Verdict.FORK, f"pull request {request.number} comes from a fork"
    return _of_paths(None, one.trigger.paths)


def _builds(request: PullRequest) -> bool:
    return request.action in _BUILDS or (request.action == "edited" and request.retargeted)


def _is_branch(branch: str, wanted: str | None) -> bool:
    """`wanted` is a name or a glob, whose `*` also matches `/`."""
    return wanted is not None and fnmatch.fnmatchcase(branch, wanted)


def _of_paths(files: tuple[str, ...] | None, paths: Paths) -> tuple[Verdict, str]:
    """Whether a changed file counts. What is not known counts: one build too many, none too few."""
    if not paths.include and not paths.exclude:
        return Verdict.QUEUED, ""
    if files is None:
        return Verdict.QUEUED, "the changed files are not known"
    included = _matching(files, paths.include) if paths.include else set(files)
    counting = included - _matching(files, paths.exclude)
    if counting:
        return Verdict.QUEUED, f"{min(counting)} changed"
    return Verdict.PATH_FILTER, f"none of {len(files):,} changed files counts"


def _matching(files: tuple[str, ...], globs: tuple[str, ...]) -> set[str]:
    """The files that globs mean, by the rules of `.gitignore`; RE2 tries no path twice."""
    return set(GitIgnoreSpec.from_lines(globs, backend="re2").match_files(files))
