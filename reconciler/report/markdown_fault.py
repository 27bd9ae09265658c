"""Why there is no plan, as the comment on a pull request: it takes the place of the last plan."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.base.diagnostics import Diagnostic, Severity, sort_key
from reconciler.base.errors import InvalidInput, ReconcilerError
from reconciler.base.text import one_line, plural
from reconciler.report.inert import code, escape, fit
from reconciler.report.markdown import MARKER

# A comment is read for the first of them; the log of the step has all.
_ROOM = 12_000


def fault_markdown(error: ReconcilerError) -> str:
    """The comment: the mark, what is wrong, and where."""
    title, lines = _told(error)
    shown, left_out = fit(lines, _ROOM)
    if left_out:
        shown.append(f"- and {left_out:,} more; see the log")
    return "\n".join([MARKER, f"## No plan: {title}", "", *shown])


def _told(error: ReconcilerError) -> tuple[str, Iterator[str]]:
    if not isinstance(error, InvalidInput):
        return escape(one_line(error.message, 600)), _facts(error)
    wrong = [item for item in error.diagnostics if item.severity is Severity.ERROR]
    return f"{plural(len(wrong), 'error')} in the input", map(
        _diagnostic, sorted(wrong, key=sort_key)
    )


def _diagnostic(item: Diagnostic) -> str:
    facts = [item.message]
    facts += [f"found {item.found}"] if item.found else []
    facts += [f"allowed {item.allowed}"] if item.allowed else []
    facts += [f"fix: {item.fix}"] if item.fix else []
    place = f"{code(str(item.location))} " if item.location else ""
    return f"- {place}{escape(one_line('; '.join(facts), 1000))}"


def _facts(error: ReconcilerError) -> Iterator[str]:
    for label, text in error.details:
        yield f"- {escape(one_line(f'{label}: {text}', 600))}"
    if error.hint:
        yield f"- {escape(one_line(f'fix: {error.hint}', 600))}"
