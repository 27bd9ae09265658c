"""One byte form for one meaning."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from reconciler.base.canonical import canonical_json, digest, digest_text, fingerprint

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(VALUES)
def test_it_is_json_of_the_same_value(value: object) -> None:
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_the_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    turned = dict(reversed(list(value.items())))
    assert (canonical_json(turned), digest(turned)) == (canonical_json(value), digest(value))


def test_the_form_is_fixed() -> None:
    assert canonical_json({"b": [1, None], "a": "é"}) == '{"a":"é","b":[1,null]}'
    assert digest_text("").startswith("sha256:e3b0c442")


def test_a_fingerprint_depends_on_the_key() -> None:
    assert fingerprint("a", b"1") == fingerprint("a", b"1")
    assert len({fingerprint("a", b"1"), fingerprint("a", b"2"), fingerprint("b", b"1")}) == 3


def test_half_a_character_has_a_digest_too() -> None:
    assert digest_text("\ud800") != digest_text("\ud801")
