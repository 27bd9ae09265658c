"""Writes hostile things into repositories, past what git's own commands allow."""

from __future__ import annotations

from pathlib import Path

from tests.live.git_server import git, make_repository

AUTHOR = ("-c", "user.name=Test", "-c", "user.email=test@contoso.example")


def add_submodule(repositories: Path, name: str, url: str, path: str | None = None) -> str:
    """A repository `name` with a file `code`, and a submodule of it in `app`; its commit."""
    if not (repositories / f"{name}.git").exists():
        make_repository(repositories, name, {"code": f"{name}\n"})
    commit = git(repositories / f"{name}.git", "rev-parse", "trunk").strip()
    declare(repositories, {path or name: (url, commit)})
    return commit


def declare(repositories: Path, submodules: dict[str, tuple[str, str]], name: str = "app") -> None:
    """Commit submodules (path: address, commit) to a repository, and push."""
    work = repositories / f"{name}-work"
    lines = "".join(
        f'[submodule "{path}"]\n\tpath = {path}\n\turl = {url}\n'
        for path, (url, _) in submodules.items()
    )
    with (work / ".gitmodules").open("a") as file:
        file.write(lines)
    git(work, "add", ".gitmodules")
    for path, (_, commit) in submodules.items():
        git(work, "update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")
    push(work, "submodules")


def push(work: Path, message: str) -> str:
    """Commit what is staged, and push; the commit."""
    git(work, *AUTHOR, "commit", "--quiet", "--message", message)
    git(work, "push", "--quiet", "origin", "trunk")
    return git(work, "rev-parse", "HEAD").strip()
