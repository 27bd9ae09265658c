"""Imports only go down: the contract holds, and fails when an upward import is planted."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lint(folder: Path) -> tuple[int, str]:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [str(program), "--no-cache", "--config", "pyproject.toml"],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(name="copy")
def copied_package(tmp_path: Path) -> Path:
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "reconciler", tmp_path / "reconciler", ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_floors_hold(copy: Path) -> None:
    code, told = lint(copy)
    assert code == 0, told


@pytest.mark.parametrize(
    ("module", "planted"),
    [
        ("base/ids.py", "import reconciler.model.task"),
        ("plan/merge.py", "import reconciler.policy.evaluate"),
        ("store/tasks.py", "def late():\n    import reconciler.operations.applying.apply"),
        ("report/human.py", "from reconciler.cli import options"),
    ],
)
def test_a_planted_upward_import_breaks_the_contract(copy: Path, module: str, planted: str) -> None:
    path = copy / "reconciler" / module
    path.write_text(f"{path.read_text()}\n{planted}\n")
    code, told = lint(copy)
    assert code == 1, told
    assert "BROKEN" in told


def test_a_new_floor_nobody_placed_breaks_the_contract(copy: Path) -> None:
    (copy / "reconciler/attic").mkdir()
    (copy / "reconciler/attic/__init__.py").write_text('"""Nobody knows this one."""\n')
    assert lint(copy)[0] == 1
