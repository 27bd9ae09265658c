"""Row 24: a location with a user or a token is refused, not sent, and not repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flow.desk import Desk
from tests.live.git_server import GitServer
from tests.live.hostile.places import Door, page, serving

SECRET = "planted-password-1"
USERS = (f"user:{SECRET}", SECRET, f":{SECRET}", f"{SECRET}:x-oauth-basic", f"user:{SECRET}%40x")


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("end", ["app.git#trunk", "app.tar.gz"])
def test_it_is_not_sent(user: str, end: str, door: Door, server: GitServer) -> None:
    with serving(lambda _path: page(b"")) as files:
        door.declared.add(files.host)
        for host in (server.host, files.host):
            message = door.refuse(f"http://{user}@{host}/{end}")
            assert SECRET not in message
        assert files.requests == []
        assert server.requests == []


@pytest.mark.parametrize("user", USERS)
def test_a_spec_with_one_is_refused_without_repeating_it(user: str, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write({"specs/app.yaml": (
        "apiVersion: reconciler/v1\nkind: Task\nmetadata: {name: app, registry: contoso}\n"
        f'spec:\n  context: {{source: "https://{user}@git.example/app.git"}}\n'
        "  step: {docker: {push: false}}\n"
    )})  # fmt: skip
    outcome = desk.run("validate")
    assert outcome.code == 1, outcome.text
    assert "take the credential out of the location" in outcome.text
    assert SECRET not in outcome.text
