"""printf as Go has it, for the verbs that are known."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.taskfile.template.goformat import sprintf
from reconciler.taskfile.template.govalues import ValueFault

FORMS: list[tuple[str, list[Any], str]] = [
    ("%d|%5d|%-5d|%05d|%+d|% d", [1, 2, 3, 4, 5, 6], "1|    2|3    |00004|+5| 6"),
    ("%x %X %o %b %#x %#o", [255, 255, 8, 5, 255, 8], "ff FF 10 101 0xff 010"),
    ("%05d", [-42], "-0042"),
    ("%c%c %q %U", [65, 0xE9, 65, 65], "Aé 'A' %!U(int=65)"),
    ("%c", [0xE100], "\ufffd"),
    ("%s|%5s|%-5s|%.2s|%q", ["a", "b", "c", "def", 'g"'], 'a|    b|c    |de|"g\\""'),
    ("%x %X", ["az", "az"], "617a 617A"),
    ("%v %v %v %v", [1, "a", None, [1, "b"]], "1 a <nil> [1 b]"),
    ("%#v", ["a"], '"a"'),
    ("%s %q", [["a", "b"], ["c"]], '[a b] ["c"]'),
    (
        "%f %.1f %e %g %+.2f",
        [1.5, 1.25, 1500.0, 1e21, 1.0],
        "1.500000 1.2 1.500000e+03 1e+21 +1.00",
    ),
    ("%8.3f|", [3.14159], "   3.142|"),
    ("%t %v", [True, False], "true false"),
    ("%T %T %T %T", [1, "a", [1], None], "int string []interface {} <nil>"),
    ("%*d|%-*d|", [4, 1, 3, 2], "   1|2  |"),
    ("100%%", [], "100%"),
    ("%d", [], "%!d(MISSING)"),
    ("%d", ["x"], "%!d(string=x)"),
    ("%s", [7], "%!s(int=7)"),
    ("%s", [None], "%!s(<nil>)"),
    ("%t", [1], "%!t(int=1)"),
    ("a", [1, "b"], "a%!(EXTRA int=1, string=b)"),
    ("%", [], "%!(NOVERB)"),
]


@pytest.mark.parametrize(("form", "values", "text"), FORMS, ids=[form for form, _, _ in FORMS])
def test_forms_are_filled_in(form: str, values: list[Any], text: str) -> None:
    assert sprintf(form, values) == text


@pytest.mark.parametrize("form", ["%9999d", "%.9999f", "%999999999999999999d"])
def test_a_form_is_bounded(form: str) -> None:
    with pytest.raises(ValueFault, match="at most"):
        sprintf(form, [1.0])


def test_a_width_from_a_value_is_bounded_too() -> None:
    with pytest.raises(ValueFault, match="at most"):
        sprintf("%*d", [10**9, 1])
