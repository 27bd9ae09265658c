"""A workspace in a Git repository of its own, for the tests of what Git tells."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.flow.project import Project, new_project

_WHO = {
    "GIT_AUTHOR_NAME": "Lead",
    "GIT_AUTHOR_EMAIL": "lead@contoso.example",
    "GIT_COMMITTER_NAME": "Lead",
    "GIT_COMMITTER_EMAIL": "lead@contoso.example",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
}


def git(root: Path, *words: str, stdin: bytes | None = None) -> str:
    """The output of a Git command."""
    done = subprocess.run(
        ["git", *words],
        cwd=root,
        env={**os.environ, **_WHO},
        input=stdin,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


def commit(root: Path, message: str = "change") -> str:
    """Everything in a commit; its id."""
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", message)
    return git(root, "rev-parse", "HEAD")


def new_repository(root: Path, *names: str) -> Project:
    """A workspace with a task for each name, committed on the branch main."""
    project = new_project(root, *names)
    git(root, "init", "-q", "-b", "main")
    (root / ".gitignore").write_text(".reconciler/\n")
    commit(root, "first")
    return project
