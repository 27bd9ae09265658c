"""The pages about task files say what is true: files are read, lines are run, flags exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest

from reconciler.cli.main import cli
from reconciler.operations.authoring.schema import schema_of
from reconciler.taskfile.file.alias import IMAGES, PREDEFINED
from reconciler.taskfile.file.values import RUN_NAMES
from reconciler.taskfile.steps.assemble import KEYS as TASK_KEYS
from reconciler.taskfile.steps.buildarguments import KNOWN_FLAGS
from reconciler.taskfile.steps.limits import UNDONE_FLAGS
from reconciler.taskfile.steps.step import KEYS as STEP_KEYS
from reconciler.taskfile.template.functions.catalogue import template_functions
from tests.flow.desk import Desk
from tests.unit.taskfile.reading import errors, warnings

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {
    name: (DOCS / name).read_text()
    for name in ("how-to/which-kind-of-task.md", "reference/task-file.md", "reference/az-acr.md")
}
REFERENCE, AZ = PAGES["reference/task-file.md"], PAGES["reference/az-acr.md"]


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page in a language; "" for shell lines."""
    found = re.findall(r"^```(.*)\n((?:.*\n)*?)^```$", PAGES[page], re.MULTILINE)
    return [text for name, text in found if name == language]


def parts(text: str, heading: str) -> str:
    """What stands below a heading."""
    return text.split(f"\n## {heading}\n")[1].split("\n## ", maxsplit=1)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of every row of the tables in a text, without the heads."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def spans(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


# -------------------------------------------------------------- what is shown
SHOWN = [(page, text) for page in PAGES for text in blocks(page, "yaml")]


@pytest.mark.parametrize(("page", "text"), SHOWN)
def test_a_document_shown_is_valid(page: str, text: str, tmp_path: Path) -> None:
    if "apiVersion" in text:
        outcome = Desk(tmp_path).validate(text)
        assert (outcome.code, "0 errors, 0 warnings" in outcome) == (0, True), page
    else:
        assert (errors(text), warnings(text)) == ([], []), page


LINES = [(page, line) for page in PAGES for text in blocks(page, "") for line in text.splitlines()]


def command_of(words: list[str]) -> tuple[click.Command, click.Context]:
    """The command that the words call. Raises UsageError if they cannot."""
    context = click.Context(cli, info_name="reconciler")
    found = cli.get_command(context, words[1])
    assert found is not None, words
    return found, found.make_context(words[1], words[2:], parent=context)


@pytest.mark.parametrize(("page", "line"), LINES)
def test_a_line_shown_is_a_command(page: str, line: str) -> None:
    words = shlex.split(line.partition(">")[0])
    assert words[0] == "reconciler", page
    command_of(words)


@pytest.mark.parametrize("line", [line for _, line in LINES if " run " not in line])
def test_a_line_that_needs_no_engine_is_run(line: str, tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    (file,) = [
        text for text in blocks("how-to/which-kind-of-task.md", "yaml") if "apiV" not in text
    ]
    desk.write({"task.yaml": file})
    outcome = desk.run(*shlex.split(line.partition(">")[0])[1:])
    assert outcome.code == 0, outcome.text


# -------------------------------------------------------------- the reference
def test_every_key_has_its_row() -> None:
    assert [spans(row[0]) for row in rows(parts(REFERENCE, "The file"))[1:]] == [
        [key] for key in TASK_KEYS
    ]
    told = {spans(row[0])[0]: row[1] for row in rows(parts(REFERENCE, "A step"))[1:]}
    assert set(told) == set(STEP_KEYS)


@pytest.mark.parametrize("kind", ["cmd", "build", "push"])
def test_a_row_says_which_steps_a_key_is_for(kind: str) -> None:
    """A key without effect is a warning; the reference says so in its second column."""
    told = {spans(row[0])[0]: row[1] for row in rows(parts(REFERENCE, "A step"))[1:]}
    samples = {"cmd": "cmd: x", "build": "build: .", "push": "push: [a]"}
    values = {"env": "[A=1]", "when": "['-']", "retryOnErrors": "[a]", "ports": "[80]"}
    values |= {"expose": "[80]", "exitedWith": "[1]", "exitedWithout": "[1]", "cache": "enabled"}
    flags = ("ignoreErrors", "keep", "disableWorkingDirectoryOverride", "detach", "pull")
    values |= dict.fromkeys((*flags, "privileged"), "true") | {"isolation": "default", "id": "a"}
    values |= {"volumeMounts": "[]", "network": "none"}
    for key, where in told.items():
        if where == "-" or (kind, key) == ("push", "volumeMounts"):
            continue
        text = f"steps:\n  - {samples[kind]}\n    {key}: {values.get(key, 1)}\n"
        silent = not [line for line in warnings(text) if "no effect" in line]
        assert silent == (where == "all" or kind in where.split(", ")), (kind, key)
        assert errors(text) == []


def test_every_function_name_and_alias_is_told() -> None:
    functions = template_functions(datetime(2026, 11, 21, tzinfo=UTC), b"seed")
    table = [span for row in rows(parts(REFERENCE, "Templates"))[1:] for span in spans(row[1])]
    assert sorted(table) == sorted(name for name, one in functions.items() if not one.refused)
    assert set(RUN_NAMES) <= set(spans(parts(REFERENCE, "Templates")))
    aliases = spans(parts(REFERENCE, "Aliases").split("```")[0])
    assert {f"${name}" for name in PREDEFINED} | set(IMAGES) <= set(aliases)


def test_every_flag_of_a_build_is_told() -> None:
    told = rows(parts(REFERENCE, "What a build may ask for"))[1:]
    done, undone = ([row for row in told if (row[1] == "no") == no] for no in (False, True))
    flags = {flag for row in undone for flag in spans(row[0]) if flag.startswith("--")}
    assert flags == {f"--{name}" for name in UNDONE_FLAGS}
    known = {flag for row in done for flag in spans(row[0]) if flag.startswith("--")}
    assert known == {f"--{name}" for name in KNOWN_FLAGS - set(UNDONE_FLAGS)}
    for flag in flags:
        assert errors(f"steps:\n  - build: {flag}=x .\n"), flag
    for name in known - {"--platform", "--tag", "--secret"}:
        assert not errors(f"steps:\n  - build: {name}=true .\n"), name


# -------------------------------------------------------------- az acr
# What each command takes there, beside --registry, --resource-group and --no-format.
COMMON = "--no-logs --no-wait --timeout --platform --auth-mode --agent-pool --log-template"
AZURE = {
    "az acr build": "--image --file --build-arg --secret-build-arg --no-push --target"
    f" --source-acr-auth-id {COMMON}",
    "az acr run": f"--file --values --set --set-secret --cmd --source-acr-auth-id {COMMON}",
    "az acr task create, update": "--name --context --file --image --cmd --git-access-token"
    " --values --set --set-secret --arg --secret-arg --target --no-push --no-cache --status"
    " --platform --cpu --timeout --commit-trigger-enabled --pull-request-trigger-enabled"
    " --base-image-trigger-enabled --base-image-trigger-type --schedule --source-trigger-name"
    " --base-image-trigger-name --update-trigger-endpoint --update-trigger-payload-type"
    " --assign-identity --source-acr-auth-id --auth-mode --agent-pool --log-template"
    " --is-system-task",
    "az acr pack build": "--builder --image --pack-image-tag --pull --no-push",
    "az acr task ...": "--yes --run-id --identities --login-server --username --password"
    " --use-identity --timer-name --schedule --enabled",
    "az acr taskrun, agentpool": "--count --tier --subnet-id --queue-count --yes --name",
}
TASK = {
    "show": "--with-secure-properties",
    "run": "--context --file --arg --secret-arg --set --set-secret --target"
    " --update-trigger-token --agent-pool --no-logs --no-wait --log-template",
    "list-runs": "--name --run-status --image --top",
    "update-run": "--no-archive",
    **dict.fromkeys(("list", "delete", "show-run", "cancel-run", "logs"), ""),
    "identity": "assign remove show",
    "credential": "add update remove list",
    "timer": "add update remove list",
}


@pytest.mark.parametrize("heading", AZURE)
def test_every_flag_of_azure_has_a_row(heading: str) -> None:
    left = [
        word for row in rows(parts(AZ, heading)) for span in spans(row[0]) for word in span.split()
    ]
    assert [flag for flag in AZURE[heading].split() if flag not in left] == []


@pytest.mark.parametrize("command", TASK)
def test_every_task_command_of_azure_has_a_row(command: str) -> None:
    section = parts(AZ, "az acr task ...")
    own = [row for row in rows(section) if spans(row[0])[:1] and f"task {command}" in row[0]]
    assert own
    told = " ".join(spans(" ".join(map(" ".join, own))))
    assert [word for word in TASK[command].split() if word not in told] == []


ANSWERS = [row[1] for row in rows(AZ) if row[0] != "az"]


def test_every_row_has_an_answer() -> None:
    assert len(ANSWERS) > 60
    for answer in ANSWERS:
        assert "`" in answer or answer.startswith("none"), answer
        assert answer != "none", "it says why"


def references() -> Iterator[list[str]]:
    """The words of everything in our columns and texts that looks like a command."""
    names = "|".join(cli.list_commands(click.Context(cli)))
    for span in spans(AZ):
        if re.match(rf"(reconciler )?({names})( |$)", span):
            yield span.removeprefix("reconciler ").split()


@pytest.mark.parametrize("words", list(references()), ids=" ".join)
def test_a_command_that_is_named_exists_with_its_flags(words: list[str]) -> None:
    command = cli.get_command(click.Context(cli), words[0])
    assert command is not None
    known = {name for option in command.params for name in option.opts}
    assert [word for word in words if word.startswith("-") and word not in known] == []


def fields(schema: dict[str, Any], node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A node of a schema and everything it stands for."""
    yield node
    if "$ref" in node:
        yield from fields(schema, schema["$defs"][node["$ref"].rpartition("/")[2]])
    for key in ("anyOf", "oneOf", "allOf"):
        for one in node.get(key, ()):
            yield from fields(schema, one)


PATHS = sorted({span for span in spans(AZ) if re.match(r"(spec|metadata)\.", span)})


@pytest.mark.parametrize("path", PATHS)
def test_a_field_that_is_named_exists(path: str) -> None:
    schema = schema_of("task")
    nodes = [schema]
    for name in path.split("."):
        known = [one for node in nodes for one in fields(schema, node)]
        nodes = [one["properties"][name] for one in known if name in one.get("properties", {})]
        assert nodes, f"{path}: {name}"
