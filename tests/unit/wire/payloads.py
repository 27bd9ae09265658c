"""Payloads as GitHub sends them, whole, with values of our own; made here, not copied.

tests/contract/test_github_examples.py holds them against GitHub's own schemas.
"""

from __future__ import annotations

import json
from typing import Any

NONE = "0" * 40
BEFORE, AFTER = "1" * 40, "2" * 40
_API, _SITE = "https://api.github.com", "https://github.com"
_MOMENT = "2026-11-21T03:00:00Z"
_PERSON = {"name": "On Call", "email": "oncall@contoso.example", "username": "oncall"}
_OF_A_USER = (
    "followers following gists starred subscriptions organizations repos events received_events"
)
_OF_A_REPOSITORY = (
    "forks keys collaborators teams hooks issue_events events assignees branches tags blobs"
    " git_tags git_refs trees statuses languages stargazers contributors subscribers subscription"
    " commits git_commits comments issue_comment contents compare merges archive downloads issues"
    " pulls milestones notifications labels releases deployments"
)
_OF_A_REQUEST = "self html issue comments review_comments review_comment commits statuses"


def _urls(words: str, under: str) -> dict[str, str]:
    return {f"{word}_url": f"{under}/{word}" for word in words.split()}


def user(login: str = "oncall", kind: str = "User") -> dict[str, Any]:
    own = f"{_API}/users/{login}"
    return {
        "login": login,
        "id": 1,
        "node_id": "u1",
        "avatar_url": f"{_SITE}/{login}.png",
        "gravatar_id": "",
        "url": own,
        "html_url": f"{_SITE}/{login}",
        **_urls(_OF_A_USER, own),
        "type": kind,
        "site_admin": False,
    }


def repository(**other: Any) -> dict[str, Any]:
    own, page = f"{_API}/repos/contoso/web", f"{_SITE}/contoso/web"
    return {
        "id": 7,
        "node_id": "r7",
        "name": "web",
        "full_name": "contoso/web",
        "private": False,
        "owner": user("contoso", "Organization"),
        "html_url": page,
        "description": None,
        "fork": False,
        "url": own,
        **_urls(_OF_A_REPOSITORY, own),
        "created_at": _MOMENT,
        "updated_at": _MOMENT,
        "pushed_at": _MOMENT,
        "git_url": "git://github.com/contoso/web.git",
        "ssh_url": "git@github.com:contoso/web.git",
        "clone_url": f"{page}.git",
        "svn_url": page,
        "homepage": None,
        **dict.fromkeys(("size", "stargazers_count", "watchers_count", "forks_count"), 0),
        **dict.fromkeys(("open_issues_count", "forks", "open_issues", "watchers"), 0),
        "language": None,
        **dict.fromkeys(("has_issues", "has_projects", "has_downloads", "has_wiki"), True),
        "has_pages": False,
        "mirror_url": None,
        "archived": False,
        "disabled": False,
        "license": None,
        "is_template": False,
        "web_commit_signoff_required": False,
        "topics": [],
        "visibility": "public",
        "default_branch": "main",
        "custom_properties": {},
    } | other


REPOSITORY = repository()


def commit(**files: list[str]) -> dict[str, Any]:
    return {
        "id": AFTER,
        "tree_id": "3" * 40,
        "distinct": True,
        "message": "a change",
        "timestamp": _MOMENT,
        "url": f"{_SITE}/contoso/web/commit/{AFTER}",
        "author": _PERSON,
        "committer": _PERSON,
        "added": [],
        "removed": [],
        "modified": [],
    } | files


def push(before: str = BEFORE, after: str = AFTER, **other: Any) -> dict[str, Any]:
    changed = commit(modified=["api/app.py"])
    return {
        "ref": "refs/heads/main",
        "before": before,
        "after": after,
        "created": before == NONE,
        "deleted": after == NONE,
        "forced": False,
        "base_ref": None,
        "compare": f"{_SITE}/contoso/web/compare/{before}...{after}",
        "commits": [changed],
        "head_commit": None if after == NONE else changed,
        "repository": REPOSITORY,
        "pusher": {"name": "oncall", "email": "oncall@contoso.example"},
        "sender": user(),
    } | other


def pull_request(head: dict[str, Any] | None = None, **other: Any) -> dict[str, Any]:
    own = {
        "label": "contoso:feature/x",
        "ref": "feature/x",
        "sha": AFTER,
        "user": user("contoso", "Organization"),
        "repo": REPOSITORY,
    } | (head or {})
    page, api = f"{_SITE}/contoso/web/pull/7", f"{_API}/repos/contoso/web/pulls/7"
    counts = ("comments", "review_comments", "commits", "additions", "deletions", "changed_files")
    request: dict[str, Any] = {
        "url": api,
        "id": 70,
        "node_id": "p70",
        "html_url": page,
        **_urls("diff patch issue commits review_comments review_comment comments statuses", page),
        "number": 7,
        "state": "open",
        "locked": False,
        "title": "a change",
        "user": user(),
        "body": None,
        "created_at": _MOMENT,
        "updated_at": _MOMENT,
        **dict.fromkeys(("closed_at", "merged_at", "merge_commit_sha", "assignee"), None),
        **{name: [] for name in ("assignees", "requested_reviewers", "requested_teams", "labels")},
        "milestone": None,
        "head": own,
        "base": own | {"label": "contoso:main", "ref": "main", "sha": BEFORE, "repo": REPOSITORY},
        "_links": {name: {"href": f"{api}/{name}"} for name in _OF_A_REQUEST.split()},
        "author_association": "MEMBER",
        "auto_merge": None,
        "active_lock_reason": None,
        "draft": False,
        "merged": False,
        "mergeable": None,
        "rebaseable": None,
        "mergeable_state": "unknown",
        "merged_by": None,
        "maintainer_can_modify": False,
        **dict.fromkeys(counts, 1),
    }
    return {
        "action": "opened",
        "number": 7,
        "pull_request": request,
        "repository": REPOSITORY,
        "sender": user(),
    } | other


def body(payload: object) -> bytes:
    return json.dumps(payload).encode()
