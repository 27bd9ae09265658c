"""The fields in which two documents differ."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.base.canonical import canonical_json
from reconciler.plan.diff import differences, is_sensitive, leaves

_keys = st.sampled_from(
    ["a", "images", "b", "__private", "with.dot", "it's", 'say "x"', "root['a']"]
)
_values = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "x", "long\nline"])
_documents = st.recursive(
    _values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3),
    max_leaves=12,
).map(lambda value: {"root": value})


@given(_documents, _documents)
def test_documents_differ_if_and_only_if_a_difference_is_found(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert bool(differences(before, after)) == (canonical_json(before) != canonical_json(after))


@pytest.mark.parametrize(
    ("before", "after", "path", "values"),
    [
        ({"a": 1}, {"a": 2}, ("a",), (1, 2)),
        ({"a": [1, 2]}, {"a": [1, 3]}, ("a", 1), (2, 3)),
        ({"a": [1]}, {"a": [1, 2]}, ("a", 1), (None, 2)),
        ({"a": {"__x": 1}}, {"a": {"__x": 2}}, ("a", "__x"), (1, 2)),
        ({"a": {"b.c": 1}}, {"a": {}}, ("a", "b.c"), (1, None)),
        ({"a": None}, {"a": {"b": 1}}, ("a", "b"), (None, 1)),
        ({"a": "x"}, {"a": {"b": 1}}, ("a",), ("x", {"b": 1})),
        ({"a": None}, {"a": [None]}, ("a", 0), (None, None)),
    ],
)
def test_each_leaf_is_told_with_both_values(
    before: dict[str, Any], after: dict[str, Any], path: tuple[Any, ...], values: tuple[Any, Any]
) -> None:
    assert differences(before, after) == [(path, *values)]


def images(*names: str) -> dict[str, Any]:
    return {"docker": {"images": list(names)}}


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (["web"], ["etl", "web"], [(0, None, "etl")]),
        (["etl", "web"], ["web"], [(0, "etl", None)]),
        (["a", "b"], ["b", "c"], [(0, "a", None), (1, None, "c")]),
        (["a"], ["b"], [(0, "a", "b")]),
        ([], ["a"], [(0, None, "a")]),
        (["a", "a"], ["a"], [(1, "a", None)]),
    ],
)
def test_of_a_list_without_order_each_item_is_told_by_itself(
    before: list[str], after: list[str], found: list[tuple[int, str | None, str | None]]
) -> None:
    expected = [(("docker", "images", index), old, new) for index, old, new in found]
    assert differences(images(*before), images(*after)) == expected


def test_leaves_of_a_new_document_come_in_the_order_of_paths() -> None:
    assert [path for path, _, _ in leaves({"b": {"c": 1}, "a": [2]})] == [("a", 0), ("b", "c")]


def test_only_fields_of_references_are_sensitive() -> None:
    assert is_sensitive(("spec", "step", "docker", "secrets", "NPM"))
    assert is_sensitive(("spec", "context", "token", "secret"))
    assert not is_sensitive(("spec", "context", "token", "scopes", 0))
