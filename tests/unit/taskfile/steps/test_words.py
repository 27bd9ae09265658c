"""Words as a POSIX shell splits them, compared with the shell itself, and what it would act on."""

from __future__ import annotations

import pytest

from reconciler.taskfile.faults import Fault
from reconciler.taskfile.steps.words import split_words, unquote

SPLIT = {
    "": [],
    " a\t b ": ["a", "b"],
    "a 'b c' d": ["a", "b c", "d"],
    "a'b'\"c\"d": ["abcd"],
    "'' \"\"": ["", ""],
    r"a\ b \'": ["a b", "'"],
    r'"a\$b\"c\\d\x"': [r'a$b"c\d\x'],
    r"'a\b'": [r"a\b"],
    "a\\\nb": ["ab"],
    '"a\\\nb\nc"': ["ab\nc"],
    "$HOME *.py ~ $(date)": ["$HOME", "*.py", "~", "$(date)"],
    "a\n": ["a"],
}


@pytest.mark.parametrize("text", SPLIT)
def test_words_are_split_once(text: str) -> None:
    assert list(split_words(text).words) == SPLIT[text]


@pytest.mark.parametrize(
    "text", ["a && b", "a;b", "a | b", "a > b", "a < b", "a &", "(a)", "`a`", "a\nb"]
)
def test_what_a_shell_would_act_on_is_told_and_kept(text: str) -> None:
    assert split_words(text).operators
    assert "".join(split_words(text).words) == "".join(text.split())


@pytest.mark.parametrize("text", ["'a && b'", '"a;b\nc"', r"a\;b \> c", "a\\\nb"])
def test_quoted_operators_are_text(text: str) -> None:
    assert split_words(text).operators == ()


@pytest.mark.parametrize("text", ["'a", '"a', "a'b\"", '"a\\"'])
def test_an_open_quote_is_refused(text: str) -> None:
    with pytest.raises(Fault, match="not closed"):
        split_words(text)


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("a b", "a b"),
        ("'a b'", "a b"),
        ("\"a\"'b'", "ab"),
        (r"a\ b", "a b"),
        ("a;b|c", "a;b|c"),
        ("", ""),
    ],
)
def test_a_value_is_unquoted_once_and_keeps_its_blanks(text: str, bare: str) -> None:
    assert unquote(text) == bare
