"""Diagnostics and errors as lines for people, at the width of their terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.base.diagnostics import Diagnostic, Severity, sort_key
from reconciler.base.errors import InvalidInput, ReconcilerError
from reconciler.base.text import harmless, plural, wrap
from reconciler.operations.reading.validate import Validation

_LABEL = 7


def diagnostic_lines(item: Diagnostic, width: int) -> list[str]:
    """One diagnostic: what and where; task and rule; found and allowed; the fix."""
    place = f"{item.location}: " if item.location else ""
    lines = wrap(harmless(f"{item.severity}: {place}{item.message}"), width, "  ")
    lines += _pair(("task", item.task), ("rule", item.rule), width)
    lines += _pair(("found", item.found), ("allowed", item.allowed), width)
    lines += _pair(("fix", item.fix), ("", None), width)
    return lines


def _pair(first: tuple[str, str | None], second: tuple[str, str | None], width: int) -> list[str]:
    """Two labelled facts on one line if they fit, else each on its own."""
    facts = [(label, harmless(text)) for label, text in (first, second) if text]
    if len(facts) == 2:
        left = f"  {facts[0][0]:<{_LABEL}}{facts[0][1]:<22}"
        line = f"{left}  {facts[1][0]:<5} {facts[1][1]}"
        if len(left) <= 31 + 2 and len(line) <= width:
            return [line]
    return [line for label, text in facts for line in labelled(label, text, width)]


def labelled(label: str, text: str, width: int) -> list[str]:
    """`  label  text`, wrapped under the text."""
    margin = max(_LABEL, len(label) + 1)
    return wrap(f"  {label:<{margin}}{text}", width, " " * (margin + 2))


def diagnostics_lines(items: Iterable[Diagnostic], width: int) -> list[str]:
    """All diagnostics by place; warnings first, errors last, where the eye is."""
    order = [Severity.NOTE, Severity.WARNING, Severity.ERROR]
    ranked = sorted(items, key=lambda item: (order.index(item.severity), sort_key(item)))
    return [line for item in ranked for line in diagnostic_lines(item, width)]


def error_lines(error: ReconcilerError, width: int) -> list[str]:
    """An error: the message, its facts, the fix."""
    if isinstance(error, InvalidInput):
        return [
            *diagnostics_lines(error.diagnostics, width),
            _count_line(error.diagnostics) + "; nothing was done",
        ]
    lines = wrap(harmless(f"error: {error.message}"), width, "  ")
    for label, text in error.details:
        lines += labelled(label, harmless(text), width)
    if error.hint:
        lines += labelled("fix", harmless(error.hint), width)
    return lines


def _count_line(items: Sequence[Diagnostic]) -> str:
    errors = sum(item.severity is Severity.ERROR for item in items)
    warnings = sum(item.severity is Severity.WARNING for item in items)
    return f"{plural(errors, 'error')}, {plural(warnings, 'warning')}"


def validation_lines(result: Validation, seconds: float, width: int) -> list[str]:
    """The whole output of `validate`."""
    counts = ", ".join(
        [
            plural(result.specs, "spec"),
            plural(result.defaults, "defaults", "defaults"),
            plural(result.policies, "policy", "policies"),
            plural(result.waivers, "waiver"),
        ]
    )
    problems = result.problems
    return [
        *timed(counts, seconds, width),
        *diagnostics_lines(problems, width),
        f"{_count_line(problems)} in {plural(result.specs, 'task')}",
    ]


def timed(text: str, seconds: float, width: int) -> list[str]:
    """A headline with the time it took at the right, if there is room."""
    clock = f"{seconds:.2f} s"
    room = min(width, 80) - len(text) - len(clock)
    return wrap(f"{text}{' ' * max(room, 2)}{clock}", width, "  ")
