"""The command `apply`: exactly the plan, or a clear refusal."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.base.clock import to_iso, utc_now
from reconciler.cli import options
from reconciler.operations.workspace import open_workspace
from tests.flow.project import POLICY, Project, new_project
from tests.terminal import answered as on_terminal


@pytest.fixture(name="project")
def with_two_tasks(tmp_path: Path) -> Project:
    return new_project(tmp_path / "workspace", "web-api", "shop-api")


def second_checkout(project: Project, tmp_path: Path) -> Project:
    """Another folder with the same specs and the same state."""
    for path in (project.root, other := tmp_path / "second"):
        if path is other:
            shutil.copytree(project.root, other, ignore=shutil.ignore_patterns(".reconciler"))
        text = (path / "reconciler.yaml").read_text()
        shared = f"state: sqlite:///{tmp_path}/shared/state.db"
        (path / "reconciler.yaml").write_text(re.sub("state: .*", shared, text))
    return Project(other, actor="dev@contoso.example")


# ---------------------------------------------------------------- saved plans
def test_a_saved_plan_is_applied_exactly(project: Project) -> None:
    project.run("plan", "--out", "p.json")
    project.write("other-api")
    outcome = project.run("apply", "p.json")
    assert outcome.code == 0
    assert "Applied 2 of 2." in outcome.out
    assert sorted(project.live()) == ["contoso/shop-api", "contoso/web-api"]


def test_what_somebody_else_applied_meanwhile_is_refused_with_all_facts(
    project: Project, tmp_path: Path
) -> None:
    other = second_checkout(project, tmp_path)
    assert project.run("apply", "--auto-approve").code == 0
    project.write(timeout=600)
    project.run("plan", "--out", "p.json")
    other.write(timeout=7200)
    assert other.run("apply", "--auto-approve").code == 0
    before = project.live()
    outcome = project.run("apply", "p.json")
    assert outcome.code == 6
    told = " ".join(outcome.err.split())
    assert "task contoso/web-api" in told
    assert "spec.timeout: planned from 3600, live is 7200 (by dev@contoso.example" in told
    assert project.live() == before


def test_everything_that_moved_is_named_at_once(project: Project) -> None:
    assert project.run("apply", "--auto-approve").code == 0
    project.write(timeout=600)
    project.write("shop-api", timeout=600)
    project.run("plan", "--out", "p.json")
    project.change_live(timeout=7200)
    project.change_live("shop-api", timeout=900)
    told = " ".join(project.run("apply", "p.json").err.split())
    assert "2 live tasks changed after this plan was made" in told
    for name, value in (("web-api", 7200), ("shop-api", 900)):
        assert f"task contoso/{name}" in told
        assert f"planned from 3600, live is {value} (by lead@contoso.example" in told


def test_the_same_plan_twice_is_stale_the_second_time(project: Project) -> None:
    project.run("plan", "--out", "p.json")
    assert project.run("apply", "p.json").code == 0
    outcome = project.run("apply", "p.json")
    assert outcome.code == 6
    assert "planned as new, now it exists" in " ".join(outcome.err.split())


def test_a_task_that_went_away_after_the_plan_is_named(project: Project) -> None:
    project.run("apply", "--auto-approve")
    project.write(timeout=600)
    project.run("plan", "--out", "p.json")
    with project.opened() as opened:
        opened.provider.delete("contoso/web-api")
    outcome = project.run("apply", "p.json")
    assert outcome.code == 6
    assert "now it is gone" in " ".join(outcome.err.split())


def test_a_rename_does_not_run_over_a_task_made_meanwhile(project: Project) -> None:
    project.run("apply", "--auto-approve")
    (project.root / "specs/web-api.yaml").unlink()
    project.write("front-end", metadata={"movedFrom": ["web-api"]})
    project.run("plan", "--out", "p.json")
    project.change_live("front-end", timeout=900)
    outcome = project.run("apply", "p.json")
    assert outcome.code == 6
    assert "contoso/front-end" in outcome.err
    assert "900" in project.live()["contoso/front-end"]


def later(monkeypatch: pytest.MonkeyPatch, **gap: int) -> None:
    """Let the command believe that it is later."""

    def clock() -> datetime:
        return utc_now() + timedelta(**gap)

    def opened(folder: Path, environment: dict[str, str], _: object) -> object:
        return open_workspace(folder, environment, clock)

    monkeypatch.setattr(options, "open_workspace", opened)


def test_the_age_of_a_saved_plan_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.run("plan", "--out", "p.json")
    later(monkeypatch, hours=3, minutes=1)
    told = " ".join(project.run("apply", "p.json").out.split())
    assert re.search(r"Plan p-\w+, made 3 h ago \(20\d\d-\d\d-\d\dT[\d:]+Z\)\.", told)


def test_an_expired_plan_is_stale(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.run("plan", "--out", "p.json")
    later(monkeypatch, hours=24, minutes=1)
    outcome = project.run("apply", "p.json")
    assert outcome.code == 6
    assert "the plan expired at" in outcome.err
    assert project.live() == {}


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"unchanged": 0', '"unchanged": 1', "edited"),
        ('"unchanged": 0', '"unchanged":  0', "edited"),
        ('"format_version": "1.0"', '"format_version": "2.0"', "has format 2.0"),
        ('"kind": "Plan"', '"kind": "Plot"', "no plan file"),
        ("{", "", "no plan file"),
    ],
)
def test_an_edited_or_newer_plan_is_1(project: Project, old: str, new: str, message: str) -> None:
    project.run("plan", "--out", "p.json")
    _edit(project.root / "p.json", old, new)
    outcome = project.run("apply", "p.json")
    assert outcome.code == 1
    assert message in outcome.err
    assert project.live() == {}


def test_a_plan_of_another_state_is_1(project: Project, tmp_path: Path) -> None:
    project.run("plan", "--out", "p.json")
    other = new_project(tmp_path / "other", "web-api")
    outcome = other.run("apply", str(project.root / "p.json"))
    assert outcome.code == 1
    assert "another state" in outcome.err


def test_a_file_that_is_no_plan_is_1(project: Project) -> None:
    (project.root / "p.json").write_bytes(b"\xff\xfe binary")
    assert "not text" in project.run("apply", "p.json").err
    assert project.run("apply", "missing.json").code == 1
    with (project.root / "big.json").open("wb") as file:
        file.truncate((1 << 29) + 1)
    outcome = project.run("apply", "big.json")
    assert (outcome.code, "too large" in outcome.err) == (1, True)


def test_a_plan_may_come_through_a_pipe(project: Project) -> None:
    project.run("plan", "--out", "p.json")
    pipe = project.root / "pipe"
    os.mkfifo(pipe)
    data = (project.root / "p.json").read_bytes()
    writer = threading.Thread(target=pipe.write_bytes, args=(data,))
    writer.start()
    assert project.run("apply", "pipe").code == 0
    writer.join()
    assert len(project.live()) == 2


# ------------------------------------------------------- precedence and policy
def blocked(project: Project) -> None:
    folder = project.root / "policies"
    folder.mkdir(exist_ok=True)
    (folder / "p.yaml").write_text(POLICY)


def test_a_plan_that_policy_blocks_is_3_saved_or_not(project: Project) -> None:
    blocked(project)
    assert project.run("plan", "--detailed-exitcode", "--out", "p.json").code == 3
    assert project.run("apply", "p.json").code == 3
    outcome = project.run("apply", "--auto-approve")
    assert outcome.code == 3
    assert "the plan has 2 policy failures" in outcome.err
    (project.root / "specs/web-api.yaml").unlink()
    assert "the plan has 1 policy failure\n" in project.run("apply", "--auto-approve").err
    assert project.live() == {}


def hold(project: Project) -> None:
    """Leave a lock of another host in the state."""
    import sqlalchemy as sa

    from reconciler.store.schema import locks

    with project.opened() as opened, opened.database.write() as connection:
        until = datetime(2999, 1, 1, tzinfo=UTC)
        connection.execute(
            sa.insert(locks).values(
                name="state",
                token="t",
                holder="anne@contoso.example",
                host="build-9",
                pid=7,
                process_started="x",
                purpose="apply p-9",
                acquired_at=to_iso(until),
                expires_at=to_iso(until),
            )
        )


def test_of_several_refusals_the_first_in_the_published_order_wins(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked(project)
    project.run("plan", "--out", "p.json")
    later(monkeypatch, hours=25)
    assert project.run("apply", "p.json").code == 3  # blocked and expired
    hold(project)
    assert project.run("apply", "p.json").code == 5  # locked, blocked and expired
    assert project.run("apply", "--auto-approve").code == 5
    (project.root / "p.json").write_text("{}")
    assert project.run("apply", "p.json").code == 1  # no plan, and locked


# ------------------------------------------------------------------- asking
def test_without_terminal_and_approval_it_is_wrong_usage(project: Project) -> None:
    outcome = project.finish("apply", stdin=-3)
    assert outcome.code == 64
    assert "--auto-approve" in outcome.err
    assert project.live() == {}


def test_a_saved_plan_takes_no_heal(project: Project) -> None:
    project.run("plan", "--out", "p.json")
    assert project.run("apply", "p.json", "--heal").code == 64


def answered(project: Project, answer: str | signal.Signals | None) -> tuple[int, str]:
    """`apply` on a terminal that answers or signals: (exit code, what it printed).

    None: it is not asked.
    """
    return on_terminal(
        lambda slave: project.spawn("apply", stdin=slave, stdout=slave, stderr=slave),
        "[y/N]",
        answer,
    )


def test_no_is_1_and_writes_nothing(project: Project) -> None:
    code, shown = answered(project, "n\n")
    assert (code, "not applied" in shown) == (1, True)
    assert project.live() == {}


def test_yes_applies(project: Project) -> None:
    code, shown = answered(project, "y\n")
    assert (code, "Applied 2 of 2." in shown) == (0, True)
    assert len(project.live()) == 2


def test_what_policy_blocks_is_not_asked_for(project: Project) -> None:
    blocked(project)
    code, shown = answered(project, None)
    assert (code, "[y/N]" in shown) == (3, False)


def test_control_c_at_the_question_is_130(project: Project) -> None:
    code, _ = answered(project, signal.SIGINT)
    assert code == 130
    assert project.live() == {}


def test_there_is_no_question_when_there_is_nothing_to_do(project: Project) -> None:
    project.run("apply", "--auto-approve")
    outcome = project.run("apply", "--auto-approve")
    assert (outcome.code, "Nothing to apply." in outcome.out) == (0, True)


# ------------------------------------------------------------------- renames
def test_a_rename_keeps_what_is_live_and_is_then_no_change(project: Project) -> None:
    project.run("apply", "--auto-approve")
    project.change_live(timeout=7200)
    (project.root / "specs/web-api.yaml").unlink()
    project.write("front-end", metadata={"movedFrom": ["web-api"]}, step=STEP)
    outcome = project.run("apply", "--auto-approve")
    assert (outcome.code, "renamed" in outcome.out) == (0, True)
    assert json.loads(project.live()["contoso/front-end"])["spec"]["timeout"] == 7200
    assert "contoso/web-api" not in project.live()
    assert "to " not in project.run("plan").out.splitlines()[-2]


STEP = {"docker": {"images": ["web-api:{{.Run.ID}}"]}}
