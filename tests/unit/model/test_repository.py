from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.repository import repository_key


@pytest.mark.parametrize(
    "address",
    [
        "https://git.contoso.example/Team/Web.git",
        "https://git.contoso.example/team/web",
        "https://git.contoso.example:443/team/web/",
        "https://GIT.contoso.example/team/web.git#main:api",
        "http://user@git.contoso.example/team/web.git/",
        "git@git.contoso.example:team/web.git",
        "ssh://git@git.contoso.example/team/web.git",
        "git.contoso.example:team/web",
    ],
)
def test_one_repository_has_one_key(address: str) -> None:
    assert repository_key(address) == "git.contoso.example/team/web"


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("https://git.contoso.example:8443/team/web", "git.contoso.example:8443/team/web"),
        ("http://git.contoso.example:443/team/web", "git.contoso.example:443/team/web"),
        ("github.com/contoso/web.git#main", "github.com/contoso/web"),
        ("https://dev.azure.com/contoso/Web/_git/api", "dev.azure.com/contoso/web/_git/api"),
        ("http://[::1]:8080/web.git", "[::1]:8080/web"),
    ],
)
def test_ports_hosts_and_forges(address: str, key: str) -> None:
    assert repository_key(address) == key


@pytest.mark.parametrize("text", ["", ".", "/srv/web", "web", "https://", "https://host"])
def test_what_is_no_address_has_none(text: str) -> None:
    assert repository_key(text) is None


@given(st.text(max_size=40))
def test_no_text_raises(text: str) -> None:
    key = repository_key(text)
    assert key is None or key == key.lower()
