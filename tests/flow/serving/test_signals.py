"""What a running daemon is told by signals: read secrets and certificate again, and stop."""

from __future__ import annotations

import signal
import ssl
from pathlib import Path

import pytest

from tests.flow.project import Project
from tests.flow.serving.desk import SECRET, Daemon, daemon, eventually, signature
from tests.flow.serving.test_admin import TOKEN, administered, ask, certificate
from tests.flow.serving.test_hooks import verdict
from tests.unit.wire.payloads import body, push

NEW = "the secret of tomorrow"


@pytest.fixture(name="project")
def with_secrets_in_files(tmp_path: Path) -> Project:
    project = administered(tmp_path / "workspace")
    config = project.root / "reconciler.yaml"
    text = config.read_text().replace("env:HOOK_SECRET", "file:hook.secret")
    config.write_text(text.replace("env:ADMIN_TOKEN", "file:admin.token"))
    (project.root / "hook.secret").write_text(f"{SECRET}\n")
    (project.root / "admin.token").write_text(f"{TOKEN}\n")
    return project


def told_again(at: Daemon, part: str, word: str) -> dict[str, str]:
    """What a part says once the daemon is told to read again."""
    before = len(at.lines)

    def answered() -> list[dict[str, str]]:
        return [line for line in at.lines[before:] if line["part"] == part and word in line]

    at.process.send_signal(signal.SIGHUP)
    return dict(eventually(answered)[0])


def signed(at: Daemon, secret: str, delivery: str) -> tuple[int, str]:
    return verdict(
        at.post(push(), delivery=delivery, x_hub_signature_256=signature(body(push()), secret))
    )


def test_secrets_are_read_again_when_the_daemon_is_told_to(project: Project) -> None:
    with daemon(project.root, "--no-worker") as at:
        assert signed(at, SECRET, "d1") == (202, "queued")
        (project.root / "hook.secret").write_text(NEW)
        assert signed(at, NEW, "d2") == (401, "bad-signature")
        assert told_again(at, "secrets", "message")["message"] == "read again: 2"
        assert signed(at, NEW, "d3")[0] in {200, 202}
        assert signed(at, SECRET, "d4") == (401, "bad-signature")
        assert at.stop() == 0
    assert NEW not in str(at.lines)


def test_a_new_secret_that_is_no_good_is_told_and_the_former_one_counts(project: Project) -> None:
    with daemon(project.root, "--no-worker") as at:
        assert signed(at, SECRET, "d1") == (202, "queued")
        assert ask(at, "/api/runs").status_code == 200
        (project.root / "hook.secret").unlink()
        (project.root / "admin.token").write_text("short")
        assert told_again(at, "secrets", "message")["message"] == "read again: 0"
        gone, short = [line for line in at.told("secrets") if "error" in line]
        assert "file:hook.secret cannot be read" in gone["error"]
        assert "file:admin.token is too short" in short["error"]
        assert gone["kept"] == short["kept"] == "former"
        assert signed(at, SECRET, "d2")[0] == 200
        assert ask(at, "/api/runs").status_code == 200


def test_a_certificate_is_read_again_and_a_wrong_one_is_not_taken(project: Project) -> None:
    config = project.root / "reconciler.yaml"
    config.write_text(config.read_text() + "  tls: {certificate: server.pem, key: server.key}\n")
    certificate(project.root)
    first = (project.root / "server.pem").read_text()
    with daemon(project.root, "--no-worker") as at:

        def served() -> str:
            return ssl.get_server_certificate(("127.0.0.1", at.port), timeout=20)

        assert served() == first
        certificate(project.root)
        second = (project.root / "server.pem").read_text()
        assert served() == first
        assert told_again(at, "serve", "message")["message"] == "the certificate was read again"
        assert served() == second != first
        (project.root / "server.key").write_text("no key")
        wrong = told_again(at, "serve", "error")
        assert "server.pem with the key server.key cannot be used" in wrong["error"]
        assert served() == second
        assert at.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_ends_with_0(project: Project, number: signal.Signals) -> None:
    with daemon(project.root, "--no-worker") as at:
        at.process.send_signal(number)
        assert at.process.wait(timeout=60) == 0
    assert at.told("serve")[-1]["message"].startswith("stopping")
    assert at.told("?") == []


@pytest.mark.parametrize("address", ["here", ":80", "127.0.0.1:65536", "127.0.0.1:0x50"])
def test_an_address_that_is_none_is_a_wrong_word(project: Project, address: str) -> None:
    done = project.run("serve", "--listen", address)
    assert done.code == 64
    assert "it is HOST:PORT, such as 127.0.0.1:8321" in done.err
