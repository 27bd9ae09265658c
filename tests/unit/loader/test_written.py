"""From a model's location to the place in the file, and the keys that are allowed there."""

from __future__ import annotations

import pytest

from reconciler.loader.written import known_keys, written_path
from reconciler.model.defaults import Defaults
from reconciler.model.task import Task

VALUE = {
    "spec": {"step": {"docker": {"images": ["web:1"]}}, "notify": {"on": "Failed"}, "x": {"5": 1}}
}


@pytest.mark.parametrize(
    ("loc", "path"),
    [
        ((), ()),
        (
            ("spec", "step", "docker", "docker", "images", 0),
            ("spec", "step", "docker", "images", 0),
        ),
        (("spec", "step", "docker", "docker"), ("spec", "step", "docker")),
        (("spec", "notify", 0, "on", 0), ("spec", "notify", "on")),
        (("spec", "x", "5", "[key]"), ("spec", "x", "5")),
        (("spec", "x", "5", "constrained-str"), ("spec", "x", "5")),
    ],
)
def test_only_what_is_written_stays(
    loc: tuple[str | int, ...], path: tuple[str | int, ...]
) -> None:
    assert written_path(loc, VALUE) == path


def test_a_missing_key_stays_as_the_last_part() -> None:
    loc = ("spec", "step", "docker", "docker", "file")
    assert written_path(loc, VALUE, missing=True) == ("spec", "step", "docker", "file")


@pytest.mark.parametrize("model", [Task, Defaults])
def test_the_keys_of_every_place_are_known(model: type) -> None:
    assert known_keys(model, ()) == {"apiVersion", "kind", "metadata", "spec"}
    assert {"docker", "file", "inline"} == known_keys(model, ("spec", "step"))
    assert "noCache" in known_keys(model, ("spec", "step", "docker", "docker"))
    assert "minInterval" in known_keys(model, ("spec", "triggers", "baseImage"))
    assert "branch" in known_keys(model, ("spec", "triggers", "commit", 0))
    assert "missed" in known_keys(model, ("spec", "triggers", "timers", "nightly"))
