"""What is written is read back as it was, and quoted only where it must be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.base.yaml import load_documents
from reconciler.base.yaml_writer import write_document
from reconciler.loader.format import format_text

_words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | _words,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(_words.filter(bool), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(_words.filter(bool), _values, min_size=1, max_size=4))
def test_every_value_is_read_back(value: dict[str, Any]) -> None:
    [document] = load_documents(write_document(value))
    assert document.value == value


@pytest.mark.parametrize("odd", ["\r", "\x85", "\u2028", "\u2029", "\ufeff"])
def test_what_yaml_takes_for_a_line_break_is_read_back(odd: str) -> None:
    value = {odd: [odd, f"a{odd}", f"{odd}b", f"a{odd}b", f"a\n{odd}b\n"], "x": {f" {odd}": 1}}
    [document] = load_documents(write_document(value))
    assert document.value == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2027-06-30", "2027-06-30"),
        ("on", "on"),
        ("0 3 * * *", "0 3 * * *"),
        ("web:{{.Run.ID}}", "web:{{.Run.ID}}"),
        ("true", "'true'"),
        ("10", "'10'"),
        ("1.10", "'1.10'"),
        ("", "''"),
        ("a #b", "'a #b'"),
        (10, "10"),
        (True, "true"),
        (None, "null"),
        ([], "[]"),
        ({}, "{}"),
        ("x" * 300 + " y", "x" * 300 + " y"),
    ],
)
def test_a_value_is_written_as_a_person_would(value: Any, text: str) -> None:
    assert write_document({"a": value}) == f"a: {text}\n"


def test_lists_and_lines_are_laid_out_as_fmt_does() -> None:
    value = {"a": [{"b": ["c", "d"]}, "e"], "f": "one\ntwo\n", "g": {"<<": "h", "5": "i"}}
    text = write_document(value)
    assert text == (
        "a:\n  - b:\n      - c\n      - d\n  - e\nf: |\n  one\n  two\ng:\n  '<<': h\n  '5': i\n"
    )
    assert format_text(text) == text
