"""Row 23: a variable in an address is text: nothing of our environment is sent to a host."""

from __future__ import annotations

import pytest

from tests.live.git_server import GitServer
from tests.live.hostile.places import Door, page, serving

FORMS = (
    "${{{name}}}",
    "${name}",
    "%{name}%",
    "$(echo ${name})",
    "`echo ${name}`",
    "{{{{.{name}}}}}",
)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("end", [".git", ".git#trunk", ".tar"])
def test_the_value_is_not_sent(
    form: str, end: str, door: Door, server: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED", "value-of-ours")
    word = form.format(name="PLANTED")
    with serving(lambda _path: page(b"no", 404)) as files:
        door.declared.add(files.host)
        for url in (f"{server.url}/{word}{end}", f"{files.url}/{word}{end}"):
            assert "value-of-ours" not in door.refuse(url)
        sent = [*server.requests, *files.requests]
    assert all("value-of-ours" not in "".join(request) for request in sent)


@pytest.mark.parametrize("form", FORMS)
def test_no_host_is_made_of_it(form: str, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED", "value-of-ours")
    for end in ("/app.git", "/app.tar"):
        door.refuse(f"https://{form.format(name='PLANTED')}.evil.example{end}")
    assert door.looked_up == []
