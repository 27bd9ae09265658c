"""Findings: an error is never lost behind warnings; nothing is told twice."""

from __future__ import annotations

from reconciler.base.diagnostics import Location
from reconciler.taskfile.faults import Fault
from reconciler.taskfile.findings import Findings
from reconciler.taskfile.inputs import Manner


def findings(manner: Manner = Manner.STRICT) -> Findings:
    return Findings(manner, lambda line, column: Location("f", line, column))


def test_an_error_is_told_after_very_many_warnings() -> None:
    found = findings()
    for line in range(1, 500):
        found.warn(Fault("", line), "careful")
    found.error(Fault("", 501), "wrong")
    assert found.refused
    assert len(found.items) < 300


def test_the_same_thing_is_told_once() -> None:
    found = findings()
    found.error(Fault("", 3), "wrong")
    found.error(Fault("", 3), "wrong")
    assert len(found.items) == 1


def test_a_doubt_is_an_error_only_when_read_strictly() -> None:
    strict, acb = findings(), findings(Manner.ACB)
    for found in (strict, acb):
        found.doubt(Fault(""), "hm")
    assert (strict.refused, acb.refused) == (True, False)


def test_messages_are_harmless() -> None:
    found = findings()
    found.error(Fault(""), "a\x1b[31m\nb", found="c\u202e")
    assert "\x1b" not in found.items[0].message
    assert "\u202e" not in (found.items[0].found or "")
