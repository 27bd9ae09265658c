"""Image names get their registry, their variables and a check before anything is built."""

from __future__ import annotations

import pytest

from reconciler.runner.failure import Failure
from reconciler.runner.names import changed_in_tags, image_names
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


@pytest.mark.parametrize(
    ("branch", "tag"),
    [
        ("main", "main"),
        ("feature/x", "feature-x"),
        ("dependabot/npm/a@1.2", "dependabot-npm-a-1.2"),
        ("-x", "x"),
        ("./y", "y"),
        ("ümlaut", "mlaut"),
        ("a_b.c-d", "a_b.c-d"),
        ("12/x", "12-x"),
    ],
)
def test_a_branch_is_legal_in_a_tag(branch: str, tag: str) -> None:
    values = RunVariables(id="r1", branch=branch)
    assert image_names(["web:{{.Run.Branch}}"], values, HERE) == (f"{HERE}/web:{tag}",)
    assert image_names(["web:b-{{ .Run.Branch }}"], values, HERE)[0].startswith(f"{HERE}/web:b-")
    told = changed_in_tags(["web:{{.Run.Branch}}"], values)
    assert (told is None) is (branch == tag)


@pytest.mark.parametrize(
    ("branch", "image", "said"),
    [
        ("x" * 140, "web:{{.Run.Branch}}", "its tag has 140 characters, and 128 are legal"),
        ("x" * 128, "web:b-{{.Run.Branch}}", "its tag has 130 characters, and 128 are legal"),
        ("ветка", "web:{{.Run.Branch}}", "the branch ветка has no character that a tag may have"),
        ("/", "web:{{.Run.Branch}}", "the branch / has no character that a tag may have"),
    ],
)
def test_a_branch_that_makes_no_tag_is_named_with_a_way_out(
    branch: str, image: str, said: str
) -> None:
    with pytest.raises(Failure) as caught:
        image_names([image], RunVariables(id="r1", branch=branch), HERE)
    assert said in caught.value.message
    assert "write {{.Run.ID}} or {{.Run.Commit}} in the tag" in caught.value.message


def test_a_branch_that_leaves_nothing_in_a_tag_is_told() -> None:
    values = RunVariables(id="r1", branch="ветка")
    assert image_names(["web:b-{{.Run.Branch}}"], values, HERE) == (f"{HERE}/web:b-",)
    told = changed_in_tags(["web:b-{{.Run.Branch}}"], values)
    assert told == "the branch ветка is nothing in a tag, where it must be legal"


def test_a_repository_may_be_longer_than_a_tag() -> None:
    with pytest.raises(Failure) as caught:
        image_names(["w" * 140 + ":{{.Run.ID}}/x"], RunVariables(id="r1"), HERE)
    assert "its tag" not in caught.value.message


def test_outside_of_a_tag_a_branch_stays_what_it_is() -> None:
    values = RunVariables(id="r1", branch="feature/x")
    assert image_names(["{{.Run.Branch}}/web:1"], values, HERE) == (f"{HERE}/feature/x/web:1",)
    assert changed_in_tags(["{{.Run.Branch}}/web:1"], values) is None


def test_a_branch_that_makes_no_tag_is_refused_before_the_build() -> None:
    for branch in ("/", "x" * 200):
        with pytest.raises(Failure):
            image_names(["web:{{.Run.Branch}}"], RunVariables(id="r1", branch=branch), HERE)
