"""Text for a terminal: harmless, cut, wrapped, in columns."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.base.text import (
    cut,
    did_you_mean,
    harmless,
    harmless_json,
    one_line,
    plural,
    table,
    wrap,
)


@given(st.text(st.characters(), max_size=50))
def test_harmless_text_can_be_printed_and_moves_no_cursor(text: str) -> None:
    safe = harmless(text)
    safe.encode()
    assert not set(safe) & {"\x1b", "\x00", "\r", "\x08", "\x7f", "\x9b", "\u202e", "\u2066"}
    assert harmless(safe) == safe


def test_each_character_of_a_run_is_spelled() -> None:
    assert harmless("a\0\0\x1bb\u202e") == "a\\x00\\x00\\x1bb\\x202e"


@given(st.text(st.characters(), max_size=50))
@example("\x7f\u202e\u2066")
def test_harmless_json_keeps_its_meaning(text: str) -> None:
    safe = harmless_json(json.dumps(text, ensure_ascii=False))
    assert json.loads(safe) == text
    assert harmless(safe) == safe


def test_plain_text_stays_as_it_is() -> None:
    assert harmless("é 漢字 👍\n\tx") == "é 漢字 👍\n\tx"


@given(st.text(max_size=40), st.integers(0, 30))
def test_a_cut_is_never_wider_than_asked(text: str, width: int) -> None:
    assert len(cut(text, width)) <= width
    assert len(one_line(text, width)) <= width
    assert "\n" not in one_line(text, width)


def test_a_cut_is_shown() -> None:
    assert cut("abcdefgh", 6) == "abc..."
    assert one_line("a\nb\tc") == "a\\nb\\tc"


@given(st.text("ab c-", max_size=100), st.integers(10, 40))
def test_wrapped_lines_fit(text: str, width: int) -> None:
    assert all(len(line) <= width for line in wrap(text, width, "  "))


@pytest.mark.parametrize(
    ("word", "near"),
    [("contxt", "context"), ("CONTEXT", "context"), ("xyz", None), ("", None), ("steps", "step")],
)
def test_the_nearest_word_is_offered_if_one_is_near(word: str, near: str | None) -> None:
    assert did_you_mean(word, ["context", "step", "timeout"]) == near


def test_numbers_and_nouns_agree() -> None:
    assert plural(1, "task") == "1 task"
    assert plural(1240, "policy", "policies") == "1,240 policies"


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert table(["a", "b"], [["ccc", "d"], ["e", ""]]) == ["a    b", "ccc  d", "e"]
