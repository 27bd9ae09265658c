"""What is imported when, so that help and validate stay quick."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.flow.project import new_project

_LOADED = """
import sys
from reconciler.cli.main import run
code = run(sys.argv[1:])
print("CODE", code, *sorted({name.partition(".")[0] for name in sys.modules}))
"""
HEAVY = {"sqlalchemy", "deepdiff", "docker", "git", "httpx", "rich", "croniter", "ruamel"}


def loaded(*words: str) -> tuple[int, set[str]]:
    done = subprocess.run(
        [sys.executable, "-c", _LOADED, *words], check=True, capture_output=True, text=True
    )
    _, code, *names = done.stdout.splitlines()[-1].split()
    return int(code), set(names)


def test_help_imports_nothing_heavy() -> None:
    code, names = loaded("--help")
    assert code == 0
    assert not names & (HEAVY | {"pydantic", "yaml", "jinja2"})


@pytest.mark.parametrize("words", [("validate",), ("validate", "-o", "json")])
def test_validate_imports_no_database_and_no_engine(tmp_path: Path, words: tuple[str, ...]) -> None:
    new_project(tmp_path, "web-api")
    code, names = loaded("-C", str(tmp_path), *words)
    assert code == 0
    assert not names & {"sqlalchemy", "deepdiff", "docker", "git", "httpx", "rich"}


def test_plan_without_changes_needs_no_deepdiff_and_no_docker(tmp_path: Path) -> None:
    new_project(tmp_path, "web-api").run("apply", "--auto-approve")
    code, names = loaded("-C", str(tmp_path), "plan")
    assert code == 0
    assert not names & {"deepdiff", "docker", "httpx", "rich"}
