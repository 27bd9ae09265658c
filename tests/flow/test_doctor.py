"""doctor: what works here, of what is declared; nothing that hangs holds it up, nothing leaks."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which
from typing import Any, ClassVar

import jsonschema
import pytest

from reconciler.model.capability import Capability, Recorded
from reconciler.operations.doctoring.doctor import diagnose
from reconciler.operations.doctoring.finding import Kind, Status
from reconciler.operations.workspace import open_workspace
from reconciler.report.published import published_schema
from reconciler.store.capabilities import record, recorded
from tests.flow.project import Project, new_project
from tests.listening import listening
from tests.vaults import ACCESS_TOKEN, CLIENT_ID, KEY_VAULT, VAULT_TOKEN, serve_vaults

PLANTED = "pl4nted-s3cret-value"
WHEN = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
HEAD = "apiVersion: reconciler/v1\nkind: Workspace\n"


class Door(BaseHTTPRequestHandler):
    """A registry that lets one user in, and tells everybody what he was told."""

    late = timedelta()
    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        given = self.headers.get("Authorization", "")
        self.seen.append(given)
        right = "Basic " + base64.b64encode(f"builder:{PLANTED}".encode()).decode()
        self.send_response_only(200 if given == right else 401)
        now = datetime.now(UTC) + self.late
        self.send_header("Date", format_datetime(now, usegmt=True))
        self.send_header("WWW-Authenticate", f'Basic realm="{given}"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (its own word)
        """Say nothing."""


@contextmanager
def registry(late: timedelta = timedelta()) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Late", (Door,), {"late": late}))
    with listening(server):
        yield f"127.0.0.1:{server.server_address[1]}"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A workspace on a machine with git, and without engine or builder."""
    found = new_project(tmp_path / "project")
    (found.root / "reconciler.yaml").write_text(HEAD)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "git").symlink_to(which("git") or "")
    found.environment = {
        "DOCKER_HOST": f"unix://{tmp_path}/no.sock",
        "PATH": str(programs),
        "HOME": str(tmp_path),
        "DOCKER_CONFIG": str(tmp_path),
    }
    return found


def declare(project: Project, server: str) -> None:
    text = f"registries: [{{name: contoso, loginServer: '{server}'}}]\n"
    (project.root / "reconciler.yaml").write_text(HEAD + text)


def log_in(project: Project, server: str, password: str) -> None:
    auth = base64.b64encode(f"builder:{password}".encode()).decode()
    config = Path(project.environment["DOCKER_CONFIG"]) / "config.json"
    config.write_text(json.dumps({"auths": {server: {"auth": auth}}}))


def checks(project: Project, kind: str) -> list[tuple[str, str, str]]:
    """(subject, status, text) of what doctor says in JSON, which keeps to its schema."""
    ended = project.run("doctor", "-o", "json")
    found = json.loads(ended.out)
    jsonschema.Draft202012Validator(published_schema("doctor")).validate(found)
    lacking = any(one["declared"] and one["status"] == "missing" for one in found["checks"])
    assert ended.code == (1 if lacking else 0)
    assert found["complete"] is not lacking
    kept = [one for one in found["checks"] if one["kind"] == kind]
    return [(one["subject"], one["status"], one["text"]) for one in kept]


def test_what_is_not_needed_is_no_fault(project: Project) -> None:
    ended = project.run("doctor")
    told = " ".join(ended.out.split())
    assert ended.code == 0, ended.out + ended.err
    assert "missing engine auto: no container engine answers" in told
    assert "missing builder nothing here builds images" in told
    assert "not needed secret no task names any" in told
    assert "not needed vault no task names any" in told
    assert "ok git version 2" in told
    assert "ok state .reconciler/state.db, schema" in told
    assert "All that the workspace declares is here." in told
    assert all(len(line) <= 80 for line in ended.out.splitlines())


def test_what_a_task_needs_and_nobody_does_is_told_with_its_line(project: Project) -> None:
    with registry() as server:
        declare(project, server)
        project.write("web-api", platform="linux/arm64")
        ended = project.run("doctor")
    told = " ".join(ended.out.split())
    assert ended.code == 1
    assert "missing engine auto: no container engine answers" in told
    assert "missing platform linux/arm64: auto: nothing here can build an image" in told
    assert "1 task (specs/web-api.yaml:" in told
    assert "things that the workspace declares are missing" in told


@pytest.mark.parametrize(
    ("password", "status", "told"),
    [
        (PLANTED, "ok", "answers, login works"),
        ("another-s3cret-value", "missing", "answers, and refuses the login"),
        (None, "missing", "asks for a login, and there is none"),
    ],
)
def test_a_login_is_tried_and_never_told(
    project: Project, password: str | None, status: str, told: str
) -> None:
    with registry() as server:
        declare(project, server)
        if password is not None:
            log_in(project, server, password)
        assert checks(project, "registry") == [(server, status, told)]
        ended = project.run("--debug", "doctor")
    assert password is None or password not in ended.out + ended.err
    state = [path.read_bytes() for path in (project.root / ".reconciler").iterdir()]
    assert password is None or not any(password.encode() in content for content in state)


@pytest.mark.parametrize("named", [True, False])
def test_the_login_of_a_task_is_tried_at_hosts_that_are_named(
    project: Project, named: bool
) -> None:
    Door.seen.clear()
    with registry() as server:
        text = "registries: [{name: contoso, loginServer: registry.contoso.example}]\n"
        text += f"hosts: {{'{server}': {{}}}}\n" if named else ""
        (project.root / "reconciler.yaml").write_text(HEAD + text)
        own = {"username": {"secret": "file:user"}, "password": {"secret": "env:REGISTRY_PASS"}}
        project.write("web-api", credentials={"registries": {server: own}})
        (project.root / "user").write_text("builder\n")
        if named:
            assert _of(checks(project, "registry"), server)[1] == "missing"
        project.environment["REGISTRY_PASS"] = PLANTED
        _, status, told = _of(checks(project, "registry"), server)
    assert status == "ok"
    assert told.startswith("answers, login works" if named else "answers; the login of its tasks")
    # Whoever writes a spec may name any host, and any secret for it.
    assert any(Door.seen) is named


def _of(found: list[tuple[str, str, str]], subject: str) -> tuple[str, str, str]:
    return next(one for one in found if one[0] == subject)


def test_a_clock_that_is_wrong_is_told(project: Project) -> None:
    with registry(late=timedelta(minutes=14)) as server:
        declare(project, server)
        ((_, status, told),) = checks(project, "clock")
    assert status == "warning"
    assert told.startswith(f"registry {server} is 8")
    assert told.endswith(" s ahead of us")


def test_secrets_and_tokens_are_there_or_told_one_by_one(project: Project) -> None:
    today = datetime.now(UTC).date()
    source = "https://git.contoso.example/web.git#main"
    expires = {"soon-api": 12, "late-api": -3, "long-api": 300}
    for name, days in expires.items():
        day = (today + timedelta(days=days)).isoformat()
        token = {"secret": f"env:{name[:4].upper()}_PAT", "kind": "classic", "expires": day}
        project.write(name, context={"source": source, "token": token})
    secrets = {"NPM": "env:NPM_TOKEN", "PIP": "file:pip.txt", "GEM": "env:GEM_TOKEN"}
    project.write("web-api", step={"docker": {"images": ["web:1"], "secrets": secrets}})
    project.environment |= {"SOON_PAT": PLANTED, "LATE_PAT": PLANTED, "GEM_TOKEN": PLANTED}
    with registry() as server:
        declare(project, server)
        assert checks(project, "secret") == [
            ("secret", "ok", "1 of 3 variables and files are there"),
            ("env:NPM_TOKEN", "missing", "the variable NPM_TOKEN is not set"),
            ("file:pip.txt", "missing", "No such file or directory"),
        ]
        tokens = {subject: (status, text) for subject, status, text in checks(project, "token")}
        ended = project.run("doctor")
    assert tokens["env:SOON_PAT"][0] == "warning"
    assert tokens["env:SOON_PAT"][1].startswith("classic, expires in 12 days (")
    assert tokens["env:LATE_PAT"][0] == "missing"
    assert tokens["env:LATE_PAT"][1].startswith("classic, expired on ")
    assert tokens["env:LONG_PAT"] == ("missing", "the variable LONG_PAT is not set")
    assert "specs/web-api.yaml:" in ended.out
    assert PLANTED not in ended.out + ended.err


def test_the_secrets_of_the_daemon_are_looked_for_while_they_count(project: Project) -> None:
    hooks = [
        "server:",
        "  hooks:",
        "    github:",
        '      secret: {secret: "env:HOOK_SECRET"}',
        '      previous: {secret: "env:OLD_SECRET", until: 2999-01-01}',
        '      repositories: ["github.com/contoso/*"]',
        "    ghes:",
        '      secret: {secret: "file:ghes.txt"}',
        '      previous: {secret: "env:OLDER_SECRET", until: 2020-01-01}',
        '      repositories: ["git.contoso.example/*"]',
        '  admin: {secret: "env:ADMIN_TOKEN"}',
    ]
    (project.root / "reconciler.yaml").write_text(HEAD + "\n".join([*hooks, ""]))
    (project.root / "ghes.txt").write_text(PLANTED)
    project.environment["HOOK_SECRET"] = PLANTED
    assert [(name, status) for name, status, _ in checks(project, "secret")] == [
        ("secret", "ok"),
        ("env:OLD_SECRET", "missing"),
        ("env:ADMIN_TOKEN", "missing"),
    ]
    told = project.run("doctor").out
    assert "2 of 4 variables and files are there" in told
    assert "reconciler.yaml:7" in told
    assert PLANTED not in told


def test_a_vault_is_asked_once_for_each_identity_and_no_secret_is_read(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with registry() as server, serve_vaults(tmp_path / "vaults") as vaults:
        declare(project, server)
        for name, value in vaults.environment.items():
            monkeypatch.setenv(name, value)
        secrets = {
            "NPM": f"azurekv:https://{KEY_VAULT}/secrets/npm?clientID={CLIENT_ID}",
            "PIP": f"azurekv:https://{KEY_VAULT}/secrets/pip?clientID={CLIENT_ID}",
            "GEM": "vault:kv/web#gem",
        }
        project.write("web-api", step={"docker": {"images": ["web:1"], "secrets": secrets}})
        identity = f"{KEY_VAULT} as identity {CLIENT_ID}"
        assert checks(project, "vault") == [
            (identity, "ok", "lets us in; 2 references"),
            ("VAULT_ADDR", "ok", "lets us in; 1 reference"),
        ]
        assert not any("/data/" in one.path for one in vaults.asked_vault)
        vaults.issued.clear()
        denied = _of(checks(project, "vault"), "VAULT_ADDR")
        ended = project.run("doctor")
    assert denied[1] == "missing"
    assert "denies the token of" in denied[2]
    assert VAULT_TOKEN not in ended.out + ended.err
    assert ACCESS_TOKEN not in ended.out + ended.err


def test_an_inline_secret_is_asked_for_as_the_identity_that_reads_it(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with registry() as server, serve_vaults(tmp_path / "vaults") as vaults:
        declare(project, server)
        for name, value in vaults.environment.items():
            monkeypatch.setenv(name, value)
        url = f"https://{KEY_VAULT}/secrets/npm"
        secret = {"id": "npm", "keyvault": url, "clientID": CLIENT_ID}
        steps = [{"cmd": "contoso.example/tool:1"}]
        project.write("web-api", step={"inline": {"secrets": [secret], "steps": steps}})
        identity = f"{KEY_VAULT} as identity {CLIENT_ID}"
        assert checks(project, "vault") == [(identity, "ok", "lets us in; 1 reference")]


def test_an_inline_secret_that_only_a_run_can_name_stops_nothing(project: Project) -> None:
    secret = {"id": "npm", "keyvault": "https://{{.Run.RegistryName}}.vault.azure.net/secrets/npm"}
    steps = [{"cmd": "contoso.example/tool:1"}]
    with registry() as server:
        declare(project, server)
        project.write("web-api", step={"inline": {"secrets": [secret], "steps": steps}})
        assert checks(project, "specs") == []
        assert [status for _, status, _ in checks(project, "vault")] == ["not-needed"]


def test_a_task_file_is_read_for_its_secrets_and_for_the_platforms_of_its_builds(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"https://{KEY_VAULT}/secrets/npm"
    (project.root / "acb.yaml").write_text(
        "version: v1.1.0\n"
        f"secrets: [{{id: npm, keyvault: '{url}', clientID: {CLIENT_ID}}}]\n"
        "steps: [{build: -t web:1 --platform linux/arm64 .}]\n"
    )
    with registry() as server, serve_vaults(tmp_path / "vaults") as vaults:
        declare(project, server)
        for name, value in vaults.environment.items():
            monkeypatch.setenv(name, value)
        step = {"file": {"path": "acb.yaml"}}
        project.write("web-api", context={"source": "."}, step=step)
        identity = f"{KEY_VAULT} as identity {CLIENT_ID}"
        assert checks(project, "vault") == [(identity, "ok", "lets us in; 1 reference")]
        platforms = checks(project, "platform")
    told = "auto: nothing here can build an image in a step; 1 task of linux/amd64"
    assert [name for name, _, _ in platforms] == ["linux/amd64", "linux/arm64"]
    assert platforms[1] == ("linux/arm64", "missing", told)


def test_a_token_in_a_vault_is_as_good_as_its_vault(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "https://git.contoso.example/web.git#main"
    token = {"secret": "vault:kv/web#pat"}
    unset = "the address of the vault is not set"
    with registry() as server, serve_vaults(tmp_path / "vaults") as vaults:
        declare(project, server)
        project.write("web-api", context={"source": source, "token": token})
        assert checks(project, "token") == [("vault:kv/web#pat", "missing", unset)]
        for name, value in vaults.environment.items():
            monkeypatch.setenv(name, value)
        told = "its vault lets us in, and it is not read; no expiry is declared"
        assert checks(project, "token") == [("vault:kv/web#pat", "ok", told)]
        assert not any("/data/" in one.path for one in vaults.asked_vault)


def test_a_spec_that_is_wrong_is_told_and_stops_nothing(project: Project) -> None:
    project.write("web-api", imaginary=1)
    ((_, status, told),) = checks(project, "specs")
    assert (status, told) == ("warning", "1 error: what they ask for was not looked at")


def test_outside_of_a_workspace_nothing_is_declared_and_nothing_written(
    project: Project, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    project.environment["XDG_STATE_HOME"] = str(tmp_path / "state")
    outside = Project(elsewhere, environment=project.environment)
    ended = outside.run("doctor")
    assert ended.code == 0, ended.out + ended.err
    assert "There is no workspace here" in ended.out
    assert "state" not in ended.out.replace("workspace", "")
    assert not (tmp_path / "state").exists()
    found = json.loads(outside.run("doctor", "-o", "json").out)
    assert (found["workspace"], found["recorded"]) == (None, False)


def test_an_engine_that_is_gone_takes_nothing_away_that_is_known(project: Project) -> None:
    capability = Capability(engine="auto", version="20.10.24", runs=("linux/amd64",), at=WHEN)
    known = Recorded(capability=capability, by="ci@contoso.example", command="doctor")
    with project.opened() as opened, opened.database.write() as connection:
        record(connection, known)
    assert json.loads(project.run("doctor", "-o", "json").out)["recorded"] is False
    with project.opened() as opened, opened.database.read() as connection:
        assert recorded(connection) == (known,)


def test_a_declared_engine_that_does_not_answer_is_told_by_plan_too(project: Project) -> None:
    gone = "tcp://127.0.0.1:9"
    with registry() as server:
        declare(project, server)
        config = project.root / "reconciler.yaml"
        config.write_text(
            config.read_text() + f"platforms: {{linux/arm64: {{engine: '{gone}'}}}}\n"
        )
        project.write("web-api", platform="linux/arm64")
        assert json.loads(project.run("doctor", "-o", "json").out)["recorded"] is True
        told = "".join(project.run("plan").out.split())
    assert f"theengine{gone}cannotdolinux/arm64:noengineanswers" in told
    assert "noengine;recordedbydoctor" in told


def test_help_lists_it_with_the_daemon(project: Project) -> None:
    _, _, daemon = project.run("--help").out.partition("Daemon:")
    assert "\n  doctor" in daemon.partition("\n\n")[0]


# ------------------------------------------------------------------ who hangs
@contextmanager
def silence(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """(engine, registry) that take a connection and never say a word."""
    path = tmp_path / "hang.sock"
    with socket.socket(socket.AF_UNIX) as engine, socket.socket() as server:
        engine.bind(str(path))
        server.bind(("127.0.0.1", 0))
        for one in (engine, server):
            one.listen(20)
        yield f"unix://{path}", f"127.0.0.1:{server.getsockname()[1]}"


def test_who_hangs_holds_up_nobody(project: Project, tmp_path: Path) -> None:
    with silence(tmp_path) as (engine, server):
        declare(project, server)
        project.write("web-api")
        project.environment["DOCKER_HOST"] = engine
        opened = open_workspace(project.root, project.environment)
        found = {one.kind: one for one in diagnose(opened, seconds=6).findings}
        opened.close()
        # The end of the program waits for no thread either: nobody here ever lets them go.
        code = (
            "import os; from pathlib import Path\n"
            "from reconciler.operations.doctoring.doctor import diagnose\n"
            "from reconciler.operations.workspace import open_workspace\n"
            "print(len(diagnose(open_workspace(Path('.'), dict(os.environ)), seconds=1).lacking))"
        )
        process = project.spawn(code=code)
        try:
            out, err = process.communicate(timeout=25)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            pytest.fail("a thread that hangs holds up the end of the program")
    late = "no answer within 6 s"
    assert (found[Kind.ENGINE].status, found[Kind.ENGINE].text) == (Status.MISSING, late)
    assert found[Kind.PLATFORM].text == f"not known: {late}"
    assert (found[Kind.REGISTRY].status, found[Kind.REGISTRY].text) == (Status.MISSING, late)
    assert found[Kind.GIT].status is Status.OK
    assert found[Kind.STATE].status is Status.OK
    assert int(out) >= 3, err
