"""What an administrator asks of a real daemon, and what nobody else is told."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from reconciler.model.run import LogLine, RunStatus
from reconciler.store.claims import Room, claim
from reconciler.store.logs import LogFile, log_path
from reconciler.store.runs import list_runs, update_run
from tests.flow.project import Project
from tests.flow.serving.desk import Daemon, daemon, eventually, state
from tests.flow.serving.test_hooks import served
from tests.unit.wire.payloads import push

TOKEN = "adm1n-t0ken-planted-0123456789"
ADMIN = '  admin: {secret: "env:ADMIN_TOKEN"}\n'
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
PATHS = [
    ("GET", "/api/runs"),
    ("GET", "/api/runs/r1"),
    ("GET", "/api/runs/r1/log"),
    ("POST", "/api/runs/r1/cancel"),
    ("GET", "/api/tasks"),
    ("POST", "/api/tasks/contoso/web-api/run"),
    ("GET", "/api/decisions"),
]


def administered(folder: Path) -> Project:
    project = served(folder)
    config = project.root / "reconciler.yaml"
    config.write_text(config.read_text() + ADMIN)
    return project


@pytest.fixture(name="at", scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    project = administered(tmp_path_factory.mktemp("administered") / "workspace")
    with daemon(project.root, "--no-worker", "--no-timers", ADMIN_TOKEN=TOKEN) as found:
        yield found


def ask(at: Daemon, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    sent = {"authorization": f"Bearer {TOKEN}"} | {
        k.replace("_", "-"): v for k, v in headers.items()
    }
    return at.client.request(method, at.url + path, headers=sent)


# ------------------------------------------------------------------- who may ask
@pytest.mark.parametrize(("method", "path"), PATHS)
def test_nobody_is_told_anything_without_the_token(at: Daemon, method: str, path: str) -> None:
    wrong = [
        {},
        {"authorization": "Bearer"},
        {"authorization": f"Bearer {TOKEN[:-1]}"},
        {"authorization": f"Bearer {TOKEN}x"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": TOKEN},
        {"authorization": b"Bearer \xff\xfe"},
        [("authorization", f"Bearer {TOKEN}"), ("authorization", f"Bearer {TOKEN}")],
    ]
    for headers in wrong:
        answer = at.client.request(method, at.url + path, headers=headers)  # type: ignore[arg-type]
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert set(answer.json()) == {"error", "message"}
    answer = at.client.request(method, at.url + path + f"?token={TOKEN}")
    assert answer.status_code == 401
    with state(at.root) as opened:
        assert [run for run in list_runs(opened) if run.actor == "admin-api"] == []


def test_no_other_origin_may_read_an_answer(at: Daemon) -> None:
    answer = ask(at, "/api/runs", origin="https://evil.example")
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]
    preflight = at.client.options(f"{at.url}/api/runs", headers={"origin": "https://evil.example"})
    assert preflight.status_code == 405


@pytest.mark.parametrize(("given", "status"), [("", 503), ("short", 503)])
def test_a_token_that_is_missing_or_short_lets_nobody_in(
    tmp_path: Path, given: str, status: int
) -> None:
    project = administered(tmp_path / "workspace")
    with daemon(project.root, "--no-worker", ADMIN_TOKEN=given) as at:
        answer = ask(at, "/api/runs", authorization=f"Bearer {given or TOKEN}")
        assert answer.status_code == status
        assert "ADMIN_TOKEN" not in answer.text
    assert TOKEN not in str(at.lines)


def test_without_an_administrator_the_routes_are_shut(tmp_path: Path) -> None:
    project = served(tmp_path / "workspace")
    with daemon(project.root, "--no-worker") as at:
        assert ask(at, "/api/runs").status_code == 401
        assert at.client.get(f"{at.url}/metrics").status_code == 200


# ------------------------------------------------------------------------ asking
def test_runs_tasks_and_decisions_are_told_as_the_commands_tell_them(at: Daemon) -> None:
    (run,) = at.post(push()).json()["runs"]
    at.post(push(ref="refs/heads/other"), delivery="d2")
    project = Project(at.root)
    assert ask(at, "/api/runs").json() == json.loads(project.run("runs", "-o", "json").out)
    assert ask(at, f"/api/runs/{run}").json()["task"] == "contoso/web-api"
    assert [row["id"] for row in ask(at, "/api/runs?status=Queued").json()["runs"]] == [run]
    assert ask(at, "/api/runs?status=Failed").json()["runs"] == []
    (task,) = ask(at, "/api/tasks").json()["tasks"]
    assert (task["address"], task["last_run"]["id"]) == ("contoso/web-api", run)
    found = ask(at, "/api/decisions?task=contoso/web-api&limit=1").json()["decisions"]
    assert [item["verdict"] for item in found] == ["other-branch"]
    assert len(ask(at, "/api/decisions").json()["decisions"]) == 2


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/api/runs/nobody", 404, "unknown-run"),
        ("/api/runs/nobody/log", 404, "unknown-run"),
        ("/api/runs?task=contoso/nobody", 404, "unknown-task"),
        ("/api/runs?limit=0", 400, "bad-query"),
        ("/api/runs?limit=1001", 400, "bad-query"),
        ("/api/runs?limit=%C2%B2", 400, "bad-query"),
        ("/api/runs?status=Odd", 400, "bad-query"),
    ],
)
def test_what_is_asked_wrongly_is_told(at: Daemon, path: str, status: int, error: str) -> None:
    answer = ask(at, path)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


# ------------------------------------------------------------------------ acting
def test_a_run_is_queued_and_canceled(at: Daemon) -> None:
    answer = ask(at, "/api/tasks/contoso/web-api/run", "POST")
    assert (answer.status_code, answer.json()["trigger"]) == (202, "manual")
    run = answer.json()["id"]
    with state(at.root) as opened:
        (record,) = [item for item in list_runs(opened) if item.id == run]
    assert (record.status, record.actor) == (RunStatus.QUEUED, "admin-api")
    ended = ask(at, f"/api/runs/{run}/cancel", "POST")
    assert (ended.status_code, ended.json()["status"]) == (202, "Canceled")
    assert ask(at, f"/api/runs/{run}/cancel", "POST").status_code == 409
    assert ask(at, "/api/tasks/contoso/nobody/run", "POST").status_code == 404
    assert ask(at, "/api/tasks/contoso/web-api/run").status_code == 405


def test_a_person_goes_before_a_push(at: Daemon) -> None:
    pushed = at.post(push(ref="refs/heads/main", after="e" * 40), delivery="before").json()["runs"]
    asked = ask(at, "/api/tasks/contoso/web-api/run", "POST").json()["id"]
    with state(at.root) as opened:
        (first,) = claim(opened, "test", {"default": Room(1)}, 60, lambda: datetime.now(UTC))
    assert first.lease.run_id == asked
    for run in (asked, *pushed):
        ask(at, f"/api/runs/{run}/cancel", "POST")


def test_a_task_that_is_off_is_not_run(tmp_path: Path) -> None:
    project = administered(tmp_path / "workspace")
    context = {"source": "https://github.com/contoso/web.git#main"}
    project.write("switched-off", status="Disabled", context=context)
    assert project.run("apply", "--auto-approve").code == 0
    with daemon(project.root, "--no-worker", ADMIN_TOKEN=TOKEN) as at:
        answer = ask(at, "/api/tasks/contoso/switched-off/run", "POST")
        assert (answer.status_code, answer.json()["message"]) == (
            409,
            "the task contoso/switched-off is Disabled",
        )


# --------------------------------------------------------------------- following
def events(lines: Iterator[str]) -> Iterator[tuple[str, str, Any]]:
    """(id, event, data) of each."""
    fields: dict[str, str] = {}
    for line in lines:
        if line == "" and fields:
            yield fields["id"], fields["event"], json.loads(fields["data"])
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value


def test_a_log_is_followed_to_its_end_and_gone_on_with_where_it_was_cut(at: Daemon) -> None:
    run = ask(at, "/api/tasks/contoso/web-api/run", "POST").json()["id"]
    log = LogFile(log_path(at.root / ".reconciler" / "logs", run))
    log.write(LogLine(NOW, "build", "one"), LogLine(NOW, "build", "t\udcffwo \u2028 \n"))
    headers = {"authorization": f"Bearer {TOKEN}"}
    with at.client.stream("GET", f"{at.url}/api/runs/{run}/log", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        found = events(answer.iter_lines())
        first = next(found)
        assert (first[1], first[2]["line"]) == ("line", "one")
        assert next(found)[2]["line"] == "t\udcffwo \u2028 \n"
        log.write(LogLine(NOW, "build", "three"))
        assert next(found)[2]["line"] == "three"
        end_run(at, run)
        log.close()
        assert next(found)[1:] == ("end", {"id": run, "status": "Failed"})
        assert list(found) == []
    again = ask(at, f"/api/runs/{run}/log", last_event_id=first[0])
    texts = [data.get("line") for _, _, data in events(iter(again.text.splitlines()))]
    assert texts == ["t\udcffwo \u2028 \n", "three", None]
    for odd in ("-1", "x", "\u00b2", "9" * 30):
        sent = [(b"authorization", f"Bearer {TOKEN}".encode()), (b"last-event-id", odd.encode())]
        assert at.client.get(f"{at.url}/api/runs/{run}/log", headers=sent).status_code == 400
    # A position between two lines is none of ours: what is whole is told.
    middle = ask(at, f"/api/runs/{run}/log", last_event_id="3")
    assert '"line": "three"' in middle.text


def end_run(at: Daemon, run: str) -> None:
    with state(at.root) as opened:
        (record,) = [item for item in list_runs(opened) if item.id == run]
        assert update_run(opened, record.model_copy(update={"status": RunStatus.FAILED}))


def test_only_so_many_logs_are_followed_at_once_and_a_stop_is_not_held_up(tmp_path: Path) -> None:
    project = administered(tmp_path / "workspace")
    with daemon(project.root, "--no-worker", ADMIN_TOKEN=TOKEN) as at:
        run = ask(at, "/api/tasks/contoso/web-api/run", "POST").json()["id"]
        headers = {"authorization": f"Bearer {TOKEN}"}
        limits = httpx.Limits(max_connections=None)
        with httpx.Client(timeout=30, trust_env=False, limits=limits) as client:
            path = f"{at.url}/api/runs/{run}/log"
            streams = [client.stream("GET", path, headers=headers) for _ in range(32)]
            answers = [stream.__enter__() for stream in streams]
            assert {answer.status_code for answer in answers} == {200}
            assert not _follows(client, path, headers)
            assert client.get(f"{at.url}/api/runs", headers=headers).status_code == 200
            streams[0].__exit__(None, None, None)
            eventually(lambda: _follows(client, path, headers))
            assert at.stop() == 0
        assert [line for line in at.lines if line["part"] in {"?", "library"}] == []


def _follows(client: httpx.Client, path: str, headers: dict[str, str]) -> bool:
    with client.stream("GET", path, headers=headers) as answer:
        return answer.status_code == 200


# ----------------------------------------------------------------------- metrics
def test_metrics_are_for_this_machine_or_the_administrator(at: Daemon) -> None:
    at.post(b"{}", delivery="x", x_hub_signature_256="sha256=0")
    own = at.client.get(f"{at.url}/metrics")
    assert own.status_code == 200
    assert 'reconciler_deliveries_total{hook="github",verdict="bad-signature"}' in own.text
    for name in ("x-forwarded-for", "forwarded", "via", "x-real-ip"):
        proxied = at.client.get(f"{at.url}/metrics", headers={name: "203.0.113.9"})
        assert proxied.status_code == 401
    assert ask(at, "/metrics", x_forwarded_for="203.0.113.9").status_code == 200


# --------------------------------------------------------------------------- tls
def certificate(folder: Path) -> None:
    """A certificate of this machine, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "builds.contoso.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "server.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "server.key").write_bytes(key.private_bytes(pem, pkcs8, plain))


def test_tls_by_files_of_the_workspace(tmp_path: Path) -> None:
    project = administered(tmp_path / "workspace")
    config = project.root / "reconciler.yaml"
    config.write_text(config.read_text() + "  tls: {certificate: server.pem, key: server.key}\n")
    missing = project.run("serve", "--listen", "127.0.0.1:0")
    assert missing.code == 1
    assert "server.pem with the key server.key cannot be used: No such file" in missing.err
    certificate(project.root)
    with daemon(project.root, "--no-worker", ADMIN_TOKEN=TOKEN) as at:
        trusted = ssl.create_default_context(cafile=str(project.root / "server.pem"))
        with httpx.Client(verify=trusted, trust_env=False) as client:
            url = f"https://127.0.0.1:{at.port}/api/runs"
            answer = client.get(url, headers={"authorization": f"Bearer {TOKEN}"})
            assert (answer.status_code, answer.json()["runs"]) == (200, [])
        with pytest.raises(httpx.HTTPError):
            at.client.get(f"{at.url}/healthz")
        assert at.stop() == 0
    (project.root / "server.key").write_text("no key")
    wrong = project.run("serve", "--listen", "127.0.0.1:0")
    assert (wrong.code, "Traceback" in wrong.err) == (1, False)
