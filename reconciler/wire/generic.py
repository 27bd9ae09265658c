"""The plain dialect: a push or a pull request told by a script of one's own. Checks no signature.

Strict, as nobody but us has written it: a key that is not known is an error, and not left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.event import PullRequest, Push, SourceEvent
from reconciler.wire.fields import (
    LONGEST_NAME,
    PayloadError,
    read_branch,
    read_commit,
    read_number,
    read_ref,
    read_repository,
)
from reconciler.wire.json import JsonError, read_json

_SHARED = {"id", "repository", "defaultBranch", "sender"}
_PUSH = _SHARED | {"ref", "before", "after", "files"}
_PULL_REQUEST = _SHARED | {"pullRequest"}
_OF_PULL_REQUEST = {"number", "target", "source", "head", "fork"}
_NEEDED_OF_PULL_REQUEST = {"number", "target", "head"}
LONGEST_ID = 128


def read_message(body: bytes) -> tuple[str, SourceEvent]:
    """(id, event) of a message: the id is the sender's, and new for each thing that happened.

    A push has `ref` and `after`, null for a ref that is gone; a pull request has `pullRequest`.
    Raises PayloadError.
    """
    try:
        found = read_json(body)
    except JsonError as error:
        raise PayloadError(f"the body is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise PayloadError("the body is no object")
    is_push = "pullRequest" not in found
    if is_push:
        _check_keys(found, {"id", "repository", "ref", "after"}, _PUSH, "")
    else:
        _check_keys(found, {"id", "repository", "pullRequest"}, _PULL_REQUEST, "")
    return _id(found), _push(found) if is_push else _pull_request(found)


def _check_keys(found: Mapping[str, Any], needed: set[str], known: set[str], of: str) -> None:
    if missing := sorted(needed - set(found)):
        raise PayloadError(f"`{of}{missing[0]}` is missing")
    if set(found) - known:
        what = f"`{of.rstrip('.')}`" if of else "the body"
        raise PayloadError(f"{what} has a key that is none of {', '.join(sorted(known))}")


def _id(found: Mapping[str, Any]) -> str:
    text = found["id"]
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST_ID or not text.isprintable():
        raise PayloadError(f"`id` is no text of 1 to {LONGEST_ID} letters")
    return text


def _push(found: Mapping[str, Any]) -> Push:
    before = _commit_or_none(found.get("before"), "before")
    return Push(
        repository=read_repository(found["repository"], "repository"),
        ref=read_ref(found["ref"]),
        before=before,
        created=before is None and found.get("before") is not None,
        after=_commit_or_none(found["after"], "after"),
        files=_files(found.get("files")),
        default_branch=_branch(found, "defaultBranch"),
        sender=_sender(found),
    )


def _commit_or_none(value: object, name: str) -> str | None:
    return None if value is None else read_commit(value, name)


def _files(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise PayloadError("`files` is no list of texts")
    return tuple(value)


def _pull_request(found: Mapping[str, Any]) -> PullRequest:
    request = found["pullRequest"]
    if not isinstance(request, dict):
        raise PayloadError("`pullRequest` is no object")
    _check_keys(request, _NEEDED_OF_PULL_REQUEST, _OF_PULL_REQUEST, "pullRequest.")
    head = read_commit(request["head"], "pullRequest.head")
    target = _branch(request, "target")
    fork = request.get("fork", True)
    if head is None or target is None or not isinstance(fork, bool):
        wrong = "head` is no commit" if head is None else "target` is no branch"
        wrong = "fork` is neither true nor false" if head and target else wrong
        raise PayloadError(f"`pullRequest.{wrong}")
    return PullRequest(
        repository=read_repository(found["repository"], "repository"),
        number=read_number(request["number"], "pullRequest.number"),
        action="synchronize",
        target=target,
        head=head,
        source=_branch(request, "source"),
        fork=fork,
        default_branch=_branch(found, "defaultBranch"),
        sender=_sender(found),
    )


def _branch(found: Mapping[str, Any], name: str) -> str | None:
    if found.get(name) is None:
        return None
    branch = read_branch(found[name])
    if branch is None:
        raise PayloadError(f"`{name}` is no branch")
    return branch


def _sender(found: Mapping[str, Any]) -> str | None:
    sender = found.get("sender")
    if sender is not None and not (isinstance(sender, str) and len(sender) <= LONGEST_NAME):
        raise PayloadError(f"`sender` is no text of at most {LONGEST_NAME} letters")
    return sender
