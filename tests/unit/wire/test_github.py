from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.event import PullRequest, Push
from reconciler.wire.fields import PayloadError
from reconciler.wire.github import Ping, read_payload
from tests.unit.wire.payloads import (
    AFTER,
    BEFORE,
    NONE,
    REPOSITORY,
    body,
    commit,
    pull_request,
    push,
)

JSON = "application/json"


def pushed(**other: Any) -> Push:
    found = read_payload("push", JSON, body(push(**other)))
    assert isinstance(found, Push)
    return found


def requested(**other: Any) -> PullRequest:
    found = read_payload("pull_request", JSON, body(pull_request(**other)))
    assert isinstance(found, PullRequest)
    return found


def test_a_push() -> None:
    assert pushed() == Push(
        repository="github.com/contoso/web",
        ref="refs/heads/main",
        before=BEFORE,
        after=AFTER,
        default_branch="main",
        files=("api/app.py",),
        sender="oncall",
    )


def test_a_new_and_a_deleted_branch() -> None:
    new, gone = pushed(before=NONE), pushed(after=NONE, head_commit=None, commits=[])
    assert (new.before, new.after, new.files) == (None, AFTER, None)
    assert (gone.before, gone.after, gone.files) == (BEFORE, None, None)


def test_files_of_all_commits_count_once() -> None:
    commits = [commit(added=["a", "b"]), commit(modified=["b"], removed=["c"])]
    assert pushed(commits=commits).files == ("a", "b", "c")


@pytest.mark.parametrize(
    "other",
    [
        {"forced": True},
        {"forced": None},
        {"commits": []},
        {"commits": None},
        {"commits": [commit()] * 2048},
        {"commits": [{"id": AFTER}]},
        {"commits": ["x"]},
        {"commits": [commit(added=[1])]},  # type: ignore[list-item]
    ],
)
def test_files_that_are_not_all_told_are_not_known(other: dict[str, Any]) -> None:
    assert pushed(**other).files is None


@pytest.mark.parametrize(
    "ref",
    [
        "main",
        "refs/heads/../x",
        "refs/heads/a..b",
        "refs/heads/a\nb",
        "refs/heads/a b",
        "refs/heads/--upload-pack=x",
        "refs/heads/x/-y",
        "refs/heads/",
        "refs/heads/a.lock",
        "refs/heads/a@{1}",
        "refs/heads/a~1",
        "refs/heads/" + "a" * 300,
        7,
        None,
    ],
)
def test_a_ref_that_git_would_not_take_is_refused(ref: object) -> None:
    with pytest.raises(PayloadError, match="ref"):
        pushed(ref=ref)


@pytest.mark.parametrize(
    "sha", ["", "x" * 40, AFTER[:-1], AFTER.upper() + "A", 1, None, "--" + "1" * 38]
)
def test_a_commit_that_is_none_is_refused(sha: object) -> None:
    with pytest.raises(PayloadError, match="after"):
        pushed(after=sha)
    with pytest.raises(PayloadError, match=r"head\.sha"):
        requested(head={"sha": sha})


def test_a_commit_of_sha_256_is_taken() -> None:
    assert pushed(after="a" * 64).after == "a" * 64


def test_a_pull_request() -> None:
    assert requested() == PullRequest(
        repository="github.com/contoso/web",
        number=7,
        action="opened",
        target="main",
        head=AFTER,
        source="feature/x",
        fork=False,
        default_branch="main",
        sender="oncall",
    )


@pytest.mark.parametrize(
    "repo",
    [
        None,
        {},
        {"clone_url": None},
        REPOSITORY | {"clone_url": "https://github.com/else/web.git"},
        3,
    ],
)
def test_what_is_not_surely_the_repository_is_a_fork(repo: object) -> None:
    assert requested(head={"repo": repo}).fork


def test_a_changed_target_is_told_from_a_changed_title() -> None:
    assert requested(action="edited", changes={"base": {"ref": {"from": "old"}}}).retargeted
    assert not requested(action="edited", changes={"title": {"from": "old"}}).retargeted


@pytest.mark.parametrize("number", [0, -1, True, "7", 2**31, None, 1.5])
def test_the_number_is_a_number(number: object) -> None:
    with pytest.raises(PayloadError, match="number"):
        requested(number=number)


def test_forms_are_read_too() -> None:
    form = urlencode({"payload": body(push()).decode()}).encode()
    kind = "application/x-www-form-urlencoded; charset=utf-8"
    assert read_payload("push", kind, form) == pushed()
    for wrong in (b"", b"payload=1&payload=2", b"other=1", b"payload", b"\xff=1"):
        with pytest.raises(PayloadError):
            read_payload("push", kind, wrong)


def test_other_kinds_of_body_are_refused() -> None:
    for kind in ("", "text/plain", "multipart/form-data"):
        with pytest.raises(PayloadError, match="content type"):
            read_payload("push", kind, body(push()))


def test_ping_and_events_that_wake_nothing() -> None:
    assert isinstance(read_payload("ping", JSON, body({"zen": "x", "hook_id": 1})), Ping)
    for event in ("issues", "", "PUSH", "star"):
        assert read_payload(event, JSON, b"not even json") is None


BAD = st.none() | st.integers() | st.text(max_size=5) | st.lists(st.none(), max_size=2)


@given(
    st.sampled_from(["repository", "sender", "commits", "ref", "before", "after", "forced"]), BAD
)
def test_a_push_with_a_wrong_field_is_an_event_or_our_error(name: str, value: object) -> None:
    with contextlib.suppress(PayloadError):
        read_payload("push", JSON, body(push() | {name: value}))


@given(
    st.sampled_from(["repository", "sender", "pull_request", "action", "number", "changes"]), BAD
)
def test_a_request_with_a_wrong_field_is_an_event_or_our_error(name: str, value: object) -> None:
    with contextlib.suppress(PayloadError):
        read_payload("pull_request", JSON, body(pull_request() | {name: value}))
