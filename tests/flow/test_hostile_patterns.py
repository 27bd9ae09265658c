"""Patterns that somebody wrote to keep a gate busy: many stars against a text that nearly fits.

Each is judged in a process that may use a minute of the processor, and needs a moment of it: Python
translates a star of `fnmatch` to an atomic group, so none is tried twice, and the paths of triggers
are read by RE2.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.flow.project import Project, new_project

SECONDS = 60
STARS, TEXT = "*a" * 200 + "*b", "a" * 10_000
# The longest tag has 128 characters: fewer stars than that have more ways to divide it.
FEW, WORD = "*a" * 60 + "*b", "a" * 500
RULES = {
    "ownership": {"ownerPattern": [STARS], "required": ["owner"]},
    "image-tags": {"forbid": [FEW], "repositories": {"*": [FEW]}, "requireUnique": False},
    "secrets-as-arguments": {"names": [STARS]},
}
MATCHES = f"""
from fnmatch import fnmatchcase
from reconciler.engine.triggers import decide, listening
from reconciler.model.common import Match
from tests.unit.engine.test_triggers import push, task

stars, text = {STARS!r}, {TEXT!r}
assert not Match(address=stars).selects(text, None, {{}})
for trigger in ({{"branch": stars}}, {{"paths": {{"include": [stars]}}}}):
    event = push(ref="refs/heads/" + (text if "branch" in trigger else "main"), files=(text,))
    (found,) = decide(event, listening("contoso/web", task(commit=trigger)))
    print(found.verdict.value)
"""


def _bounded() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def done(argv: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *argv],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=_bounded,
    )


@pytest.fixture(name="project")
def with_a_task_that_nearly_fits(tmp_path: Path) -> Project:
    project = new_project(tmp_path / "workspace")
    step = {"docker": {"images": [f"{'a' * 200}:{'a' * 120}"], "args": {WORD: "1"}}}
    project.write("web-api", step=step, metadata={"owner": WORD})
    return project


@pytest.mark.parametrize(
    ("rule", "code"), [("ownership", 3), ("image-tags", 3), ("secrets-as-arguments", 0)]
)
def test_a_policy_of_stars_does_not_hang_the_gate(project: Project, rule: str, code: int) -> None:
    policy = {
        "apiVersion": "reconciler/v1",
        "kind": "Policy",
        "rules": [{"name": rule, "params": RULES[rule]}],
    }
    folder = project.root / "policies"
    folder.mkdir()
    (folder / "stars.yaml").write_text(yaml.safe_dump(policy))
    found = done(["-m", "reconciler", "validate"], project.root)
    assert (found.returncode, "/stars.yaml:" in found.stdout) == (code, code > 0)


def test_a_trigger_of_stars_does_not_hang_the_hook() -> None:
    found = done(["-c", MATCHES], Path(__file__).parents[2])
    assert (found.returncode, found.stdout.split()) == (0, ["other-branch", "path-filter"]), (
        found.stderr
    )
