"""A good spec, spoiled at random: never a crash, and every diagnostic points into its file."""

from __future__ import annotations

import copy
import itertools
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.base.yaml import load_documents
from reconciler.loader.files import WorkspaceFiles
from reconciler.loader.specs import SpecReader
from tests.flow.example import EXAMPLE

GOOD: Any = load_documents(EXAMPLE)[0].value
VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        10**18,
        1.5,
        "",
        "x",
        "{{",
        "env:X",
        "1d",
        [],
        ["x"],
        [[]],
        {},
        {"x": 1},
        {"": []},
    ]
)
Step = str | int


def paths(value: Any, path: tuple[Step, ...] = ()) -> list[tuple[Step, ...]]:
    """The paths of all values inside a value."""
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value if isinstance(value, list) else ())
    )
    below = [(*path, key) for key, _ in items]
    return [*below, *itertools.chain(*(paths(_at(value, (p[-1],)), p) for p in below))]


def _at(value: Any, path: tuple[Step, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


@st.composite
def spoiled(draw: st.DrawFn) -> Any:
    document = copy.deepcopy(GOOD)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(paths(document) or [("kind",)]))
        holder = _at(document, path[:-1])
        match draw(st.sampled_from(["delete", "replace", "add", "rename"])):
            case "delete":
                del holder[path[-1]]
            case "replace":
                holder[path[-1]] = draw(VALUES)
            case "add" if isinstance(holder, dict):
                holder[
                    draw(st.sampled_from(["x", "sercet", "docker", "spec", "\u202e", "k" * 300]))
                ] = draw(VALUES)
            case "rename" if isinstance(holder, dict):
                holder[f"{path[-1]}x"] = holder.pop(path[-1])
    return document


def check(files: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "specs").mkdir()
        for file, text in files.items():
            (root / "specs" / file).write_text(text)
        reader = SpecReader(WorkspaceFiles(root), {})
        tasks = list(reader.tasks())
        assert len(tasks) + bool(reader.diagnostics) >= 1
        for item in reader.diagnostics:
            assert item.location is not None
            lines = (root / item.location.file).read_text().split("\n")
            assert 1 <= item.location.line <= len(lines)
            assert 1 <= item.location.column <= len(lines[item.location.line - 1]) + 1


@given(spoiled(), st.booleans())
def test_a_spoiled_task_never_crashes_and_every_diagnostic_has_its_place(
    document: Any, flow: bool
) -> None:
    check({"a.yaml": yaml.safe_dump(document, default_flow_style=flow, sort_keys=False)})


@given(spoiled())
def test_spoiled_defaults_never_crash_and_every_diagnostic_has_its_place(document: Any) -> None:
    if isinstance(document.get("metadata"), dict):
        document["metadata"] = {
            key: value
            for key, value in document["metadata"].items()
            if key not in {"name", "movedFrom"}
        }
    document["kind"] = "Defaults"
    bare = "apiVersion: reconciler/v1\nkind: Task\nmetadata: {name: web-api}\n"
    check({"defaults.yaml": yaml.safe_dump(document), "task.yaml": bare})
