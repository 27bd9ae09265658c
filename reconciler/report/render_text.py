"""What a task file would run, as lines for people: who waits for whom, for how long, doing what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.base.diagnostics import Severity
from reconciler.base.text import harmless, one_line, plural, wrap
from reconciler.operations.rendering.render import Rendered
from reconciler.report.human import diagnostics_lines
from reconciler.report.step_text import spell_seconds, what_is_unusual, what_it_does
from reconciler.taskfile.steps.graph import critical_path
from reconciler.taskfile.tasks import Step, TaskFile

_WIDEST_ID = 24
_LONGEST_PATH = 9  # names; of more, those in the middle are counted
_NARROW = 60  # columns; with less there is no table
_LONGEST_RUN = 28_800  # seconds
_USUAL_RUN = 3600  # seconds a run has unless it is given another --timeout
_NEVER = "nothing would run"


def render_lines(rendered: Rendered, width: int) -> list[str]:
    """The whole output of `render`; the steps of the critical path carry a `*`."""
    task = rendered.task
    lines = wrap(harmless(f"{rendered.file}: {_headline(task)}"), width, "  ")
    if task.steps:
        path, seconds = critical_path(task.steps)
        lines += ["", *_steps(task, frozenset(path), width)]
        delays = any(step.start_delay for step in task.steps if step.id in path)
        lines += ["", *_critical(path, seconds, width, delays=delays), *_around(task, width)]
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
def _steps(task: TaskFile, path: frozenset[str], width: int) -> Iterator[str]:
    """When and how long, then what; a `*` on the critical path."""
    steps = task.steps
    usual = next((item.name for item in reversed(task.networks) if item.is_default), None)
    longest = min(max(4, *(len(step.id) for step in steps)), _WIDEST_ID)
    times = {step.id: spell_seconds(step.timeout) for step in steps}
    widest = max(7, *map(len, times.values()))
    if width >= _NARROW:
        yield f"  {'STEP':<{longest}}  KIND   {'TIMEOUT':<{widest}}  STARTS"
    for step in steps:
        name = f"{'*' if step.id in path else ' '} {one_line(step.id, 63)}"
        facts = (f"{step.kind:<5}", f"{times[step.id]:<{widest}}", _start(step))
        yield from _row(name, facts, longest + 4, width)
        yield from wrap(harmless(f"    {what_it_does(step)}"), width, " " * 6)
        if told := "; ".join(what_is_unusual(step, usual)):
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


def _start(step: Step) -> str:
    delay = spell_seconds(step.start_delay) if step.start_delay else ""
    if not step.needs:
        return f"after {delay}" if delay else "at once"
    after = f"after {', '.join(one_line(name, 63) for name in step.needs)}"
    return f"{delay} {after}" if delay else after


# ---------------------------------------------------------------- around them
def _critical(path: Sequence[str], seconds: int, width: int, *, delays: bool) -> list[str]:
    """The longest way by timeouts and delays, and whether a run has that long."""
    names = list(path)
    if len(names) > _LONGEST_PATH:
        left = len(names) - _LONGEST_PATH + 1
        names[_LONGEST_PATH // 2 : -(_LONGEST_PATH // 2)] = [f"({left:,} more)"]
    told = f"* critical path: {' > '.join(names)}, {spell_seconds(seconds)} of timeouts"
    told += " and delays" if delays else ""
    lines = wrap(harmless(told), width, "    ")
    if seconds > _LONGEST_RUN:
        told = (
            f"  no run lasts longer than {spell_seconds(_LONGEST_RUN)}: it is ended before them all"
        )
        lines += wrap(told, width, "    ")
    elif seconds > _USUAL_RUN:
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
