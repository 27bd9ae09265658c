from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.event import PullRequest, Push
from reconciler.wire.fields import PayloadError
from reconciler.wire.generic import read_message
from tests.unit.wire.payloads import AFTER, BEFORE, NONE, body

PUSH = {
    "id": "build-42",
    "repository": "https://git.contoso.example/team/app.git",
    "ref": "refs/heads/main",
    "after": AFTER,
}
OFFERED = {"number": 7, "target": "main", "head": AFTER}
PULL_REQUEST = {"id": "p", "repository": PUSH["repository"], "pullRequest": OFFERED}


def refused(message: object) -> str:
    with pytest.raises(PayloadError) as caught:
        read_message(body(message))
    return str(caught.value)


def test_a_push() -> None:
    assert read_message(body(PUSH)) == (
        "build-42",
        Push(repository="git.contoso.example/team/app", ref="refs/heads/main", after=AFTER),
    )
    more = {"before": BEFORE, "files": ["a"], "defaultBranch": "main", "sender": "oncall"}
    _, found = read_message(body(PUSH | more))
    assert isinstance(found, Push)
    assert (found.before, found.files, found.default_branch) == (BEFORE, ("a",), "main")
    assert found.sender == "oncall"


@pytest.mark.parametrize("gone", [None, NONE])
def test_a_ref_that_is_gone(gone: str | None) -> None:
    _, found = read_message(body(PUSH | {"after": gone}))
    assert isinstance(found, Push)
    assert found.after is None


def test_a_pull_request_is_of_a_fork_unless_it_says_that_it_is_not() -> None:
    _, found = read_message(body(PULL_REQUEST))
    assert found == PullRequest(
        repository="git.contoso.example/team/app",
        number=7,
        action="synchronize",
        target="main",
        head=AFTER,
        fork=True,
    )
    own = PULL_REQUEST | {"pullRequest": OFFERED | {"fork": False, "source": "feature/x"}}
    _, found = read_message(body(own))
    assert isinstance(found, PullRequest)
    assert (found.fork, found.source) == (False, "feature/x")


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ([], "the body is no object"),
        ({}, "`after` is missing"),
        ({**PUSH, "id": ""}, "`id` is no text"),
        ({**PUSH, "id": "x" * 129}, "`id` is no text"),
        ({**PUSH, "id": "a\nb"}, "`id` is no text"),
        ({**PUSH, "id": 7}, "`id` is no text"),
        ({**PUSH, "repository": "app"}, "`repository` is no address"),
        ({**PUSH, "ref": "main"}, "`ref` is no ref"),
        ({**PUSH, "ref": "refs/heads/--upload-pack=x"}, "`ref` is no ref"),
        ({**PUSH, "after": "main"}, "`after` is no commit"),
        ({**PUSH, "before": "x"}, "`before` is no commit"),
        ({**PUSH, "files": "a"}, "`files` is no list"),
        ({**PUSH, "files": [1]}, "`files` is no list"),
        ({**PUSH, "defaultBranch": "a b"}, "`defaultBranch` is no branch"),
        ({**PUSH, "sender": "x" * 101}, "`sender` is no text"),
        ({**PUSH, "frok": True}, "the body has a key that is none of"),
        ({**PULL_REQUEST, "ref": "refs/heads/main"}, "the body has a key that is none of"),
        ({**PULL_REQUEST, "pullRequest": 7}, "`pullRequest` is no object"),
        ({**PULL_REQUEST, "pullRequest": {**OFFERED, "head": None}}, "head` is no commit"),
        ({**PULL_REQUEST, "pullRequest": {**OFFERED, "head": NONE}}, "head` is no commit"),
        ({**PULL_REQUEST, "pullRequest": {**OFFERED, "target": 1}}, "`target` is no branch"),
        ({**PULL_REQUEST, "pullRequest": {**OFFERED, "number": True}}, "is no number"),
        ({**PULL_REQUEST, "pullRequest": {**OFFERED, "fork": "no"}}, "neither true nor false"),
        ({**PULL_REQUEST, "pullRequest": {**OFFERED, "frok": False}}, "`pullRequest` has a key"),
        ({**PULL_REQUEST, "pullRequest": {"number": 7}}, "`pullRequest.head` is missing"),
    ],
)
def test_what_is_wrong_is_named(message: object, said: str) -> None:
    assert said in refused(message)


@given(
    st.dictionaries(st.sampled_from(sorted(PUSH | PULL_REQUEST)), st.none() | st.text())
    | st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5)
)
def test_nothing_else_is_ever_raised(message: Any) -> None:
    with contextlib.suppress(PayloadError):
        read_message(body(message))
