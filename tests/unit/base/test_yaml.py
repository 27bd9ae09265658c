"""The dialect in detail: anchors, merges, keys, limits, and where a fault is told to be."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.base.encoding import YamlError
from reconciler.base.places import Mark, find_mark
from reconciler.base.yaml import MAX_DEPTH, MAX_NODES, load_documents, load_marks


def load(text: str) -> Any:
    (document,) = load_documents(text)
    return document.value


def place(text: str, *path: str | int) -> tuple[int, int]:
    found, whole = find_mark(load_marks(text)[0], path)
    assert whole
    return found.line, found.column


def refusal(text: str) -> YamlError:
    with pytest.raises(YamlError) as caught:
        load_documents(text)
    return caught.value


def test_empty_documents_are_left_out_and_lines_count_on() -> None:
    found = load_documents("---\n# none\n---\na: 1\n---\n~\n---\nb: 2\n")
    assert [(document.value, document.line) for document in found] == [({"a": 1}, 4), ({"b": 2}, 8)]


def test_what_stands_in_the_map_wins_over_what_is_merged() -> None:
    assert load("x: &x {a: 1, b: 1}\ny:\n  b: 2\n  <<: *x\n")["y"] == {"b": 2, "a": 1}


def test_the_first_of_several_merged_maps_wins() -> None:
    assert load("a: {<<: [{k: 1}, {k: 2, l: 3}]}")["a"] == {"k": 1, "l": 3}


@pytest.mark.parametrize("text", ["a: {<<: 1}", "a: {<<: [1]}", "<<: text"])
def test_only_maps_are_merged(text: str) -> None:
    assert "<< merges a map" in refusal(text).message


def test_a_quoted_merge_key_is_a_key() -> None:
    assert load('a: {"<<": {b: 1}}') == {"a": {"<<": {"b": 1}}}


def test_an_anchor_belongs_to_its_document() -> None:
    assert "has no anchor" in refusal("a: &x 1\n---\nb: *x\n").message


def test_an_anchor_of_a_scalar_can_be_used() -> None:
    assert load("a: &x 5\nb: *x") == {"a": 5, "b": 5}


def test_keys_are_text_as_they_are_written() -> None:
    assert load("on: 1\n5: 2\nnull: 3\n1.50: 4\n") == {"on": 1, "5": 2, "null": 3, "1.50": 4}


@pytest.mark.parametrize(
    "text", ["? [a]\n: 1", "? {a: 1}\n: 1", "a: &x b\n? *x\n: 1", ": 1", '"": 1']
)
def test_other_keys_are_refused(text: str) -> None:
    assert "key" in refusal(text).message


@pytest.mark.parametrize(
    "text", ["!!int 5: a", "a: !!binary aGk=", "a: !x {}", "a: !!set {b}", "a: !<x> 1"]
)
def test_tags_are_refused(text: str) -> None:
    error = refusal(text)
    assert "the tag" in error.message
    assert error.fix == "remove the tag"


def test_the_tag_of_text_means_text() -> None:
    assert load("a: !!str 5\nb: ! 5") == {"a": "5", "b": "5"}


def test_as_many_values_as_allowed_are_read_and_no_more() -> None:
    assert len(load(f"[{'1,' * (MAX_NODES - 1)}]")) == MAX_NODES - 1
    assert "at most 50,000 values" in refusal(f"[{'1,' * MAX_NODES}]").message


def test_as_deep_as_allowed_is_read_and_no_deeper() -> None:
    assert load("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))
    assert "nested deeper" in refusal("[" * (MAX_DEPTH + 2)).message


def test_aliases_count_as_deep_as_what_they_stand_for() -> None:
    half = "[" * 40 + "]" * 40
    assert load(f"a: &a {half}\nb: [[*a]]")
    assert "nested deeper" in refusal(f"a: &a {half}\nb: {'[' * 40}*a{']' * 40}").message


def test_a_deep_value_beside_an_anchor_does_not_make_it_deep() -> None:
    assert load(f"x: {'[' * 50}{']' * 50}\na: &a [1]\nb: {'[' * 50}*a{']' * 50}")


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: [", 1, 1),
        ("a: [\n", 1, 1),
        ("a: 'x", 1, 6),
        ("a: 1\n\tb: 2", 2, 1),
        ("a: b\nc: @x\n", 2, 4),
    ],
)
def test_a_fault_is_told_inside_of_the_text(text: str, line: int, column: int) -> None:
    error = refusal(text)
    assert (error.line, error.column) == (line, column)


def test_a_character_that_cannot_start_a_value_is_named() -> None:
    assert refusal("a: @x").message == "'@' cannot start a value"
    assert refusal("a: `x`").fix == 'put the value in quotes, e.g. "@x"'


def test_a_long_key_is_cut_in_a_message() -> None:
    key = "k" * 900
    assert len(refusal(f"{key}: 1\n{key}: 2\n").message) < 120


TEXT = "a:\n  b: 1\n  c: [x, {d: 2}]\ne: &e\n  f: 1\ng: *e\nh:\n  <<: *e\n  i: 1\n"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("a",), (1, 1)),
        (("a", "b"), (2, 3)),
        (("a", "c", 0), (3, 7)),
        (("a", "c", 1, "d"), (3, 11)),
        (("g",), (6, 1)),
        (("g", "f"), (5, 3)),
        (("h", "f"), (5, 3)),
        (("h", "i"), (9, 3)),
    ],
)
def test_every_written_value_has_its_place(
    path: tuple[str | int, ...], expected: tuple[int, int]
) -> None:
    assert place(TEXT, *path) == expected


def test_what_is_not_written_has_the_place_of_what_holds_it() -> None:
    found, whole = find_mark(load_marks(TEXT)[0], ("a", "c", 7, "x"))
    assert (found.line, found.column, whole) == (3, 3, False)
    assert find_mark(Mark(4, 2), ("a",)) == (Mark(4, 2), False)


def test_columns_count_characters() -> None:
    assert place('{"é漢": 1, b: 2}', "b") == (1, 11)


def test_one_item_written_for_a_list_of_one_is_found() -> None:
    mark = load_marks("triggers:\n  commit:\n    branch: main\n  name: a\n")[0]
    place, exact = find_mark(mark, ("triggers", "commit", 0, "branch"))
    assert ((place.line, place.column), exact) == ((3, 5), True)
    place, exact = find_mark(mark, ("triggers", "name", 0))
    assert (place.line, exact) == (4, True)
    assert find_mark(mark, ("triggers", "commit", 1, "branch"))[1] is False
