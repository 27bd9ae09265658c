"""The order of files, documents and keys never matters to a plan."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.flow.project import Project, new_project
from tests.unit.plan.builders import document

PLACES = {"origin", "cause", "file", "line"}
OLD: dict[str, dict[str, Any]] = {
    "web-api": {"timeout": 900, "triggers": {"timers": {"b": "0 3 * * *", "a": "0 4 * * *"}}},
    "etl-job": {"step": {"docker": {"images": ["etl:2", "etl:1"], "args": {"B": "1", "A": "2"}}}},
    "old-job": {},
}
NEW: dict[str, dict[str, Any]] = {
    "web-api": {
        "timeout": 1200,
        "triggers": {"timers": {"a": "0 5 * * *", "c": "0 4 * * *", "d": "0 6 * * *"}},
    },
    "etl-job": {"step": {"docker": {"images": ["etl:3", "etl:1"], "args": {"C": "1", "A": "3"}}}},
    "new-job": {"step": {"docker": {"images": ["new:2", "new:1"], "args": {"B": "1", "A": "2"}}}},
    "run-job": {"step": {"docker": {"images": ["etl:2"]}}},
}


def shuffled(value: Any, random: Random) -> Any:
    """The same with the keys of every map in another order, and the images, its only lists."""
    if isinstance(value, dict):
        keys = random.sample(list(value), len(value))
        return {key: shuffled(value[key], random) for key in keys}
    return random.sample(value, len(value)) if isinstance(value, list) else value


def write(project: Project, tasks: dict[str, dict[str, Any]], random: Random) -> None:
    """Tasks in any order, in one file or many, in one folder or two."""
    for path in project.root.glob("specs/**/*.yaml"):
        path.unlink()
    names = random.sample(list(tasks), len(tasks))
    files: dict[str, list[Any]] = {}
    for name in names:
        file = random.choice(["specs/z.yaml", "specs/a.yaml", "specs/m/m.yaml"])
        files.setdefault(file, []).append(shuffled(document(name, **tasks[name]), random))
    for file, documents in files.items():
        path = project.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump_all(documents, sort_keys=False))


def without_places(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_places(item) for key, item in value.items() if key not in PLACES}
    return [without_places(item) for item in value] if isinstance(value, list) else value


def planned(seed: int) -> Any:
    """What changes, and what is told of it, from specs in an order that a number decides."""
    random = Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        project = new_project(Path(folder) / "w")
        write(project, OLD, random)
        assert project.run("apply", "--auto-approve").code == 0
        write(project, NEW, random)
        content = json.loads(project.run("plan", "-o", "json").out)
    assert len(content["changes"]) == 5
    keys = ("changes", "drift", "releases", "unchanged", "looks_like_renames")
    found = {key: without_places(content[key]) for key in keys}
    timers = [{**timer, "next": None} for timer in content["timers"]]
    return {**found, "timers": timers}


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_the_order_of_files_documents_and_keys_never_matters(seed: int) -> None:
    assert planned(seed) == planned(0)
