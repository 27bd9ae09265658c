"""Messages to a real daemon over real sockets: which are taken, which are not, and why.

The numbers are those of the cases that a receiver must survive; docs/reference/serve.md has them.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.store.decisions import list_decisions
from reconciler.store.queue import depths
from reconciler.store.refusals import list_refusals
from reconciler.store.runs import list_runs
from tests.flow.project import Project, new_project
from tests.flow.serving.desk import SECRET, Daemon, daemon, eventually, signature, state
from tests.unit.wire.payloads import AFTER, NONE, REPOSITORY, body, commit, pull_request, push

SERVER = """\
server:
  hooks:
    github:
      secret: {secret: "env:HOOK_SECRET"}
      repositories: ["github.com/contoso/*"]
"""
CONTEXT = {
    "source": "https://github.com/contoso/web.git#main",
    "token": {"secret": "env:GIT_PAT", "kind": "classic", "scopes": ["repo"]},
}


def served(folder: Path, **triggers: Any) -> Project:
    """A workspace with one applied task that listens, and a hook."""
    project = new_project(folder)
    config = project.root / "reconciler.yaml"
    config.write_text(config.read_text() + SERVER)
    project.write("web-api", context=CONTEXT, triggers=triggers or {"commit": {}})
    assert project.run("apply", "--auto-approve").code == 0
    return project


@pytest.fixture(name="shared", scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    folder = tmp_path_factory.mktemp("served") / "workspace"
    project = served(folder, commit={}, pullRequest={})
    with daemon(project.root, "--no-worker", "--no-timers") as found:
        yield found


@pytest.fixture(name="at")
def without_a_past(shared: Daemon) -> Daemon:
    """The daemon of this module, its state as if no message had ever come."""
    with state(shared.root) as opened, opened.write() as connection:
        for table in ("queue", "runs", "decisions", "deliveries"):
            connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608  (our own words)
    return shared


def runs(at: Daemon) -> list[Any]:
    with state(at.root) as opened:
        return list_runs(opened, limit=1000)


def verdict(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["verdict"]


def commits(number: int) -> str:
    return f"{number:040x}"


# ------------------------------------------------------------------- accepted
def test_a_push_is_accepted_and_has_a_run(at: Daemon) -> None:
    answer = at.post(push())
    assert verdict(answer) == (202, "queued")
    (record,) = runs(at)
    assert answer.json()["runs"] == [record.id]
    assert (record.task, record.trigger, record.actor) == ("contoso/web-api", "commit", "oncall")
    assert record.commit == AFTER
    assert at.told("hook")[-1]["runs"] == record.id


def test_ping_and_what_wakes_nothing(at: Daemon) -> None:
    assert verdict(at.post({"zen": "x", "hook_id": 1}, "ping")) == (200, "ping")
    assert verdict(at.post({"action": "opened"}, "issues")) == (200, "ignored")
    assert runs(at) == []


def test_what_is_decided_against_is_told_and_kept(at: Daemon) -> None:
    answer = at.post(push(ref="refs/heads/other"))
    assert verdict(answer) == (200, "nothing")
    assert answer.json()["message"] == "contoso/web-api commit: other-branch"
    with state(at.root) as opened:
        (decided,) = list_decisions(opened, task="contoso/web-api")
    assert decided.detail == "other, the trigger is for main"


def test_health(at: Daemon) -> None:
    assert httpx.get(f"{at.url}/healthz").json() == {"status": "ok"}
    assert httpx.get(f"{at.url}/readyz").status_code == 200
    assert httpx.get(f"{at.url}/hooks/github").status_code == 405
    assert httpx.get(f"{at.url}/").status_code == 404
    assert "uvicorn" not in str(httpx.get(f"{at.url}/healthz").headers)


# --------------------------------------------------- whoever has not the secret
def test_row_1_forged_signature(at: Daemon) -> None:
    forged = signature(body(push()), "another secret")
    assert verdict(at.post(push(), x_hub_signature_256=forged)) == (401, "bad-signature")
    assert verdict(at.post(body(push()) + b" ", x_hub_signature_256=signature(body(push())))) == (
        401,
        "bad-signature",
    )
    assert runs(at) == []


def test_row_2_missing_signature(at: Daemon) -> None:
    answer = httpx.post(f"{at.url}/hooks/github", content=body(push()))
    assert verdict(answer) == (401, "no-signature")


def test_row_3_only_the_old_sha_1_signature(at: Daemon) -> None:
    old = "sha1=" + hmac.new(SECRET.encode(), body(push()), hashlib.sha1).hexdigest()
    answer = httpx.post(
        f"{at.url}/hooks/github", content=body(push()), headers={"x-hub-signature": old}
    )
    assert verdict(answer) == (401, "no-signature")
    assert verdict(at.post(push(), x_hub_signature_256=old)) == (401, "bad-signature")


def test_row_4_a_signature_that_is_no_ascii(at: Daemon) -> None:
    for odd in ("sha256=\u00e9".encode(), b"sha256=\xff\xfe" + b"0" * 62):
        sent = body(push())
        head = b"POST /hooks/github HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        head += b"X-Hub-Signature-256: " + odd + b"\r\nContent-Length: %d\r\n\r\n" % len(sent)
        assert at.raw(head + sent).startswith(b"HTTP/1.1 401 ")


def test_row_5_two_signatures(at: Daemon) -> None:
    sent = body(push())
    good = signature(sent)
    headers = [("x-hub-signature-256", good), ("x-hub-signature-256", good)]
    answer = httpx.post(f"{at.url}/hooks/github", content=sent, headers=headers)
    assert verdict(answer) == (401, "bad-signature")


def test_an_unknown_hook_and_one_without_its_secret(tmp_path: Path) -> None:
    project = served(tmp_path / "workspace")
    with daemon(project.root, "--no-worker", HOOK_SECRET="") as at:
        assert verdict(at.post(push(), hook="nobody")) == (404, "unknown-hook")
        answer = at.post(push())
        assert verdict(answer) == (503, "secret")
        assert "HOOK_SECRET" not in answer.text


def test_row_18_the_former_secret_counts_until_its_day(tmp_path: Path) -> None:
    project = served(tmp_path / "workspace")
    config = project.root / "reconciler.yaml"
    new = 'previous: {secret: "env:OLD_SECRET", until: %s}\n      repositories'
    for until, status in (("2999-01-01", 202), ("2026-01-01", 401)):
        config.write_text(config.read_text().replace("repositories", new % until, 1))
        with daemon(project.root, "--no-worker", OLD_SECRET="the former one") as at:
            old = signature(body(push()), "the former one")
            answer = at.post(push(), delivery=until, x_hub_signature_256=old)
            assert answer.status_code == status
        lines = [line for line in config.read_text().splitlines() if "previous" not in line]
        config.write_text("\n".join([*lines, ""]))


def test_what_is_refused_is_kept_with_its_reason(at: Daemon) -> None:
    at.post(push(), delivery="forged", x_hub_signature_256=signature(b"something else"))
    at.post(b"{}", delivery="odd\x7f")
    other = push(repository=REPOSITORY | {"clone_url": "https://github.com/evil/web.git"})
    at.post(other, delivery="foreign")
    assert verdict(at.post(push(), hook="nobody")) == (404, "unknown-hook")

    def stored() -> list[tuple[str, str | None, str]]:
        with state(at.root) as opened:
            found = list_refusals(opened, "github")
        return [(item.verdict.value, item.delivery, item.subject) for item in found]

    eventually(lambda: len(stored()) == 3)
    assert stored() == [
        ("other-repository", "foreign", "github.com/evil/web refs/heads/main"),
        ("malformed", "odd\\x7f", ""),
        ("bad-signature", "forged", ""),
    ]


# ------------------------------------------------------------------ once each
def test_row_6_a_message_that_comes_again(at: Daemon) -> None:
    first = at.post(push())
    again = at.post(push())
    assert verdict(again) == (200, "replayed")
    assert again.json()["runs"] == first.json()["runs"]
    assert len(runs(at)) == 1


def test_row_7_the_same_commit_in_another_message(at: Daemon) -> None:
    at.post(push())
    answer = at.post(push(), delivery="d2")
    assert answer.json()["message"] == "contoso/web-api commit: same-commit"
    assert len(runs(at)) == 1


def test_row_8_a_message_whose_run_was_lost_runs_and_one_that_is_done_does_not(at: Daemon) -> None:
    (run,) = at.post(push()).json()["runs"]
    assert verdict(at.post(push())) == (200, "replayed")
    with state(at.root) as opened, opened.write() as connection:
        connection.exec_driver_sql(
            "UPDATE runs SET status = 'Failed', record = json_set(record, '$.status', 'Failed',"
            " '$.reason', 'lost') WHERE id = ?",
            (run,),
        )
        connection.exec_driver_sql("DELETE FROM queue")
    answer = at.post(push())
    assert verdict(answer) == (202, "queued")
    assert answer.json()["runs"] != [run]
    assert verdict(at.post(push())) == (200, "replayed")


def test_row_17_a_burst_of_a_thousand_pushes(at: Daemon) -> None:
    at.post(push(after=commits(4000), before=commits(5000)), delivery="first")
    answers: list[tuple[int, str]] = []

    def send(numbers: range) -> None:
        for number in numbers:
            sent = push(after=commits(number), before=commits(5000))
            answers.append(verdict(at.post(sent, delivery=f"d{number}")))

    threads = [
        threading.Thread(target=send, args=(range(start, 1001, 8),)) for start in range(1, 9)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) == {(202, "queued")}
    assert len(answers) == 1000
    (record,) = runs(at)
    with state(at.root) as opened:
        (last,) = list_decisions(opened, task="contoso/web-api", limit=1)
    assert record.commit == last.version


def test_messages_that_come_together_are_taken_once_each(at: Daemon) -> None:
    answers: list[tuple[int, str]] = []

    def send() -> None:
        for number in range(1, 21):
            sent = push(after=commits(number), before=commits(5000))
            answers.append(verdict(at.post(sent, delivery=f"d{number}")))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count((202, "queued")) == 20
    assert answers.count((200, "replayed")) == 100


def test_what_was_answered_survives_kill_9(tmp_path: Path) -> None:
    project = served(tmp_path / "workspace")
    with daemon(project.root, "--no-worker") as at:
        (run,) = at.post(push()).json()["runs"]
        at.kill()
    with daemon(at.root, "--no-worker", "--no-timers") as next_one:
        assert verdict(next_one.post(push())) == (200, "replayed")
        assert [record.id for record in runs(next_one)] == [run]


# ---------------------------------------------------------------- hostile bodies
def test_row_9_a_body_over_the_limit_told_or_not(at: Daemon) -> None:
    head = b"POST /hooks/github HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    signed = head + b"X-Hub-Signature-256: sha256=" + b"0" * 64 + b"\r\n"
    told = head + b"Content-Length: 99999999\r\n\r\n"
    assert at.raw(told).startswith(b"HTTP/1.1 413 ")
    lying = head + b"Content-Length: 10\r\n\r\n" + b"x" * 1000
    assert at.raw(lying).startswith(b"HTTP/1.1 401 ")
    twice = head + b"Content-Length: 10\r\nContent-Length: 20\r\n\r\n" + b"x" * 20
    assert at.raw(twice).startswith(b"HTTP/1.1 400 ")
    chunk = b"%x\r\n" % (1 << 20) + b"x" * (1 << 20) + b"\r\n"
    with socket.create_connection(("127.0.0.1", at.port), timeout=30) as connection:
        connection.sendall(signed + b"Transfer-Encoding: chunked\r\n\r\n")
        answer = b""
        try:
            for _ in range(40):
                connection.sendall(chunk)
        except OSError:
            pass
        else:
            pytest.fail("forty megabytes were taken")
        try:
            answer = connection.recv(4096)
        except OSError:
            answer = b""
    assert answer == b"" or answer.startswith(b"HTTP/1.1 413 ")
    assert httpx.get(f"{at.url}/healthz").status_code == 200


def test_row_10_bytes_that_come_too_slowly(at: Daemon) -> None:
    slow_head = socket.create_connection(("127.0.0.1", at.port), timeout=40)
    slow_body = socket.create_connection(("127.0.0.1", at.port), timeout=40)
    with slow_head, slow_body:
        slow_head.sendall(b"POST /hooks/github HTTP/1.1\r\nHost: x\r\n")
        slow_body.sendall(
            b"POST /hooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
            b"X-Hub-Signature-256: sha256=" + b"0" * 64 + b"\r\n\r\nabc"
        )
        started = time.monotonic()
        while time.monotonic() - started < 4:
            time.sleep(0.5)
            slow_head.sendall(b"X-A: b\r\n")
            slow_body.sendall(b"d")
            assert httpx.get(f"{at.url}/healthz").status_code == 200
        assert slow_body.recv(4096).startswith(b"HTTP/1.1 408 ")
        assert slow_head.recv(4096) == b""


def test_row_11_a_compressed_body(at: Daemon) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    answer = at.post(bomb, content_encoding="gzip")
    assert verdict(answer) == (415, "refused")


@pytest.mark.parametrize(
    "sent",
    [
        b"[" * 100_000 + b"]" * 100_000,
        b'{"ref": ' + b"1" * 5_000 + b"}",
        b'{"ref": NaN}',
        b'{"ref": "a", "ref": "b"}',
        b'{"ref": "\\ud800"}',
        b"\xff\xfe",
        b"",
        b"[]",
        b"null",
    ],
)
def test_row_12_json_that_hurts(at: Daemon, sent: bytes) -> None:
    assert verdict(at.post(sent)) == (400, "malformed")
    assert at.process.poll() is None


def test_row_13_events_that_are_not_what_they_say(at: Daemon) -> None:
    assert verdict(at.post(push(), "pull_request")) == (400, "malformed")
    assert verdict(at.post({}, delivery="a")) == (400, "malformed")
    gone = push(after=NONE, head_commit=None, commits=[])
    assert at.post(gone, delivery="b").json()["message"].endswith(": deleted")
    tag = push(ref="refs/tags/v1")
    assert at.post(tag, delivery="c").json()["message"].endswith(": tag")
    assert verdict(at.post(push(), delivery="")) == (400, "malformed")
    assert verdict(at.post(push(), delivery="x" * 200)) == (400, "malformed")
    assert verdict(at.post(push(), content_type="text/plain")) == (415, "malformed")
    assert runs(at) == []


def test_row_14_a_fork_is_denied(at: Daemon) -> None:
    fork = pull_request(head={"repo": REPOSITORY | {"clone_url": "https://github.com/me/web.git"}})
    answer = at.post(fork, "pull_request")
    assert answer.json()["message"] == "contoso/web-api pullRequest: fork"
    own = at.post(pull_request(), "pull_request", "d2")
    assert verdict(own) == (202, "queued")
    assert len(runs(at)) == 1


def test_row_15_a_repository_that_is_not_the_hooks(at: Daemon) -> None:
    other = push(repository=REPOSITORY | {"clone_url": "https://github.com/evil/web.git"})
    assert verdict(at.post(other)) == (403, "other-repository")
    named = push(repository=REPOSITORY | {"clone_url": "https://evil.example/contoso/web.git"})
    assert verdict(at.post(named, delivery="d2")) == (403, "other-repository")
    assert runs(at) == []


@pytest.mark.parametrize(
    "ref", ["refs/heads/../x", "refs/heads/a\nb", "-x", "refs/heads/--upload-pack=touch x"]
)
def test_row_16_a_ref_that_is_none(at: Daemon, ref: str) -> None:
    assert verdict(at.post(push(ref=ref))) == (400, "malformed")


# ---------------------------------------------------------------------- changes
def test_an_apply_is_heard_without_a_restart(tmp_path: Path) -> None:
    project = served(tmp_path / "workspace")
    with daemon(project.root, "--no-worker") as at:
        filtered = {"commit": {"paths": {"include": ["docs/**"]}}}
        project.write("web-api", context=CONTEXT, triggers=filtered)
        assert project.run("apply", "--auto-approve").code == 0

        def heard() -> bool:
            sent = push(after=commits(time.monotonic_ns()), commits=[commit(added=["api/x"])])
            answer = at.post(sent, delivery=str(time.monotonic_ns()))
            return str(answer.json()["message"]).endswith(": path-filter")

        eventually(heard)


def test_an_address_that_is_taken_is_told_in_a_sentence(at: Daemon) -> None:
    project = Project(at.root)
    found = project.run("serve", "--listen", f"127.0.0.1:{at.port}")
    assert found.code == 1
    assert f"cannot listen on 127.0.0.1:{at.port}: Address already in use" in found.err


def test_a_run_that_waits_is_canceled_at_once_and_a_later_commit_gets_another(at: Daemon) -> None:
    (run,) = at.post(push()).json()["runs"]
    project = Project(at.root)
    found = project.run("cancel", run)
    assert (found.code, found.out) == (0, f"run {run}: canceled\n")
    with state(at.root) as opened:
        assert depths(opened) == {}
    (record,) = runs(at)
    assert (record.status, record.reason) == ("Canceled", "canceled")
    assert project.run("cancel", run).code == 64
    (other,) = at.post(push(after=commits(9)), delivery="d2").json()["runs"]
    assert other != run
