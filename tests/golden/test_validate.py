"""What `validate` prints. RECONCILER_UPDATE_GOLDEN=1 writes the files anew."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.flow.desk import TASK, WORKSPACE, Desk, task
from tests.golden.compare import check_golden

FOLDER = Path(__file__).parent
FILES: dict[str, str | bytes] = {
    "specs/broken.yaml": "kind: Task\n\tname: web\n",
    "specs/copy.yaml": TASK,
    "specs/defaults.yaml": "apiVersion: reconciler/v1\nkind: Defaults\nspec: {timeuot: 600}\n",
    "specs/empty.yaml": "# nothing yet\n",
    "specs/made.yaml.j2": "a: 1\nb: ${{ team }}\n",
    "specs/typo.yaml": task(name="type-api", image="web:2") + "  retension: {logs: 1d}\n",
    "specs/web.yaml": TASK.replace("{source: web}", '{source: web, token: {secret: "hunter2"}}')
    + '  timeout: "600"\n  triggers: {timers: {nightly: "0 0 31 2 *"}}\n',
    "specs/web-copy.yaml": TASK,
    "policies/rules.yaml": "apiVersion: reconciler/v1\nkind: Policy\nrules: [{name: token-scop}]\n",
}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def printed(desk: Desk, *words: str) -> str:
    outcome = desk.validate(FILES, *words)
    assert outcome.code == 1
    return re.sub(r"\d+\.\d\d s", "0.00 s", outcome.text)


def test_the_text_looks_as_before(desk: Desk) -> None:
    check_golden(FOLDER / "validate.txt", printed(desk))


def test_the_json_looks_as_before(desk: Desk) -> None:
    text = re.sub(
        r'"tool_version": "[^"]*"', '"tool_version": "0.0.0"', printed(desk, "-o", "json")
    )
    check_golden(FOLDER / "validate.json", text)


def test_a_broken_workspace_file_looks_as_before(desk: Desk) -> None:
    desk.write({"reconciler.yaml": WORKSPACE + "limts: {delete: 5}\nstate: mysql://h\n"})
    outcome = desk.run("validate")
    check_golden(FOLDER / "validate-workspace.txt", outcome.text)
