"""The laws of the three-way merge."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.plan.merge import keep_drift

_documents = st.recursive(
    st.integers(0, 3) | st.sampled_from(["x", "y"]) | st.lists(st.integers(0, 2), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
Document = dict[str, Any]
_roots = st.dictionaries(st.sampled_from("abcd"), _documents, max_size=4)


@given(_roots, _roots)
def test_without_a_change_of_the_spec_live_stays(applied: Document, live: Document) -> None:
    assert keep_drift(applied, applied, live) == live


@given(_roots, _roots)
def test_without_drift_the_spec_is_what_comes_out(applied: Document, declared: Document) -> None:
    assert keep_drift(applied, declared, applied) == declared


@given(_roots, _roots)
def test_where_live_is_what_the_spec_asks_for_nothing_moves(
    applied: Document, declared: Document
) -> None:
    assert keep_drift(applied, declared, declared) == declared


@given(_roots, _roots, _roots)
def test_each_field_of_the_root_follows_the_spec_if_it_changed_and_live_if_not(
    applied: Document, declared: Document, live: Document
) -> None:
    merged = keep_drift(applied, declared, live)
    for key in "abcd":
        sides = [document.get(key, "(none)") for document in (applied, declared, live)]
        if sides[0] == sides[1]:
            assert merged.get(key, "(none)") == sides[2]
        elif not all(isinstance(side, dict) for side in sides[1:]):
            assert merged.get(key, "(none)") == sides[1]


@given(_roots, _roots, _roots)
def test_merging_twice_is_merging_once(
    applied: Document, declared: Document, live: Document
) -> None:
    once = keep_drift(applied, declared, live)
    assert keep_drift(applied, declared, once) == once
