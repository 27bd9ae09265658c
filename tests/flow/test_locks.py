"""Two at once: one applies, the other is told who."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from reconciler.base.clock import to_iso, utc_now
from reconciler.store.locks import LEASE
from reconciler.store.schema import locks
from tests.flow.project import Project, new_project

# An apply whose provider waits, at its first write, until the file `go` is there.
SLOW = """
import sys, time
from pathlib import Path
from reconciler.cli.main import run
from reconciler.providers.embedded import EmbeddedProvider

real = EmbeddedProvider.update

def slow(self, *words):
    Path("started").touch()
    while not Path("go").exists():
        time.sleep(0.01)
    real(self, *words)

EmbeddedProvider.update = slow
sys.exit(run(["apply", "--auto-approve"]))
"""


@pytest.fixture(name="project")
def with_two_tasks(tmp_path: Path) -> Project:
    return new_project(tmp_path / "workspace", "web-api", "shop-api")


def until(condition: Callable[[], bool]) -> None:
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")


def slow_apply(project: Project) -> subprocess.Popen[str]:
    process = project.spawn(code=SLOW)
    until((project.root / "started").exists)
    return process


def test_the_second_apply_gets_5_and_the_name_of_the_first(project: Project) -> None:
    project.actor = "anne@contoso.example"
    first = slow_apply(project)
    project.actor = "bert@contoso.example"
    second = project.finish("apply", "--auto-approve")
    (project.root / "go").touch()
    out, _ = first.communicate(timeout=60)
    assert second.code == 5
    assert "error: the state is locked by anne@contoso.example" in second.err
    assert f"pid {first.pid}" in second.err
    assert (first.returncode, "Applied 2 of 2." in out) == (0, True)


def test_a_plan_beside_an_apply_works_and_disturbs_nothing(project: Project) -> None:
    first = slow_apply(project)
    beside = project.run("plan")
    (project.root / "go").touch()
    out, _ = first.communicate(timeout=60)
    assert (beside.code, "interrupted" in beside.out) == (0, False)
    assert (first.returncode, "Applied 2 of 2." in out) == (0, True)


def test_control_c_in_the_middle_is_130_and_the_next_plan_goes_on(project: Project) -> None:
    first = slow_apply(project)
    first.send_signal(signal.SIGINT)
    _, err = first.communicate(timeout=60)
    assert first.returncode == 130
    assert "error: interrupted after 0 of 2 writes" in err
    told = " ".join(project.run("plan").out.split())
    assert "was interrupted after 0 of 2 writes" in told
    assert project.run("apply", "--auto-approve").code == 0


def test_a_reader_who_leaves_does_not_stop_what_was_approved(project: Project) -> None:
    first = slow_apply(project)
    assert first.stdout is not None
    first.stdout.close()
    (project.root / "go").touch()
    assert first.wait(timeout=60) == 141
    assert len(project.live()) == 2
    assert "interrupted" not in project.run("plan").out
    assert first.stderr is not None
    assert "Traceback" not in first.stderr.read()
    first.stderr.close()


def test_a_living_holder_is_listed_and_broken_by_force_it_writes_nothing_more(
    project: Project,
) -> None:
    project.actor = "anne@contoso.example"
    first = slow_apply(project)
    project.actor = "bert@contoso.example"
    (lock,) = json.loads(project.run("lock", "list", "-o", "json").out)["locks"]
    assert (lock["holder"], lock["pid"], lock["life"]) == (
        "anne@contoso.example",
        first.pid,
        "alive",
    )
    assert "held by anne@contoso.example, alive" in project.run("lock", "list").out
    assert project.run("lock", "break", "--reason", "in a hurry").code == 5
    assert project.run("lock", "break", "--reason", "in a hurry", "--force").code == 0
    (project.root / "go").touch()
    _, err = first.communicate(timeout=60)
    assert (first.returncode, "the lock was lost" in err) == (6, True)
    assert project.live() == {}
    told = " ".join(project.run("lock", "list").out.split())
    assert "no lock: nobody is applying" in told
    assert "by bert@contoso.example: in a hurry (held by anne@contoso.example" in told
    # What it had noted is settled by the next one, and applied.
    assert "was interrupted after 0 of 2 writes" in " ".join(project.run("plan").out.split())
    assert project.run("apply", "--auto-approve").code == 0


def test_breaking_a_lock_takes_a_reason(project: Project) -> None:
    assert project.run("lock", "break").code == 64
    assert project.run("lock", "break", "--reason", " ").code == 64
    outcome = project.run("lock", "break", "--reason", "to be sure")
    assert (outcome.code, outcome.out) == (0, "no lock: nothing to break\n")


def test_of_many_at_once_one_applies_and_each_write_is_done_once(project: Project) -> None:
    assert project.run("plan", "--out", "p.json").code == 0
    racing = [project.spawn("apply", "p.json") for _ in range(5)]
    ended = [(process.communicate(timeout=120)[1], process.returncode) for process in racing]
    codes = sorted(code for _, code in ended)
    assert codes.count(0) == 1
    # Who comes while it is locked gets 5, who comes when it is done 6.
    assert set(codes[1:]) <= {5, 6}
    assert all("locked by lead@contoso.example" in err for err, code in ended if code == 5)
    with project.opened() as opened, opened.database.read() as connection:
        query = "SELECT address, state FROM journal ORDER BY address"
        found = [tuple(row) for row in connection.exec_driver_sql(query)]
    assert found == [("contoso/shop-api", "done"), ("contoso/web-api", "done")]


@pytest.mark.parametrize(("left", "code"), [(-1, 0), (55, 5)])
def test_a_holder_of_another_host_that_is_silent_loses_its_lock_when_the_lease_is_over(
    project: Project, left: int, code: int
) -> None:
    until = utc_now() + timedelta(seconds=left)
    with project.opened() as opened, opened.database.write() as connection:
        values = {"name": "state", "token": "t", "holder": "anne@contoso.example", "pid": 7}
        values |= {"host": "build-9", "process_started": "x", "purpose": "apply p-9"}
        moments = {"acquired_at": to_iso(until - LEASE), "expires_at": to_iso(until)}
        connection.execute(sa.insert(locks).values(**values, **moments))
    listed = project.run("lock", "list").out
    assert ("anne@contoso.example, expired" in listed) == (code == 0)
    outcome = project.run("apply", "--auto-approve")
    assert outcome.code == code
    told = " ".join(outcome.out.split())
    assert ("took over the lock of anne@contoso.example" in told) == (code == 0)
