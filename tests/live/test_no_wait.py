"""--no-wait: the run goes on in a process of its own, which the state knows."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import time
import uuid
from pathlib import Path

from tests.live.workshop import Workshop

PLANTED = "pl4nted-s3cret-value"


def queued(workshop: Workshop, *words: str) -> str:
    done = workshop.call(*words, "--no-wait")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"r[a-z0-9]{6}\n", done.stdout)
    return done.stdout.strip()


def ended(workshop: Workshop, run_id: str) -> dict[str, object]:
    followed = workshop.call("logs", "-f", run_id)
    assert followed.returncode == 0
    return next(record for record in workshop.records() if record["id"] == run_id)


def test_the_id_alone_is_printed_and_the_run_ends_by_itself(workshop: Workshop) -> None:
    workshop.context("app", f"RUN sleep 2; echo mark-{uuid.uuid4().hex}")
    begun = time.monotonic()
    run_id = queued(workshop, "build", "app", "-t", f"test-{uuid.uuid4().hex[:12]}")
    assert time.monotonic() - begun < 30
    assert ended(workshop, run_id)["status"] == "Succeeded"
    assert "mark-" in workshop.call("logs", run_id, "--step", "build").stdout


def test_a_failed_run_is_found_in_the_list(workshop: Workshop) -> None:
    workshop.context("app", "RUN exit 3")
    run_id = queued(workshop, "build", "app")
    assert (ended(workshop, run_id)["status"], ended(workshop, run_id)["reason"]) == (
        "Failed",
        "step",
    )


def test_it_is_canceled_like_any_other_and_a_rerun_takes_no_time_either(
    workshop: Workshop,
) -> None:
    workshop.context("slow", f"RUN echo {uuid.uuid4()}; sleep 300")
    first = queued(workshop, "build", "slow")
    assert workshop.call("cancel", first).stdout == f"run {first}: canceled\n"
    again = workshop.call("rerun", first, "--no-wait").stdout.strip()
    assert workshop.call("cancel", again).stdout == f"run {again}: canceled\n"
    assert workshop.last()["rerunOf"] == first


def test_a_module_in_the_folder_is_not_taken_for_the_program(workshop: Workshop) -> None:
    for name in ("click.py", "reconciler.py"):
        (workshop.root / name).write_text("raise SystemExit('planted')\n")
    workshop.context("app")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "reconciler", "build", "app", "--no-wait"],
        cwd=workshop.root, env=workshop.settings(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    run_id = done.stdout.strip()
    assert eventually_final(workshop.root, run_id)
    for name in ("click.py", "reconciler.py"):
        (workshop.root / name).unlink()
    assert ended(workshop, run_id)["status"] == "Succeeded"


def test_a_secret_is_neither_in_an_argument_nor_in_the_state(workshop: Workshop) -> None:
    workshop.environment["TOK"] = PLANTED
    workshop.context("slow", f"RUN --mount=type=secret,id=TOK echo {uuid.uuid4()}; sleep 3")
    run_id = queued(workshop, "build", "slow", "--secret", "TOK")
    arguments = b"".join(path.read_bytes() for path in processes() if path.exists())
    assert f"continue-run\0{run_id}".encode() in arguments
    assert PLANTED.encode() not in arguments
    assert ended(workshop, run_id)["status"] == "Succeeded"
    stored = b"".join(path.read_bytes() for path in workshop.root.rglob("*") if path.is_file())
    assert PLANTED.encode() not in stored


def processes() -> list[Path]:
    return list(Path("/proc").glob("[0-9]*/cmdline"))


def eventually_final(root: Path, run_id: str) -> bool:
    """Look into the state itself: our own command would take the planted modules."""
    query = "select status from runs where id = ?"
    for _ in range(300):
        with sqlite3.connect(root / ".reconciler" / "state.db") as database:
            row = database.execute(query, (run_id,)).fetchone()
        database.close()
        if row[0] not in {"Queued", "Running"}:
            return True
        time.sleep(0.1)
    return False
