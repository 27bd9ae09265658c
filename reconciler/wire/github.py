"""GitHub's payloads (also GitHub Enterprise Server's) to events. Checks no signature.

Source of the fields: the schemas of the package @octokit/webhooks-schemas.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

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

# What GitHub sends at most in one push; a list of this length may not be all.
_MOST_COMMITS = 2048


class Ping:
    """The forge asks whether anybody listens. Nothing to build."""


def read_payload(event: str, content_type: str, body: bytes) -> SourceEvent | Ping | None:
    """The event of a delivery; None for a kind of event that wakes nothing.

    `content_type` is the header's value: JSON, or a form with the field `payload`. Raises
    PayloadError.
    """
    if event not in {"ping", "push", "pull_request"}:
        return None
    try:
        found = read_json(_json_of(content_type, body))
    except JsonError as error:
        raise PayloadError(f"the body is no JSON: {error}") from None
    if event == "ping":
        return Ping()
    payload = _map(found, "the payload")
    return _push(payload) if event == "push" else _pull_request(payload)


def _json_of(content_type: str, body: bytes) -> bytes:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        return body
    if kind != "application/x-www-form-urlencoded":
        raise PayloadError("the content type is neither application/json nor a form")
    try:
        form = parse_qs(body.decode("ascii"), strict_parsing=True, max_num_fields=16)
    except ValueError:
        raise PayloadError("the form cannot be read") from None
    values = form.get("payload", [])
    if len(values) != 1:
        raise PayloadError("the form has no field `payload`, or more than one")
    return values[0].encode("utf-8", "surrogatepass")


# ---------------------------------------------------------------------- push
def _push(payload: Mapping[str, Any]) -> Push:
    repository = _map(payload.get("repository"), "repository")
    before, after = (
        read_commit(payload.get("before"), "before"),
        read_commit(payload.get("after"), "after"),
    )
    return Push(
        repository=_key(repository, "repository"),
        ref=read_ref(payload.get("ref")),
        before=before,
        after=after,
        created=before is None,
        default_branch=read_branch(repository.get("default_branch")),
        files=_files(payload) if before and after else None,
        sender=_login(payload),
    )


def _files(payload: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The files that differ; None if the commits do not tell: forced, too many, or odd."""
    commits = payload.get("commits")
    if payload.get("forced") is not False or not isinstance(commits, list):
        return None
    if not commits or len(commits) >= _MOST_COMMITS:
        return None
    found: dict[str, None] = {}
    for commit in commits:
        for kind in ("added", "modified", "removed"):
            names = commit.get(kind) if isinstance(commit, dict) else None
            if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
                return None
            found.update(dict.fromkeys(names))
    return tuple(found)


# -------------------------------------------------------------- pull request
def _pull_request(payload: Mapping[str, Any]) -> PullRequest:
    repository = _map(payload.get("repository"), "repository")
    request = _map(payload.get("pull_request"), "pull_request")
    head, base = _map(request.get("head"), "head"), _map(request.get("base"), "base")
    key = _key(repository, "repository")
    action, number = payload.get("action"), read_number(payload.get("number"), "number")
    if not isinstance(action, str) or len(action) > 100:
        raise PayloadError("`action` is no word")
    target, commit = read_branch(base.get("ref")), read_commit(head.get("sha"), "head.sha")
    if target is None or commit is None:
        raise PayloadError("`base.ref` is no branch" if commit else "`head.sha` is no commit")
    return PullRequest(
        repository=key,
        number=number,
        action=action,
        target=target,
        head=commit,
        source=read_branch(head.get("ref")),
        fork=_is_fork(head.get("repo"), key),
        retargeted=isinstance(payload.get("changes"), dict) and "base" in payload["changes"],
        default_branch=read_branch(repository.get("default_branch")),
        sender=_login(payload),
    )


def _is_fork(head: object, key: str) -> bool:
    """True unless the head surely lies in the repository itself: a deleted fork has none."""
    if not isinstance(head, dict):
        return True
    try:
        return _key(head, "head.repo") != key
    except PayloadError:
        return True


# -------------------------------------------------------------------- fields
def _map(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise PayloadError(f"{name} is no object")
    return value


def _key(repository: Mapping[str, Any], name: str) -> str:
    return read_repository(repository.get("clone_url"), f"{name}.clone_url")


def _login(payload: Mapping[str, Any]) -> str | None:
    sender = payload.get("sender")
    login = sender.get("login") if isinstance(sender, dict) else None
    return login[:LONGEST_NAME] if isinstance(login, str) else None
