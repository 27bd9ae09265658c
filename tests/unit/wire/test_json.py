from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.wire.json import MAX_DEPTH, JsonError, read_json

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=20,
)


@given(PLAIN, st.booleans())
def test_what_a_writer_writes_is_read(value: object, ascii_only: bool) -> None:
    assert read_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=60))
def test_any_bytes_give_a_value_or_our_error(body: bytes) -> None:
    with contextlib.suppress(JsonError):
        read_json(body)


def test_levels_are_counted_outside_of_texts() -> None:
    assert read_json(b'["[[[[' + b"[" * 200 + b'\\"]"]')
    assert read_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    with pytest.raises(JsonError, match="more than 64 levels"):
        read_json(b"[" * 100_000 + b"]" * 100_000)


@example('"[[[[[[[[', "")
@given(st.text('[]{}"\\a\n', max_size=200), st.sampled_from(["", '"', '"\\']))
def test_levels_are_those_that_reading_letter_by_letter_finds(text: str, end: str) -> None:
    deepest = depth = 0
    inside = escaped = False
    for letter in (whole := "[{" * (MAX_DEPTH // 2 - 2) + text + end):
        if escaped:
            escaped = False
        elif inside and letter == "\\":
            escaped = True
        elif letter == '"':
            inside = not inside
        elif not inside:
            depth += (letter in "[{") - (letter in "]}")
            deepest = max(deepest, depth)
    told = ""
    try:
        read_json(whole.encode())
    except JsonError as error:
        told = str(error)
    assert ("more than 64 levels" in told) == (deepest > MAX_DEPTH)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"a": 1, "a": 2}', "a key stands twice"),
        (b"[NaN]", "NaN"),
        (b"[-Infinity]", "Infinity"),
        (b"1" * 5_000, "digits"),
        (b"0." + b"1" * 5_000, "digits"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\udc00": 1}', "surrogate"),
        (b"\xff", "UTF-8"),
        (b"", "line 1, column 1"),
        (b"[1] [2]", "Extra data"),
    ],
)
def test_what_is_refused(body: bytes, told: str) -> None:
    with pytest.raises(JsonError, match=told):
        read_json(body)


def test_a_whole_pair_is_no_half() -> None:
    assert read_json(b'"\\ud83d\\ude00"') == "\U0001f600"
