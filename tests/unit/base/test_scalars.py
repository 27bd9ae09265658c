"""Unquoted words: which are numbers, flags or nothing, and which stay text."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.base.scalars import plain_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("NULL", None),
        ("true", True),
        ("False", False),
        ("0", 0),
        ("-7", -7),
        ("+7", 7),
        ("9999999999999999999", 9999999999999999999),
        ("1.5", 1.5),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("1.0e+3", 1000.0),
        ("1e3", "1e3"),
        ("0E0", "0E0"),
        ("1.5e3", "1.5e3"),
        ("2.5E-3", 0.0025),
    ],
)
def test_numbers_flags_and_nothing(text: str, value: Any) -> None:
    found = plain_value(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "text",
    [
        "007",
        "00.5",
        "-012",
        "0x1F",
        "0o17",
        "1_000",
        "12:30",
        "2027-06-30",
        "1.2.3",
        "yes",
        "on",
        "nULL",
        "tRUE",
        ".",
        "-",
        "+",
        "e5",
        "1.0e+999",
        ".e5",
        "5e",
        "1.0e+9999",
        ".inf",
        ".nan",
        "1" * 20,
        "\u0663",
        "3 ",
    ],
)
def test_everything_else_stays_text(text: str) -> None:
    assert plain_value(text) == text
