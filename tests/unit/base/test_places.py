"""What a value that was read says about a field, without the marks of its text."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.base.places import is_written
from reconciler.base.source import Path


@pytest.mark.parametrize(
    ("value", "path", "written"),
    [
        ({"spec": {"timeout": 1}}, ("spec", "timeout"), True),
        ({"spec": {"timeout": 1}}, ("spec", "cache"), False),
        ({"spec": {}}, ("spec", "cache"), False),
        ({"on": {"branch": "a"}}, ("on", 0, "branch"), True),
        ({"on": {"branch": "a"}}, ("on", 0, "paths"), False),
        ({"on": [{"branch": "a"}]}, ("on", 0, "paths"), True),
        ({"timers": {"nightly": "0 3 * * *"}}, ("timers", "nightly", "schedule"), True),
        ({"timers": {"nightly": None}}, ("timers", "nightly"), True),
    ],
)
def test_what_a_value_says_itself_is_told_without_marks(
    value: Any, path: Path, written: bool
) -> None:
    assert is_written(value, path) is written
