"""Row 25: a token goes to the host it was given for: to no redirect, and to no submodule's host."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from reconciler.model.context import Submodules
from reconciler.operations.running.contexts import OwnSource
from tests.live.git_server import GitServer, serve_git
from tests.live.hostile.places import Door, page, redirect, serving
from tests.live.hostile.repository import add_submodule
from tests.live.hostile.tars import packed

TOKEN = "gitpat-0123456789-planted"
BASIC = "Basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()


def test_a_redirect_of_a_repository_is_not_followed(door: Door, repositories: Path) -> None:
    with (
        serve_git(repositories) as other,
        serve_git(repositories, redirect_to=other.url) as first,
    ):
        door.declared |= {first.host, other.host}
        assert "redirects elsewhere" in door.refuse(f"{first.url}/app.git#trunk", TOKEN)
        assert {given for _, given in first.requests} == {BASIC}
        assert other.requests == []


@pytest.mark.parametrize(
    ("token", "header"), [(TOKEN, f"Bearer {TOKEN}"), (f"x-access-token:{TOKEN}", BASIC)]
)
def test_an_archive_is_redirected_without_the_token(token: str, header: str, door: Door) -> None:
    with (
        serving(lambda _path: page(packed({"a": b"1"}))) as other,
        serving(lambda _path: redirect(f"{other.url}/x.tar")) as first,
    ):
        door.declared |= {first.host, other.host}
        door.fetch(f"{first.url}/x.tar", token)
        assert [given for _, _, given in first.requests] == [header]
        assert [given for _, _, given in other.requests] == [""]


def test_another_port_is_another_host(door: Door) -> None:
    with serving(lambda _path: page(packed({"a": b"1"}))) as other:
        with serving(lambda _path: redirect(f"http://127.0.0.1:{other.port}/x")) as first:
            door.declared.add("127.0.0.1")
            door.fetch(f"{first.url}/x.tar", TOKEN)
        assert [given for _, _, given in other.requests] == [""]


def test_a_redirect_on_the_same_host_keeps_it(door: Door) -> None:
    def answers(path: str) -> tuple[int, dict[str, str], object]:
        return page(packed({"a": b"1"})) if path == "/y" else redirect("/y")  # type: ignore[return-value]

    with serving(answers) as server:  # type: ignore[arg-type]
        door.declared.add(server.host)
        door.fetch(f"{server.url}/x.tar", TOKEN)
        assert [given for _, _, given in server.requests] == [f"Bearer {TOKEN}"] * 2


def test_the_host_of_a_submodule_is_not_given_it(
    door: Door, server: GitServer, repositories: Path
) -> None:
    with serve_git(repositories) as other:
        door.declared.add(other.host)
        add_submodule(repositories, "library", f"{other.url}/library.git")
        source = f"{server.url}/app.git#trunk"
        door.own = OwnSource(source, Submodules(hosts=(other.host,)))
        found = door.fetch(source, TOKEN)
        assert (found.folder / "library" / "code").read_text() == "library\n"
        assert other.requests
        assert {given for _, given in other.requests} == {""}
        assert {given for _, given in server.requests} == {BASIC}


def test_a_submodule_beside_its_parent_is_fetched_with_it(
    door: Door, server: GitServer, repositories: Path
) -> None:
    add_submodule(repositories, "library", "../library.git")
    source = f"{server.url}/app.git#trunk"
    door.own = OwnSource(source, Submodules(hosts=(server.host,)))
    assert (door.fetch(source, TOKEN).folder / "library" / "code").exists()
    assert {given for _, given in server.requests} == {BASIC}
