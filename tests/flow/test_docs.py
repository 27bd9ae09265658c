"""What the documentation shows is valid: every whole document in it goes through the loader."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.flow.desk import Desk

ROOT = Path(__file__).parents[2]
FILES = ["README.md", "docs/reference/spec.md", "docs/how-to/read-a-plan.md"]
FOLDERS = {"Task": "specs", "Defaults": "specs/below", "Policy": "policies", "Waiver": "policies"}


def documents() -> list[tuple[str, str]]:
    found = []
    for name in FILES:
        for block in re.findall(r"```yaml\n(.*?)```", (ROOT / name).read_text(), re.DOTALL):
            found += [(name, text) for text in block.split("\n---\n")]
    return found


def test_there_is_a_document_of_every_kind() -> None:
    kinds = {re.search(r"^kind: (\w+)", text, re.MULTILINE)[1] for _, text in documents()}  # type: ignore[index]
    assert kinds == {*FOLDERS, "Workspace"}


@pytest.mark.parametrize(("name", "text"), documents())
def test_a_document_shown_is_valid(name: str, text: str, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    kind = re.search(r"^kind: (\w+)", text, re.MULTILINE)
    assert kind is not None
    path = "reconciler.yaml" if kind[1] == "Workspace" else f"{FOLDERS[kind[1]]}/shown.yaml"
    desk.write({path: text})
    outcome = desk.run("validate")
    assert outcome.code == 0, outcome.text
