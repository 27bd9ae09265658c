"""A step in words: what it does, and what about it is not as usual. Decides nothing."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from reconciler.base.clock import spell_duration
from reconciler.base.credentials import without_credentials
from reconciler.base.text import one_line, plural
from reconciler.taskfile.tasks import (
    DEFAULT_WORKING_DIRECTORY,
    BuildStep,
    CmdStep,
    PushStep,
    Step,
)

_LONGEST_COMMAND = 400


def spell_seconds(seconds: int) -> str:
    """Whole seconds in at most two units: `45 s`, `10 min`, `1 h 30 min`."""
    return f"{seconds} s" if seconds < 60 else spell_duration(seconds)


def what_it_does(step: Step) -> str:
    """Its words as they would be typed, on one line and cut: the image, `docker build`, pushes."""
    if isinstance(step, PushStep):
        return f"pushes {', '.join(step.images)}"
    words = [step.image, *step.argv] if isinstance(step, CmdStep) else ["docker build", *step.argv]
    return one_line(" ".join([words[0], *map(_quoted, words[1:])]), _LONGEST_COMMAND)


def _quoted(word: str) -> str:
    """The word as it would be typed, without the user of a URL; in double quotes if it helps."""
    word = without_credentials(word)
    if "'" in word and not set(word) & set('"$`\\!'):
        return f'"{word}"'
    return shlex.quote(word)


def what_is_unusual(step: Step, network: str | None) -> Iterator[str]:
    """What is not as usual, shortly; `network` is the one that steps are on."""
    if not isinstance(step, PushStep):
        yield from _container_details(step)
        obeyed = isinstance(step, CmdStep) or step.network == "none"
        if obeyed and step.network != network:
            yield f"on network {step.network}"
    if isinstance(step, CmdStep):
        yield from _cmd_details(step)
    if isinstance(step, BuildStep) and step.cache:
        yield "cache"
    if step.ignore_errors:
        yield "its failure is ignored"


def _container_details(step: CmdStep | BuildStep) -> Iterator[str]:
    if step.env:
        told = (f"{name}={_quoted(value)}" for name, value in dict(step.env).items())
        yield f"env {one_line(' '.join(told), _LONGEST_COMMAND)}"
    if isinstance(step, CmdStep):
        yield from (f"volume {mount.volume} at {mount.path}" for mount in step.mounts)
    if step.working_directory is None:
        yield from ["in the image's own folder"] if isinstance(step, CmdStep) else []
    elif step.working_directory != DEFAULT_WORKING_DIRECTORY:
        yield f"in {step.working_directory}"
    yield from _attempts(step)
    if isinstance(step, CmdStep) and step.detach:
        yield "in the background"
    if isinstance(step, CmdStep) and step.keep:
        yield "is kept"


def _attempts(step: CmdStep | BuildStep) -> Iterator[str]:
    attempts = step.attempts
    if attempts.repeat:
        yield f"done {attempts.repeat + 1:,} times"
    if attempts.retries:
        told = f"{plural(attempts.retries, 'retry', 'retries')}"
        told += f", {spell_seconds(attempts.retry_delay)} apart"
        texts = " or ".join(f'"{text}"' for text in attempts.retry_on_errors)
        yield f"{told}, after {texts} only" if texts else told


def _cmd_details(step: CmdStep) -> Iterator[str]:
    codes = step.exited_with or step.exited_without
    if codes:
        told = ", ".join(map(str, codes))
        yield f"succeeds with {told} only" if step.exited_with else f"fails with {told} only"
    named = (
        ("user", step.user),
        ("entry point", step.entry_point),
        ("isolation", step.isolation),
        ("cpus", step.cpus),
        ("ports", ", ".join(step.ports)),
        ("exposes", ", ".join(step.expose)),
    )
    yield from (f"{label} {text}" for label, text in named if text)
    if step.privileged:
        yield "PRIVILEGED"
    if step.pull:
        yield "pulls its image first"
