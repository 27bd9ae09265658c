"""The printed forms of `render` and `deps`. RECONCILER_UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import json
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from reconciler.operations.rendering.deps import Depends, DepsWords, find_dependencies
from reconciler.operations.rendering.render import Rendered, render_file
from reconciler.operations.rendering.render_words import RenderWords
from reconciler.report.deps import deps_json, deps_lines
from reconciler.report.machine import to_text
from reconciler.report.published import published_schema
from reconciler.report.render_json import render_json
from reconciler.report.render_text import render_lines
from tests.flow.desk import Desk
from tests.golden.compare import check_golden

FOLDER = Path(__file__).parent / "render"
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def rendered(file: str = "task.yaml") -> Rendered:
    words = RenderWords(file, FOLDER, registry="registry.contoso.example", settings=("version=7",))
    return render_file(words, NOW)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_task_file_looks_as_before(width: int) -> None:
    lines = render_lines(rendered(), width)
    assert max(map(len, lines)) <= width
    check_golden(FOLDER / f"task-{width}.txt", "\n".join(lines) + "\n")


def test_a_refused_file_looks_as_before() -> None:
    lines = render_lines(rendered("refused.yaml"), 80)
    check_golden(FOLDER / "refused-80.txt", "\n".join(lines) + "\n")


@pytest.mark.parametrize("file", ["task", "refused"])
def test_the_json_looks_as_before_and_keeps_to_its_schema(file: str) -> None:
    found = render_json(rendered(f"{file}.yaml"))
    jsonschema.Draft202012Validator(published_schema("render")).validate(found)
    check_golden(FOLDER / f"{file}.json", to_text(found) + "\n")


def dependencies() -> Depends:
    found = find_dependencies(DepsWords(".", FOLDER, images=("shop-api:1",)))
    # The commit of this very repository.
    entries = tuple(
        {**one, "git": {"git-head-revision": "4be02d1" + "0" * 33}} for one in found.entries
    )
    return Depends(found.file, entries, found.places)


@pytest.mark.parametrize("width", [40, 80])
def test_base_images_look_as_before(width: int) -> None:
    lines = deps_lines(dependencies(), width)
    assert max(map(len, lines)) <= width
    check_golden(FOLDER / f"deps-{width}.txt", "\n".join(lines) + "\n")


def test_the_list_of_base_images_looks_as_before_and_keeps_to_its_schema() -> None:
    found = deps_json(dependencies())
    jsonschema.Draft202012Validator(published_schema("deps")).validate(found)
    assert json.loads(to_text(found)) == found
    check_golden(FOLDER / "deps.json", to_text(found) + "\n")


PAGE = FOLDER.parents[2] / "docs" / "reference" / "render-and-deps.md"


def test_what_the_page_shows_is_what_is_printed(tmp_path: Path) -> None:
    blocks = re.findall(r"```(\w*)\n(.*?)```", PAGE.read_text(), re.DOTALL)
    written = {language: text for language, text in blocks if language}
    assert list(written) == ["yaml", "dockerfile"]
    desk = Desk(tmp_path)
    desk.write({"task.yaml": written["yaml"], "Dockerfile": written["dockerfile"]})
    shown = [text for language, text in blocks if not language]
    assert len(shown) == 2
    for text in shown:
        command, _, output = text.partition("\n")
        outcome = desk.run(*shlex.split(command.removeprefix("$ reconciler ")))
        assert (outcome.code, outcome.text) == (0, output)
