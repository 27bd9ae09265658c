"""Image names get their registry, their variables and a check before anything is built."""

from __future__ import annotations

import pytest

from reconciler.runner.failure import Failure
from reconciler.runner.names import image_names
from reconciler.runner.variables import RunVariables

VALUES = RunVariables(id="r1", registry="127.0.0.1:5000")
HERE = "127.0.0.1:5000"


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("web", f"{HERE}/web:latest"),
        ("team/web:{{.Run.ID}}", f"{HERE}/team/web:r1"),
        (f"{HERE}/web:1", f"{HERE}/web:1"),
        ("{{.Run.Registry}}/web:1", f"{HERE}/web:1"),
        ("other.example/web:1", "other.example/web:1"),
    ],
)
def test_a_name_is_completed(image: str, name: str) -> None:
    assert image_names([image], VALUES, HERE, ["other.example"]) == (name,)


def test_the_same_name_is_made_once() -> None:
    assert image_names(["a", "a:latest", "b"], VALUES, HERE) == (
        f"{HERE}/a:latest",
        f"{HERE}/b:latest",
    )


def test_without_a_registry_names_stay_as_they_are() -> None:
    assert image_names(["web"], VALUES, None) == ("web:latest",)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("web:{{.Run.Commit}}", "Run.Commit has no value"),
        ("Web:1", "lower case"),
        ("thief.example:5000/web:1", "names the registry thief.example:5000"),
        ("localhost/web:1", "names the registry localhost"),
        ("evil.example/web:1", "names the registry evil.example"),
        ("web@sha256:" + "a" * 64, "no digest"),
    ],
)
def test_an_illegal_name_is_an_error_that_says_why(image: str, said: str) -> None:
    with pytest.raises(Failure) as caught:
        image_names([image], VALUES, HERE)
    assert said in caught.value.message
