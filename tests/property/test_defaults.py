"""Laws of merging Defaults: maps merge, lists and scalars replace, the nearest wins."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.loader.defaults import Chain, FolderDefaults, chain_of, merge_defaults

KEYS = st.sampled_from(["a", "b", "c"])
LEAVES = st.integers(0, 9) | st.lists(st.integers(0, 9), max_size=3)
MAPS = st.recursive(
    st.dictionaries(KEYS, LEAVES, max_size=3),
    lambda inner: st.dictionaries(KEYS, LEAVES | inner, max_size=3),
    max_leaves=12,
)


def chain(*layers: dict[str, Any]) -> Chain:
    return chain_of(Chain(), [FolderDefaults("f", 0, layer) for layer in layers])


def leaves(value: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Every value that is no map, by its path."""
    if not isinstance(value, dict):
        return {path: value}
    return {k: v for key, inner in value.items() for k, v in leaves(inner, (*path, key)).items()}


@given(MAPS)
def test_without_defaults_a_document_is_itself(document: dict[str, Any]) -> None:
    assert merge_defaults(document, Chain()) == document
    assert merge_defaults(document, chain({})) == document


@given(MAPS, MAPS)
def test_every_value_of_the_document_stays(document: dict[str, Any], below: dict[str, Any]) -> None:
    merged = leaves(merge_defaults(document, chain(below)))
    assert leaves(document).items() <= merged.items()


@given(MAPS, MAPS)
def test_every_value_is_the_documents_or_the_defaults(
    document: dict[str, Any], below: dict[str, Any]
) -> None:
    own, inherited = leaves(document), leaves(below)
    for path, value in leaves(merge_defaults(document, chain(below))).items():
        assert own.get(path, inherited.get(path)) == value


@given(MAPS, MAPS, MAPS)
def test_layers_can_be_merged_one_by_one(
    document: dict[str, Any], near: dict[str, Any], far: dict[str, Any]
) -> None:
    stepwise = merge_defaults(merge_defaults(document, chain(near)), chain(far))
    at_once = merge_defaults(document, chain(far, near))
    if not _clash(document, near, far):
        assert at_once == stepwise


def _clash(*values: dict[str, Any]) -> bool:
    """True if a map of one stands where another has a leaf: there the order decides."""
    paths = [set(leaves(value)) for value in values]
    return any(
        one != other and (one == other[: len(one)])
        for own in paths
        for others in paths
        for one in own
        for other in others
    )


@given(MAPS, MAPS, MAPS)
def test_the_nearest_layer_wins(
    document: dict[str, Any], near: dict[str, Any], far: dict[str, Any]
) -> None:
    merged = leaves(merge_defaults({}, chain(far, near)))
    assert leaves(near).items() <= merged.items()


@given(MAPS, MAPS)
def test_nothing_that_was_passed_in_is_changed(
    document: dict[str, Any], below: dict[str, Any]
) -> None:
    before = copy.deepcopy((document, below))
    merge_defaults(document, chain(below))
    assert (document, below) == before
