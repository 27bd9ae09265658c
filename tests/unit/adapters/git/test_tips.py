"""Where refs are, asked of a real server; whoever answers with something else is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.fetch_fault import FetchError, FetchFault
from reconciler.adapters.git.environment import Repository
from reconciler.adapters.git.tips import Tips, read_tips
from reconciler.adapters.web.resolve import Guard
from tests.live.git_server import GitServer, git, make_repository, serve_git
from tests.unit.adapters.git.test_answers import PAGES, serve_page

TOKEN = "gitpat-0123456789-planted"


def tips(server: GitServer, folder: Path, name: str = "app", *, tags: bool = False) -> Tips:
    place = folder / f"place-{name}-{tags}"
    place.mkdir()
    guard = Guard(frozenset({server.host}))
    found = Repository(f"{server.url}/{name}.git", f"x-access-token:{TOKEN}", guard)
    return read_tips(found, place, lambda: False, tags=tags)


def test_branches_are_told_and_tags_if_asked(tmp_path: Path) -> None:
    work, commit = make_repository(tmp_path / "root", "app", {"a": "1"}, branch="main")
    identity = ["-c", "user.name=T", "-c", "user.email=t@contoso.example"]
    git(work, *identity, "tag", "-m", "a tag", "v1")
    git(work, "push", "--quiet", "origin", "v1", "main:refs/heads/dev", "main:refs/pull/1/head")
    tag = git(work, "rev-parse", "v1").strip()
    with serve_git(tmp_path / "root", username="x-access-token", password=TOKEN) as server:
        branches = {"refs/heads/main": commit, "refs/heads/dev": commit}
        assert tips(server, tmp_path) == Tips(branches, "main")
        assert tips(server, tmp_path, tags=True) == Tips(branches | {"refs/tags/v1": tag}, "main")


def test_an_empty_repository_has_no_refs(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    git(root, "init", "--quiet", "--bare", "--initial-branch=main", "empty.git")
    with serve_git(root) as server:
        assert tips(server, tmp_path, "empty").refs == {}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_to_sign_in_has_not_lost_all_branches(tmp_path: Path, page: bytes) -> None:
    with serve_page(page) as port:
        host = f"127.0.0.1:{port}"
        found = Repository(f"http://{host}/app.git", None, Guard(frozenset({host})))
        with pytest.raises(FetchError, match="answered with a page"):
            read_tips(found, tmp_path, lambda: False, tags=False)


def test_a_page_that_is_gone_at_the_next_question_has_not_lost_all_branches_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, commit = make_repository(tmp_path / "root", "app", {"a": "1"}, branch="main")
    with serve_git(tmp_path / "root") as server:
        git_itself = server._backend

        def a_page_at_first(environ: dict[str, Any], start_response: Any) -> Any:
            if len(server.requests) > 1:
                return git_itself(environ, start_response)
            start_response("200 OK", [("Content-Type", "text/html")])
            return [b"back in a minute"]

        monkeypatch.setattr(server, "_backend", a_page_at_first)
        assert tips(server, tmp_path) == Tips({"refs/heads/main": commit}, "main")


def test_a_wrong_token_is_told_and_stands_in_no_message(tmp_path: Path) -> None:
    make_repository(tmp_path / "root", "app", {"a": "1"})
    with serve_git(tmp_path / "root", username="x-access-token", password="another") as server:
        with pytest.raises(FetchError) as found:
            tips(server, tmp_path)
        assert found.value.fault is FetchFault.AUTH
        assert TOKEN not in found.value.message


def test_a_host_that_is_not_declared_is_not_asked(tmp_path: Path) -> None:
    with serve_git(tmp_path) as server:
        found = Repository(f"{server.url}/app.git")
        with pytest.raises(FetchError) as refused:
            read_tips(found, tmp_path, lambda: False, tags=False)
        assert refused.value.fault is FetchFault.REFUSED
        assert server.requests == []
