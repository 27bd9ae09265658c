"""Payloads as GitHub sends them, cut down to the fields that matter; made here, not copied."""

from __future__ import annotations

import json
from typing import Any

NONE = "0" * 40
BEFORE, AFTER = "1" * 40, "2" * 40
REPOSITORY = {
    "full_name": "contoso/web",
    "clone_url": "https://github.com/contoso/web.git",
    "default_branch": "main",
    "private": False,
}


def push(**other: Any) -> dict[str, Any]:
    return {
        "ref": "refs/heads/main",
        "before": BEFORE,
        "after": AFTER,
        "forced": False,
        "commits": [commit(modified=["api/app.py"])],
        "repository": REPOSITORY,
        "sender": {"login": "oncall"},
    } | other


def commit(**files: list[str]) -> dict[str, Any]:
    return {"id": AFTER, "added": [], "removed": [], "modified": []} | files


def pull_request(head: dict[str, Any] | None = None, **other: Any) -> dict[str, Any]:
    own = {"sha": AFTER, "ref": "feature/x", "repo": REPOSITORY} | (head or {})
    return {
        "action": "opened",
        "number": 7,
        "pull_request": {"head": own, "base": {"ref": "main", "sha": BEFORE}},
        "repository": REPOSITORY,
        "sender": {"login": "oncall"},
    } | other


def body(payload: object) -> bytes:
    return json.dumps(payload).encode()
