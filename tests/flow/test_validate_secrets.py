"""Secrets that were pasted by mistake are refused and repeated nowhere."""

from __future__ import annotations

import pytest

from tests.flow.desk import TASK, WORKSPACE, Desk

SECRET = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
PLAIN = "hunter2-is-no-token"


def with_context(context: str) -> str:
    return TASK.replace("{source: web}", context)


def with_spec(text: str) -> str:
    return f"{TASK}  {text}\n"


PLACES = [
    with_context(f'{{source: web, token: {{secret: "{SECRET}"}}}}'),
    with_context(f'{{source: web, token: {{secret: "{PLAIN}"}}}}'),
    with_context(f'{{source: web, token: "{PLAIN}"}}'),
    with_context(f"{{source: web, token: {{{SECRET}: 1}}}}"),
    with_context(f'{{source: "https://{PLAIN}@git.contoso.example/web.git"}}'),
    with_context(f'{{source: "HTTPS://user:{PLAIN}@git.contoso.example/web.git#main"}}'),
    with_context(f'{{source: "user:{PLAIN}@git.contoso.example/web.git"}}'),
    with_context(f'{{source: "https://files.contoso.example/a.tar.gz?sv=1&sig={PLAIN}"}}'),
    with_context(f'{{source: "https://git.contoso.example/web.git?private_token={PLAIN}"}}'),
    with_spec(f'triggers: {{commit: {{repository: "https://x:{PLAIN}@git.contoso.example/w"}}}}'),
    with_spec(f'triggers: {{baseImage: {{updateEndpoint: "https://x/{PLAIN}"}}}}'),
    with_spec(f'notify: [{{on: Failed, url: "https://hooks.contoso.example/{PLAIN}"}}]'),
    with_spec(f'notify: [{{on: Failed, url: {{secret: "https://a:{PLAIN}@hooks"}}}}]'),
    with_spec(f'credentials: {{registries: {{docker.io: {{username: a, password: "{PLAIN}"}}}}}}'),
    with_spec(f'credentials: {{registries: {{docker.io: {{password: {{secret: "{PLAIN}"}}}}}}}}'),
    TASK.replace('["web:1"]', f'["web:1"], args: {{NPM_TOKEN: "{SECRET}"}}'),
    TASK.replace('["web:1"]', f'["web:1"], args: {{INDEX: "https://u:{PLAIN}@pypi.example"}}'),
    TASK.replace('["web:1"]', f'["web:1"], secrets: {{NPM: "{PLAIN}"}}'),
    TASK.replace('{images: ["web:1"]}', f'{{secret: "{PLAIN}"}}'),
    TASK.replace('docker: {images: ["web:1"]}', f'file: {{path: t.yaml, set: {{k: "{SECRET}"}}}}'),
    TASK.replace('docker: {images: ["web:1"]}', f'file: {{path: a, setSecret: {{k: "{PLAIN}"}}}}'),
    TASK.replace("name: web-api", f"name: {SECRET}:x"),
    TASK.replace(
        'docker: {images: ["web:1"]}',
        f'inline: {{steps: [{{build: "-t x:1 https://u:{PLAIN}@git.contoso.example/w.git"}}]}}',
    ),
]


@pytest.mark.parametrize("text", PLACES)
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_pasted_secret_is_refused_and_not_repeated(desk: Desk, text: str, form: str) -> None:
    outcome = desk.validate(text, "-o", form)
    assert outcome.code == 1
    assert SECRET not in outcome.text
    assert PLAIN not in outcome.text


@pytest.mark.parametrize(
    "line",
    [
        f"state: postgresql+psycopg://me:{PLAIN}@db.contoso.example/state\n",
        f"  - {{name: other, loginServer: 'me:{PLAIN}@registry.contoso.example'}}\n",
    ],
)
def test_a_password_in_the_workspace_file_is_not_repeated(desk: Desk, line: str) -> None:
    outcome = desk.validate({"reconciler.yaml": WORKSPACE + line, "specs/a.yaml": TASK})
    assert outcome.code == 1
    assert PLAIN not in outcome.text


@pytest.mark.parametrize(
    "context",
    [
        '{source: "https://git.contoso.example/web.git#feature/a@b:api"}',
        '{source: "web@2"}',
    ],
)
def test_a_location_without_a_password_is_accepted(desk: Desk, context: str) -> None:
    assert desk.validate(with_context(context)).code == 0


@pytest.mark.parametrize(
    "source",
    ["git@git.contoso.example:team/web.git", "ssh://git@git.contoso.example/team/web.git"],
)
def test_a_location_of_ssh_is_refused_for_its_kind_and_not_for_its_user(
    desk: Desk, source: str
) -> None:
    outcome = desk.validate(with_context(f'{{source: "{source}"}}'))
    told = " ".join(outcome.text.split())
    assert outcome.code == 1
    assert "is no kind of location that is fetched; a context is a folder, https://" in told
    assert "no user" not in told
