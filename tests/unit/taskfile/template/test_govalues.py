"""Values as Go prints, compares and measures them."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.taskfile.template.govalues import SecretText, ValueFault, measure, spell

PRINTED = {
    1.0: "1",
    1.5: "1.5",
    -2.5: "-2.5",
    1e5: "100000",
    1e6: "1e+06",
    123456789.0: "1.23456789e+08",
    1e-4: "0.0001",
    2.5e-7: "2.5e-07",
    float("inf"): "+Inf",
}


@pytest.mark.parametrize("number", PRINTED)
def test_fractions_are_printed_as_go_does(number: float) -> None:
    assert spell(number) == PRINTED[number]


def test_a_deep_or_big_value_is_not_measured_to_its_end() -> None:
    deep: list[Any] = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(ValueFault, match="too deep"):
        measure(deep)
    with pytest.raises(ValueFault, match="more than"):
        measure([[0] * 1000] * 1000)
    assert measure({"a": [1, 2]}) == 4


def test_a_secret_shows_nothing_of_itself() -> None:
    assert "hush" not in repr(SecretText("hush")) + spell([SecretText("hush")])
