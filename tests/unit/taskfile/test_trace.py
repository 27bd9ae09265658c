"""From places of a made text back to the source."""

from __future__ import annotations

import pytest

from reconciler.taskfile.trace import Piece, rebuilt, source_column, untouched


def test_pieces_know_their_lines() -> None:
    source = untouched("a\nb\nc\n")
    pieces = [Piece("a\n", 0, True), Piece("x\ny\n", 2, False), Piece("c\n", 4, True)]
    found = rebuilt(source, pieces)
    assert found.text == "a\nx\ny\nc\n"
    assert found.lines == (1, 2, 2, 3, 3)


def test_an_empty_text_has_one_line() -> None:
    assert rebuilt(untouched("a"), []).lines == (1,)


@pytest.mark.parametrize(
    ("written", "made", "column", "source"),
    [
        ("cmd: x", "cmd: x", 4, 4),
        ("cmd: $ID y", "cmd: r1 y", 9, 6),
        ("cmd: $ID y", "cmd: r1 y", 3, 3),
        ("a", "abc", 3, 2),
        ("", "abc", 3, 1),
    ],
)
def test_columns_are_exact_up_to_the_first_difference(
    written: str, made: str, column: int, source: int
) -> None:
    assert source_column(written, made, column) == source
