"""The hooks check with the same libraries the package names, and offer only commands that exist."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


def hook(identifier: str) -> dict[str, Any]:
    """One of the hooks we obey."""
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    hooks: list[dict[str, Any]] = [hook for each in repositories for hook in each["hooks"]]
    return next(hook for hook in hooks if hook["id"] == identifier)


def test_the_mypy_hook_installs_every_dependency_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(project["dependencies"]) <= set(hook("mypy")["additional_dependencies"])


def test_the_mypy_hook_asks_for_nothing_the_project_does_not_name() -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    named = {*document["project"]["dependencies"], *document["dependency-groups"]["dev"]}
    assert set(hook("mypy")["additional_dependencies"]) <= named


def test_the_offered_hooks_call_the_command() -> None:
    offered = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    called = [[each["entry"], *each["args"]] for each in offered]
    assert called == [["reconciler", "validate"], ["reconciler", "fmt"]]
