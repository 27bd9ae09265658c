"""What a task file would run, as lines for people: who waits for whom, for how long, doing what."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from reconciler.base.clock import spell_duration
from reconciler.base.diagnostics import Severity
from reconciler.base.text import harmless, one_line, plural, wrap
from reconciler.operations.render import Rendered
from reconciler.report.human import diagnostics_lines
from reconciler.taskfile.steps.graph import critical_path
from reconciler.taskfile.tasks import (
    DEFAULT_WORKING_DIRECTORY,
    BuildStep,
    CmdStep,
    PushStep,
    Step,
    TaskFile,
)

_LONGEST_COMMAND = 400
_WIDEST_ID = 24
_NARROW = 60  # columns; with less there is no table
_USUAL_RUN = 3600  # seconds a run has unless it is given another --timeout
_NEVER = "nothing would run"


def render_lines(rendered: Rendered, width: int) -> list[str]:
    """The whole output of `render`; the steps of the critical path carry a `*`."""
    task = rendered.task
    lines = wrap(harmless(f"{rendered.file}: {_headline(task)}"), width, "  ")
    if task.steps:
        path, seconds = critical_path(task.steps)
        lines += ["", *_steps(task.steps, frozenset(path), width)]
        lines += ["", *_critical(path, seconds, width), *_around(task, width)]
    if task.diagnostics:
        lines += ["", *diagnostics_lines(task.diagnostics, width)]
    return [*lines, *_verdict(task, width)]


def _headline(task: TaskFile) -> str:
    if task.refused:
        return "refused"
    return f"{task.version}, {plural(len(task.steps), 'step')}"


def _verdict(task: TaskFile, width: int) -> list[str]:
    counts = [
        (sum(item.severity is severity for item in task.diagnostics), noun)
        for severity, noun in ((Severity.ERROR, "error"), (Severity.WARNING, "warning"))
    ]
    told = ", ".join(plural(count, noun) for count, noun in counts if count)
    if task.refused:
        return wrap(f"{told}; {_NEVER}", width)
    if not task.steps:
        return wrap("; ".join(filter(None, [told, _NEVER])), width)
    return [told] if told else []


# --------------------------------------------------------------------- steps
def _steps(steps: Sequence[Step], path: frozenset[str], width: int) -> Iterator[str]:
    """When and how long, then what; a `*` on the critical path."""
    longest = min(max(4, *(len(step.id) for step in steps)), _WIDEST_ID)
    times = {step.id: spell_seconds(step.timeout) for step in steps}
    widest = max(7, *map(len, times.values()))
    if width >= _NARROW:
        yield f"  {'STEP':<{longest}}  KIND   {'TIMEOUT':<{widest}}  STARTS"
    for step in steps:
        name = f"{'*' if step.id in path else ' '} {one_line(step.id, 63)}"
        facts = (f"{step.kind:<5}", f"{times[step.id]:<{widest}}", _start(step))
        yield from _row(name, facts, longest + 4, width)
        yield from wrap(harmless(f"    {_what(step)}"), width, " " * 6)
        if told := "; ".join(_details(step)):
            yield from wrap(harmless(f"    {told}"), width, " " * 6)


def _row(name: str, facts: Sequence[str], column: int, width: int) -> Iterator[str]:
    """The name and, from a column on, the facts; below the name where it is too long for that."""
    if width < _NARROW:
        yield from wrap(harmless(name), width, "  ")
        told = ", ".join(fact.rstrip() for fact in facts)
        yield from wrap(harmless(f"    {told}"), width, " " * 6)
        return
    if len(name) > column - 2:
        yield harmless(name)
        name = ""
    row = f"{name:<{column}}{'  '.join(facts)}"
    yield from wrap(harmless(row), width, " " * (len(row) - len(facts[-1])))


def spell_seconds(seconds: int) -> str:
    """Whole seconds in at most two units: `45 s`, `10 min`, `1 h 30 min`."""
    return f"{seconds} s" if seconds < 60 else spell_duration(seconds)


def _start(step: Step) -> str:
    delay = spell_seconds(step.start_delay) if step.start_delay else ""
    if not step.needs:
        return f"after {delay}" if delay else "at once"
    after = f"after {', '.join(one_line(name, 63) for name in step.needs)}"
    return f"{delay} {after}" if delay else after


def _what(step: Step) -> str:
    if isinstance(step, PushStep):
        return f"pushes {', '.join(step.images)}"
    words = [step.image, *step.argv] if isinstance(step, CmdStep) else ["docker build", *step.argv]
    return one_line(" ".join([words[0], *map(_quoted, words[1:])]), _LONGEST_COMMAND)


def _quoted(word: str) -> str:
    """The word as it would be typed; in double quotes where that reads better."""
    if "'" in word and not set(word) & set('"$`\\!'):
        return f'"{word}"'
    return shlex.quote(word)


def _details(step: Step) -> Iterator[str]:
    """What is not as usual, shortly."""
    if not isinstance(step, PushStep):
        yield from _container_details(step)
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
    for mount in step.mounts:
        yield f"volume {mount.volume} at {mount.path}"
    if step.working_directory is None:
        yield "in the image's own folder"
    elif step.working_directory != DEFAULT_WORKING_DIRECTORY:
        yield f"in {step.working_directory}"
    yield from _attempts(step)
    if step.detach:
        yield "in the background"
    if step.keep:
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


# ---------------------------------------------------------------- around them
def _critical(path: Sequence[str], seconds: int, width: int) -> list[str]:
    """The longest way by timeouts and delays, and whether a run has that long."""
    told = f"* critical path: {' > '.join(path)}, {spell_seconds(seconds)} of timeouts"
    lines = wrap(harmless(told), width, "    ")
    if seconds > _USUAL_RUN:
        told = f"  a run ends after {spell_seconds(_USUAL_RUN)}, unless given --timeout {seconds}"
        lines += wrap(told, width, "    ")
    return lines


def _around(task: TaskFile, width: int) -> Iterator[str]:
    """Networks, volumes and secrets, and which steps are not on the network of the others."""
    for network in task.networks:
        facts = [network.driver, "IPv6" if network.ipv6 else None]
        facts += [None if network.create else "must be there", "default" * network.is_default]
        told = ", ".join(filter(None, facts))
        yield from wrap(harmless(f"  network {network.name}" + f" ({told})" * bool(told)), width)
    for volume in task.volumes:
        names = ", ".join(name for name, _ in volume.files)
        yield from wrap(harmless(f"  volume {volume.name}: {names}"), width, "    ")
    for secret in task.secrets:
        yield from wrap(harmless(f"  secret {secret.id} from {secret.keyvault}"), width, "    ")
