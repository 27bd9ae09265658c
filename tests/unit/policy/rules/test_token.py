"""Scopes that include others."""

from __future__ import annotations

from reconciler.policy.rules.token import expand


def test_repo_includes_what_a_public_repository_needs() -> None:
    assert expand(("repo",)) >= {"repo", "repo:status", "public_repo", "security_events"}


def test_hook_scopes_include_the_lesser_ones() -> None:
    assert expand(("admin:repo_hook",)) == {"admin:repo_hook", "write:repo_hook", "read:repo_hook"}
    assert expand(("write:repo_hook",)) == {"write:repo_hook", "read:repo_hook"}


def test_case_and_blanks_do_not_hide_a_scope() -> None:
    assert "repo" in expand((" REPO ",))
