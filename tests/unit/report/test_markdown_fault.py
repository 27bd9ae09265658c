"""Why there is no plan, as a comment: marked, short, and obeyed by nobody."""

from __future__ import annotations

from reconciler.base.diagnostics import Diagnostic, Location, Severity
from reconciler.base.errors import InvalidInput, Locked
from reconciler.report.markdown import MARKER
from reconciler.report.markdown_fault import fault_markdown


def wrong(number: int, message: str = "no such field") -> Diagnostic:
    return Diagnostic(message, Location(f"specs/{number:04}.yaml", number, 3), found="x", fix="y")


def test_the_first_errors_are_told_with_their_places() -> None:
    warning = Diagnostic("only this", Location("a.yaml"), Severity.WARNING)
    text = fault_markdown(InvalidInput([wrong(2), warning, wrong(1)]))
    assert text.splitlines() == [
        MARKER,
        "## No plan: 2 errors in the input",
        "",
        "- `specs/0001.yaml:1:3` no such field; found x; fix: y",
        "- `specs/0002.yaml:2:3` no such field; found x; fix: y",
    ]


def test_of_too_many_errors_the_rest_is_counted() -> None:
    text = fault_markdown(InvalidInput([wrong(number) for number in range(1, 3001)]))
    assert len(text) < 13_000
    shown = text.count("no such field")
    assert text.endswith(f"- and {3000 - shown:,} more; see the log")


def test_another_error_says_what_it_found_and_the_fix() -> None:
    error = Locked("the state is locked", details=[("holder", "ci")], hint="wait for it")
    assert fault_markdown(error).splitlines()[1:] == [
        "## No plan: the state is locked",
        "",
        "- holder: ci",
        "- fix: wait for it",
    ]


def test_what_a_spec_holds_is_no_markup() -> None:
    text = fault_markdown(InvalidInput([wrong(1, "</details> @team [a](https://x.example)")]))
    assert "</details>" not in text
    assert "@team" not in text
    assert "](https" not in text
