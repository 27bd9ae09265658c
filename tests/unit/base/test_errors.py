"""The tree of errors: every class has its own code, and the exit codes of the documentation."""

from __future__ import annotations

from reconciler.base import errors
from reconciler.base.diagnostics import Diagnostic, Location, Severity, has_errors, sort_key

EXIT_CODES = {
    "WrongUsage": 64,
    "PolicyBlocked": 3,
    "RunFailed": 4,
    "Locked": 5,
    "StalePlan": 6,
    "PartlyApplied": 7,
    "NotBegun": 75,  # between a worker and its programs
    "Interrupted": 130,
}


def test_every_class_has_its_own_code_and_the_documented_exit_code() -> None:
    classes = errors.ReconcilerError.__subclasses__()
    own = [one for one in classes if one.__module__ == errors.__name__]
    assert len({one.code for one in own}) == len(own)
    assert {one.__name__: one.exit_code for one in own if one.exit_code != 1} == EXIT_CODES


def test_an_error_keeps_its_message_hint_and_details() -> None:
    error = errors.Locked("somebody applies", hint="wait", details=[("holder", "ci")])
    assert (str(error), error.hint, error.details) == (
        "somebody applies",
        "wait",
        (("holder", "ci"),),
    )


def test_invalid_input_keeps_all_diagnostics() -> None:
    items = [Diagnostic("a"), Diagnostic("b")]
    assert errors.InvalidInput(items).diagnostics == tuple(items)


def test_only_an_error_is_an_error() -> None:
    assert has_errors([Diagnostic("a")])
    assert not has_errors([Diagnostic("a", severity=Severity.WARNING)])


def test_diagnostics_are_sorted_by_place_and_those_without_one_come_first() -> None:
    items = [Diagnostic("c", Location("b", 1)), Diagnostic("b", Location("a", 10)), Diagnostic("a")]
    items.append(Diagnostic("d", Location("a", 9, 4)))
    assert [item.message for item in sorted(items, key=sort_key)] == ["a", "d", "b", "c"]
    assert str(Location("a", 9, 4)) == "a:9:4"
