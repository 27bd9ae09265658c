"""The layout of YAML: comments, scalars and meaning stay, and twice is the same as once."""

from __future__ import annotations

import itertools

import pytest

from reconciler.base.yaml import load_documents
from reconciler.loader.format import FormatRefused, format_text

SCALARS = (
    "a: 2027-06-30\nb: 012\nc: 1_000\nd: 0x1F\ne: 1e3\nf: on\ng: 12:30\nh: ~\ni: null\nj: +5\n"
    "k: 1.50\nl: True\nm: .inf\nn: =\no: '{{.Run.ID}}'\n"
    "p: \"x\"\nq: ''\nr: 2001-12-14t21:59:43.10-05:00\n"
)

KEPT = [
    SCALARS,
    "# top\n\n# more\na: 1 # x\n\n\nb: 2\n",
    "a:\n  # c1\n  b: 1\n  # c2\n\n  # c3\nc: 1\n",
    "a: |\n  x # no comment\n\n  y\nb: >-\n  f\n  g\n",
    "a: |2\n   x\nb: |+\n  y\n\nc: 1\n",
    "a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  e: 1\n",
    "---\n# one\na: 1\n---\n# two\nb: 2\n",
    "'quoted key': 1\n\"k2\": 2\non: 3\n5: 4\n",
    "a: {b: 1, c: [x, y]}\n",
    "# only a comment\n",
    "é: ü # ö\n",
    f"a: {'long ' * 200}end\n",
    "a:\n  - b: 1\n    c: 2\n\n  - d: 1\n",
]

CHANGED = [
    ("a:   1\n", "a: 1\n"),
    ("a: 1   \n\n\n", "a: 1\n"),
    ("a:\n- b\n-   c\n", "a:\n  - b\n  - c\n"),
    (
        "a:\n# one\n- b # two\n# three\n- c\n# end\n",
        "a:\n  # one\n  - b # two\n  # three\n  - c\n# end\n",
    ),
    ("a:\n    b:\n        c: 1\n", "a:\n  b:\n    c: 1\n"),
    ("{a: 1,  b: [1,2]}\n", "{a: 1, b: [1, 2]}\n"),
    ("a: 1\r\nb: 2 # c\r\n", "a: 1\nb: 2 # c\n"),
    ("a: 1", "a: 1\n"),
]

REFUSED = [
    "a: [\n  1, # one\n  2\n]\n",
    "# head\n---\na: 1\n",
    "a: 1\n---\n# only\n---\nb: 1\n",
    "x: {a: 1,   # c\n b: 2}\n",
]


def values(text: str) -> list[object]:
    return [document.value for document in load_documents(text)]


@pytest.mark.parametrize("text", KEPT)
def test_a_neat_file_stays_as_it_is(text: str) -> None:
    assert format_text(text) == text


@pytest.mark.parametrize(("text", "neat"), CHANGED)
def test_a_file_becomes_neat(text: str, neat: str) -> None:
    assert format_text(text) == neat


@pytest.mark.parametrize("text", REFUSED)
def test_a_file_is_refused_rather_than_harmed(text: str) -> None:
    with pytest.raises(FormatRefused):
        format_text(text)


PIECES = [
    "# c\n",
    "a: 1 # x\n",
    "b:\n- 1\n# y\n- 2\n",
    "c: |\n  t # z\n",
    "d: {e: [1,2]}\n",
    "\n",
    "f: 'g # h'\n",
]


@pytest.mark.parametrize("order", list(itertools.permutations(range(len(PIECES)), 4))[::7])
def test_comments_at_every_place_and_the_meaning_stay(order: tuple[int, ...]) -> None:
    text = "".join(PIECES[index] for index in order)
    try:
        once = format_text(text)
    except FormatRefused:
        return
    assert values(once) == values(text)
    assert once.count("#") == text.count("#")
    assert format_text(once) == once


def test_hardly_any_of_them_is_refused() -> None:
    refused = 0
    for order in itertools.permutations(range(len(PIECES)), 3):
        try:
            format_text("".join(PIECES[index] for index in order))
        except FormatRefused:
            refused += 1
    assert refused == 0
