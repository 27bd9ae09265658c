"""The pre-commit hooks we offer, installed by pre-commit itself into another repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.flow.desk import TASK, WORKSPACE
from tests.live.conftest import unavailable
from tests.live.git_server import add_commit, git

ROOT = Path(__file__).parents[2]
# What a hook is installed from: the package, what its build reads, and the list of hooks.
PARTS = ("reconciler", "pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml")
HOOKS = ("reconciler-validate", "reconciler-fmt")


@dataclass
class Scratch:
    """A repository with a workspace that obeys our hooks."""

    root: Path
    home: Path

    def hook(self, name: str, *, all_files: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a hook over all files, or for a commit, with what is written added."""
        git(self.root, "add", "--all")
        words = ["run", name, *["--all-files"] * all_files, "--color=never"]
        return subprocess.run(
            [sys.executable, "-m", "pre_commit", *words],
            cwd=self.root, env={**os.environ, "PRE_COMMIT_HOME": str(self.home)}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip


def offered(place: Path) -> str:
    """Make a repository of this working tree, as a tag would hold it; its commit."""
    place.mkdir()
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, place / part)
    git(place, "init", "--quiet")
    return add_commit(place, {".gitignore": "__pycache__/\n"}, "offered")


def scratch(tmp_path: Path) -> Scratch:
    made = Scratch(tmp_path / "scratch", tmp_path / "home")
    commit = offered(tmp_path / "offered")
    hooks = [{"id": name} for name in HOOKS]
    config = {"repos": [{"repo": str(tmp_path / "offered"), "rev": commit, "hooks": hooks}]}
    made.root.mkdir()
    git(made.root, "init", "--quiet")
    files = {"reconciler.yaml": WORKSPACE, "specs/web.yaml": TASK}
    add_commit(made.root, {**files, ".pre-commit-config.yaml": yaml.safe_dump(config)}, "first")
    return made


def require_package_index() -> None:
    words = ["install", "--quiet", "--dry-run", "--no-deps", "--ignore-installed", "hatchling"]
    asked = subprocess.run(
        [sys.executable, "-m", "pip", *words],
        stdin=subprocess.DEVNULL, capture_output=True, check=False,
    )  # fmt: skip
    if asked.returncode != 0:
        unavailable("no package index answers: pre-commit cannot install the hooks")


# One test: pre-commit installs the package once, and that takes long.
def test_the_offered_hooks_find_what_is_wrong_and_lay_out_the_files(tmp_path: Path) -> None:
    require_package_index()
    made = scratch(tmp_path)
    spec = made.root / "specs" / "web.yaml"
    assert made.hook("reconciler-fmt").returncode in {0, 1}  # whatever layout these files had
    for name in HOOKS:
        good = made.hook(name)
        assert (good.returncode, "Passed" in good.stdout) == (0, True), good.stdout

    laid_out = spec.read_text()
    spec.write_text(laid_out.replace("images:", "imges:"))
    wrong = made.hook("reconciler-validate")
    assert wrong.returncode == 1
    assert "specs/web.yaml:" in wrong.stdout
    assert "imges" in wrong.stdout
    assert "Traceback" not in wrong.stdout

    spec.write_text(laid_out.replace("kind: Task", "kind:    Task"))
    assert made.hook("reconciler-validate").returncode == 0
    untidy = made.hook("reconciler-fmt")
    assert untidy.returncode == 1
    assert "files were modified by this hook" in untidy.stdout
    assert spec.read_text() == laid_out
    assert made.hook("reconciler-fmt").returncode == 0

    # A commit that only deletes is looked at too.
    (made.root / "reconciler.yaml").unlink()
    deleted = made.hook("reconciler-validate", all_files=False)
    assert deleted.returncode == 1, deleted.stdout
    assert "there is no reconciler.yaml" in deleted.stdout
    assert "there is no reconciler.yaml" in made.hook("reconciler-fmt").stdout

    # A workspace in a subfolder is named.
    inner = made.root / "infra" / "shop"
    (inner / "specs").mkdir(parents=True)
    (inner / "reconciler.yaml").write_text(WORKSPACE)
    (inner / "specs" / "web.yaml").write_text(laid_out)
    hooks = yaml.safe_load((made.root / ".pre-commit-config.yaml").read_text())
    for hook in hooks["repos"][0]["hooks"]:
        hook["args"] = ["-C", "infra/shop", hook["id"].removeprefix("reconciler-")]
    (made.root / ".pre-commit-config.yaml").write_text(yaml.safe_dump(hooks))
    for name in HOOKS:
        inside = made.hook(name)
        assert inside.returncode == 0, inside.stdout
