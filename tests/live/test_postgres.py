"""The state in PostgreSQL: the same plan, apply, lock, resume and drift as in SQLite."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.flow.project import Project, new_project
from tests.live import postgres
from tests.live.conftest import unavailable

# Notes each live write, whoever does it.
COUNTING = """
CREATE TABLE noted (verb text, address text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO noted VALUES (lower(TG_OP), coalesce(new.address, old.address)); RETURN NULL;
END $$;
CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON live_tasks
  FOR EACH ROW EXECUTE FUNCTION note();
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    """The folder of a running server's socket: a short one, for a socket's name has a limit."""
    if postgres.programs() is None:
        unavailable("no PostgreSQL server is installed (Debian: postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        with postgres.running(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(name="url")
def own_database(server: Path) -> str:
    return postgres.make_database(server, f"state_{uuid.uuid4().hex[:8]}")


@pytest.fixture(name="project")
def with_three_tasks(tmp_path: Path, url: str) -> Project:
    project = new_project(tmp_path / "workspace", "web-api", "shop-api", "job-one")
    config = project.root / "reconciler.yaml"
    kept = [line for line in config.read_text().splitlines() if not line.startswith("state:")]
    config.write_text("\n".join([*kept, f"state: {url}", ""]))
    return project


def executed(url: str, *statements: str) -> list[tuple[str, str]]:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            result = connection.exec_driver_sql(statement)
        found = [(str(one), str(two)) for one, two in result] if result.returns_rows else []
    engine.dispose()
    return found


def test_plan_apply_drift_heal_and_destroy(project: Project) -> None:
    assert project.run("plan", "--detailed-exitcode", "--out", "p.json").code == 2
    assert "Applied 3 of 3." in project.run("apply", "p.json").out
    assert project.run("plan", "--detailed-exitcode").code == 0
    project.change_live("shop-api", timeout=900)
    assert project.run("drift").code == 8
    assert project.run("apply", "--heal", "--auto-approve").code == 0
    assert project.run("drift").code == 0
    assert project.run("destroy", "--auto-approve", "--confirm", "contoso").code == 0
    assert project.live() == {}


def test_a_plan_whose_task_moved_is_stale(project: Project) -> None:
    assert project.run("apply", "--auto-approve").code == 0
    project.write(timeout=800)
    assert project.run("plan", "--out", "p.json").code == 0
    project.change_live(timeout=900)
    outcome = project.run("apply", "p.json")
    assert outcome.code == 6
    assert "spec.timeout: planned from 3600, live is 900" in outcome.err


@pytest.mark.parametrize("moment", ["before", "written", "settled"])
def test_killed_at_a_write_and_resumed_does_each_write_once(
    project: Project, url: str, moment: str
) -> None:
    assert project.run("apply", "--auto-approve").code == 0
    project.write("web-api", timeout=800)
    (project.root / "specs/shop-api.yaml").unlink()
    project.write("new-one")
    assert project.run("plan", "--out", "p.json").code == 0
    executed(url, COUNTING)
    assert project.finish("apply", "p.json", "--fault-point", f"2:{moment}").code == -9
    assert "before" in project.run("apply", "--resume").out
    assert Counter(executed(url, "SELECT verb, address FROM noted")) == {
        ("update", "contoso/web-api"): 1,
        ("delete", "contoso/shop-api"): 1,
        ("insert", "contoso/new-one"): 1,
    }
    assert project.run("plan", "--detailed-exitcode").code == 0


def test_of_several_at_once_one_applies_and_the_others_name_it(project: Project) -> None:
    assert project.run("plan", "--out", "p.json").code == 0
    racing = [project.spawn("apply", "p.json") for _ in range(4)]
    ended = [(one.communicate(timeout=120), one.returncode) for one in racing]
    codes = Counter(code for _, code in ended)
    assert codes[0] == 1, ended
    assert set(codes) <= {0, 5, 6}
    for (_, err), code in ended:
        assert (code == 5) == ("the state is locked by" in err)
    assert len(project.live()) == 3


def test_a_server_that_is_gone_is_an_error_of_the_state(project: Project) -> None:
    config = project.root / "reconciler.yaml"
    config.write_text(config.read_text().replace("?host=", "?host=/nowhere"))
    outcome = project.run("plan")
    assert outcome.code == 1
    assert "error: the state database cannot be reached" in outcome.err
    assert "start the server, or mend `state:`" in outcome.err
