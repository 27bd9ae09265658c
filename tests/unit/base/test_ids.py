"""Identifiers: safe letters, as long as asked, the same for the same randomness."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from reconciler.base.ids import new_id


@given(st.integers(1, 32), st.data())
def test_an_id_is_safe_everywhere_and_repeatable(length: int, data: st.DataObject) -> None:
    noise = data.draw(st.binary(min_size=length, max_size=length))
    found = new_id("run-", length, lambda _: noise)
    assert re.fullmatch(f"run-[2-9b-df-hjkmnp-tv-xz]{{{length}}}", found)
    assert found == new_id("run-", length, lambda _: noise)


def test_two_ids_differ() -> None:
    assert len({new_id("", 10) for _ in range(100)}) == 100
