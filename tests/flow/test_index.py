"""Many specs: read once, in several processes, and known again by their content alone."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from reconciler.cli import options
from reconciler.loader.walk import SpecFile
from reconciler.operations.reading import survey
from reconciler.operations.reading.examine import Examined, Examiner
from tests.flow.desk import WORKSPACE, Desk, task

POLICY = """\
apiVersion: reconciler/v1
kind: Policy
name: all
rules:
  - {name: ownership, params: {required: [owner]}}
  - {name: image-tags, enforcement: advisory, params: {forbid: [latest], requireUnique: false}}
"""
COUNT = 130


def many(count: int = COUNT) -> dict[str, str | bytes]:
    """Specs in folders of forty. Every tenth has advice, the first folder has Defaults."""
    files: dict[str, str | bytes] = {"policies/all.yaml": POLICY}
    for number in range(count):
        image = f"image-{number}:" + ("latest" if number % 10 == 0 else "1")
        place = f"specs/team-{number // 40}/task-{number:03d}.yaml"
        files[place] = task(f"task-{number:03d}", image, owner=f"team-{number % 3}")
    files["specs/team-0/defaults.yaml"] = defaults(900)
    return files


@pytest.fixture(name="full")
def full_desk(desk: Desk) -> Desk:
    desk.write(many())
    return desk


@pytest.fixture(name="reads")
def what_is_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are examined, in this process."""
    seen: list[str] = []
    whole = Examiner.examine

    def examine(self: Examiner, file: SpecFile) -> Examined:
        seen.append(file.name)
        return whole(self, file)

    monkeypatch.setattr(Examiner, "examine", examine)
    monkeypatch.setattr(survey, "processors", lambda: 1)
    return seen


def told(desk: Desk, *words: str) -> tuple[int, str]:
    """What is said, without the time it took and the moment it was said at."""
    outcome = desk.run(*(words or ("validate", "-o", "json")))
    return outcome.code, re.sub(r"\d+\.\d\d s", "", outcome.text)


def test_what_was_read_is_known_again_and_says_the_same(full: Desk, reads: list[str]) -> None:
    cold = told(full)
    assert len(reads) == COUNT + 1
    assert cold[1].count("latest") >= 13
    reads.clear()
    assert told(full) == cold
    assert reads == []


def test_several_processes_say_what_one_says(
    full: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    full.write({f"specs/team-1/wrong-{n}.yaml": task(f"wrong-{n}", f"web-{n}:1") for n in range(3)})
    full.write({"specs/team-2/typo.yaml": task("typo").replace("context", "contxt")})
    full.write({"specs/team-2/twice.yaml": task("task-003", "twice:1")})
    full.write({"specs/team-0/defaults.yaml": "apiVersion: reconciler/v1\nkind: Defaults\na: b\n"})
    found = []
    for number in (1, 2, 3):
        monkeypatch.setattr(survey, "processors", lambda number=number: number)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / f"cache-{number}"))
        found += [told(full), told(full)]
    assert found[0][0] == 1
    assert "two tasks have the address contoso/task-003" in found[0][1]
    assert "did you mean 'context'?" in found[0][1]
    assert [one for one in found if one != found[0]] == []


def test_a_fresh_checkout_elsewhere_is_warm(full: Desk, reads: list[str], tmp_path: Path) -> None:
    told(full)
    reads.clear()
    copy = tmp_path / "elsewhere"
    shutil.copytree(full.root, copy)
    for path in copy.rglob("*.yaml"):
        os.utime(path, (1, 1))
    other = Desk.__new__(Desk)
    other.root = copy
    assert other.run("validate").code == 0
    assert reads == []


def defaults(timeout: int) -> str:
    return f"apiVersion: reconciler/v1\nkind: Defaults\nspec: {{timeout: {timeout}}}\n"


ONE = task("task-050", "other:2", owner="team-x")
OTHER_SERVER = WORKSPACE.replace("registry.contoso", "other.contoso")
CHANGES: list[tuple[str, str, str, int]] = [
    ("one spec", "specs/team-1/task-050.yaml", ONE, 1),
    ("defaults above it", "specs/team-0/defaults.yaml", defaults(901), 41),
    ("new defaults", "specs/team-2/defaults.yaml", defaults(901), 41),
    ("a policy", "policies/all.yaml", POLICY + "  - {name: docker-socket}\n", COUNT + 1),
    ("the workspace", "reconciler.yaml", OTHER_SERVER, COUNT + 1),
]


@pytest.mark.parametrize(
    ("file", "text", "again"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES]
)
def test_what_changed_is_read_again_and_no_more(
    full: Desk, reads: list[str], file: str, text: str, again: int
) -> None:
    told(full)
    reads.clear()
    full.write({file: text})
    assert told(full)[0] == 0
    assert len(reads) == again


def test_a_file_in_which_anything_is_wrong_is_read_anew(full: Desk, reads: list[str]) -> None:
    full.write({"specs/team-2/typo.yaml": task("typo").replace("context", "contxt")})
    first = told(full)
    reads.clear()
    assert told(full) == first
    assert reads == ["specs/team-2/typo.yaml"]


def test_verdicts_end_with_the_day_they_hold_until(
    full: Desk, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = options.make_invocation

    def on(day: int) -> int:
        moment = datetime(2026, 11, day, 9, 0, tzinfo=UTC)
        monkeypatch.setattr(options, "make_invocation", partial(invocation, moment))
        reads.clear()
        return full.run("validate").code

    def invocation(moment: datetime, folder: str | None, *, debug: bool) -> options.Invocation:
        made = whole(folder, debug=debug)
        return replace(made, clock=lambda: moment)

    ends = task("ends-soon", "ends:1", owner="a", expires="2026-11-25")
    full.write({"specs/team-1/ends.yaml": ends})
    assert on(20) == 0
    assert (on(25), reads) == (0, [])
    assert (on(26), reads) == (3, ["specs/team-1/ends.yaml"])
    # A clock that was ahead leaves nothing behind that holds today.
    assert on(20) == 0
    assert "specs/team-1/ends.yaml" in reads


def entries(full: Desk) -> tuple[Path, sqlite3.Connection]:
    (path,) = (Path(os.environ["XDG_CACHE_HOME"]) / "reconciler" / "specs").glob("*.db")
    return path, sqlite3.connect(path)


def test_an_entry_that_was_altered_is_not_believed(full: Desk, reads: list[str]) -> None:
    full.write({"specs/team-1/nobody.yaml": task("nobody", "nobody:1")})
    first = told(full)
    assert first[0] == 3
    reads.clear()
    _, connection = entries(full)
    with connection:
        connection.execute("UPDATE entries SET entry = replace(entry, '\"f', '\"p')")
        assert connection.execute("SELECT changes()").fetchone()[0] > 0
    connection.close()
    assert told(full) == first
    assert "specs/team-1/nobody.yaml" in reads


def test_a_damaged_index_changes_nothing(full: Desk) -> None:
    first = told(full)
    path, connection = entries(full)
    connection.close()
    path.write_bytes(b"garbage" * 1000)
    assert told(full) == first
    assert told(full) == first


def test_templates_are_known_again_until_their_variables_change(
    full: Desk, reads: list[str]
) -> None:
    text = task("made-here", "made-${{ channel }}:latest", owner="a")
    full.write(
        {"reconciler.yaml": WORKSPACE + "vars: {channel: stable}\n", "specs/a.yaml.j2": text}
    )
    first = told(full)
    assert "specs/a.yaml.j2 (rendered)" in first[1]
    reads.clear()
    assert told(full) == first
    assert reads == []
    full.write({"reconciler.yaml": WORKSPACE + "vars: {channel: edge}\n"})
    assert "specs/a.yaml.j2" in (told(full), reads)[1]


def test_a_warm_plan_says_what_a_cold_one_says(
    full: Desk, reads: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert full.run("apply", "--auto-approve").code == 0
    reads.clear()
    outcome = full.run("plan", "--detailed-exitcode")
    assert (outcome.code, reads) == (0, [])
    assert f"{COUNT} unchanged" in outcome

    moved = task("task-999", "image-51:1", owner="team-0", movedFrom="task-051")
    full.write({"specs/team-1/task-051.yaml": moved, "specs/team-1/task-050.yaml": ONE})
    full.write({"specs/team-0/defaults.yaml": defaults(901)})
    (full.root / "specs/team-2/task-100.yaml").unlink()
    warm = told(full, "plan")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    assert told(full, "plan") == warm
    assert "specs/team-0/defaults.yaml:3" in warm[1]
    assert "41 to change, 1 to rename, 1 to delete" in full.run("plan")


@pytest.mark.parametrize(
    "changed", ["policy/rules/token.py", "loader/pasted.py", "operations/reading/inline_check.py"]
)
def test_code_that_judges_is_part_of_what_is_known(tmp_path: Path, changed: str) -> None:
    package = tmp_path / "reconciler"
    shutil.copytree(Path(survey.__file__).parents[2], package)
    before = survey.code_digest(package)
    assert survey.code_digest(Path(survey.__file__).parents[2]) == before
    with (package / changed).open("a") as file:
        file.write("# other\n")
    assert survey.code_digest(package) != before
