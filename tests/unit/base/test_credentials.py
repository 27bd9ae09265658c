"""What looks like a credential, and what only resembles one."""

from __future__ import annotations

import pytest

from reconciler.base.credentials import credentials_in, holds_credential, without_credentials


@pytest.mark.parametrize(
    "text",
    [
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "token=github_pat_11AAAAAAA0abcdef",
        "glpat-abcdefgh12345678",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x",
        "https://user:password@git.contoso.example",
        "https://token@git.contoso.example/web.git",
        "HTTP://user:password@git.contoso.example",
        "ssh://git:password@git.contoso.example",
        "user:password@git.contoso.example",
        "https://files.contoso.example/a?sv=1&sig=abc",
        "https://git.contoso.example/?Access_Token=abc",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
    ],
)
def test_a_credential_is_recognised(text: str) -> None:
    assert holds_credential(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "web:1@sha256:abcdef",
        "git@git.contoso.example:team/web.git",
        "ssh://git@git.contoso.example/web.git",
        "https://git.contoso.example/a@b",
        "https://git.contoso.example/web.git#feature/a@b",
        "https://files.contoso.example/a?sig=",
        "https://files.contoso.example/a?design=abc",
        "web@contoso.example",
        "env:GIT_PAT",
        "npm_config",
        "127.0.0.1:5000/web:1",
    ],
)
def test_what_only_resembles_one_is_not(text: str) -> None:
    assert not holds_credential(text)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("https://user:pass/word+x==@git.contoso.example/app.git", True),
        ("https://host:8080/team@2/app.git", False),
        ("https://git.contoso.example:443/a.git#feature@1", False),
    ],
)
def test_a_password_with_a_slash_is_one_and_a_port_is_none(text: str, held: bool) -> None:

    assert holds_credential(text) is held


@pytest.mark.parametrize(
    ("text", "told", "held"),
    [
        ("https://u:pw@h.example/r.git#m", "https://***@h.example/r.git#m", ("u:pw", "pw")),
        ("https://u:p@ss@h.example/r", "https://***@h.example/r", ("u:p@ss", "p@ss")),
        ("https://u:p/w+x==@h.example/r", "https://***@h.example/r", ("u:p/w+x==", "p/w+x==")),
        ("https://token@h.example/r", "https://***@h.example/r", ("token",)),
        ("u:pw@h.example/r", "***@h.example/r", ("u:pw", "pw")),
        ("https://h.example/a?sv=1&sig=abc#m", "https://h.example/a?sv=1&sig=***#m", ("abc",)),
        ("ssh://git@h.example/r", "ssh://git@h.example/r", ()),
        ("git@h.example:a/b", "git@h.example:a/b", ()),
        ("https://h:8080/team@2/r", "https://h:8080/team@2/r", ()),
        ("web:1@sha256:abcdef", "web:1@sha256:abcdef", ()),
    ],
)
def test_what_is_told_of_a_location_and_what_is_hidden(
    text: str, told: str, held: tuple[str, ...]
) -> None:
    assert without_credentials(text) == told
    assert credentials_in(text) == held


def test_every_credential_of_a_text_is_hidden() -> None:
    text = "a https://u:pw@h b https://t@h?sig=x c ghp_16C7e42F292c6912E7710c838347Ae178B4a d"
    assert without_credentials(text) == "a https://***@h b https://***@h?sig=*** c *** d"
