"""The JSON Schema of a task file and its reader: they know the same keys, and agree on files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from reconciler.model.step import InlineItem, InlineStep
from reconciler.taskfile.file.schema import task_file_schema
from reconciler.taskfile.steps.assemble import KEYS as TASK_KEYS
from reconciler.taskfile.steps.step import KEYS as STEP_KEYS
from reconciler.taskfile.tree.keys import is_hidden
from tests.contract.test_acb_conformance import ACCEPTED, BETTER
from tests.property.test_task_parse import FILES as STRUCTURES
from tests.unit.taskfile.file.test_read import FILES
from tests.unit.taskfile.reading import V11, errors

ROOT = Path(__file__).parents[4]
SCHEMA = task_file_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
STEP = SCHEMA["$defs"]["step"]["properties"]


def objection(document: Any) -> str | None:
    """The first thing that the schema has against a document."""
    found = next(iter(VALIDATOR.iter_errors(document)), None)
    return None if found is None else f"{found.json_path}: {found.message}"


def parsed(text: str) -> Any:
    """The document of a text, None if an editor could not read it before it is rendered."""
    try:
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError:
        return None


# ------------------------------------------------------------------ keys
def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_and_the_reader_know_the_same_keys() -> None:
    assert set(SCHEMA["properties"]) == set(TASK_KEYS)
    assert set(STEP) == set(STEP_KEYS)


def test_steps_inside_a_spec_have_the_same_keys() -> None:
    def names(model: Any) -> set[str]:
        return {field.alias or name for name, field in model.model_fields.items()}

    assert names(InlineItem) == set(STEP_KEYS)
    assert names(InlineStep) - {"values", "set", "setSecret"} == set(TASK_KEYS)


def described(schema: Any) -> Iterator[tuple[str, Any]]:
    """Every property of a schema, and of the maps in it."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {}).items()
        for value in schema.values():
            yield from described(value)


def test_every_key_says_what_it_means() -> None:
    meant = [*SCHEMA["properties"].items(), *STEP.items()]
    meant += [item for _, value in meant for item in described(value)]
    assert len(meant) == len(TASK_KEYS) + len(STEP_KEYS) + 16
    assert [name for name, value in meant if not value["description"].endswith(".")] == []


# (a file with a map, how to reach the map)
MAPS: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "mount": (
        {
            "volumes": [{"name": "v", "secret": {"f": "eA=="}}],
            "steps": [{"cmd": "x", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}],
        },
        ["steps", 0, "volumeMounts", 0],
    ),
    "secret": (
        {"secrets": [{"id": "a", "keyvault": "https://k.v/secrets/s"}], "steps": [{"cmd": "x"}]},
        ["secrets", 0],
    ),
    "network": ({"networks": [{"name": "n"}], "steps": [{"cmd": "x"}]}, ["networks", 0]),
    "volume": (
        {"volumes": [{"name": "v", "secret": {"f": "eA=="}}], "steps": [{"cmd": "x"}]},
        ["volumes", 0],
    ),
    "alias": ({"version": "v1.1.0", "alias": {}, "steps": [{"cmd": "x"}]}, ["alias"]),
    "step": ({"steps": [{"cmd": "x"}]}, ["steps", 0]),
    "task": ({"steps": [{"cmd": "x"}]}, []),
}


@pytest.mark.parametrize("name", MAPS)
def test_an_unknown_key_is_refused_by_both(name: str) -> None:
    document, path = json.loads(json.dumps(MAPS[name]))
    assert (errors(yaml.safe_dump(document)), objection(document)) == ([], None)
    inner = document
    for part in path:
        inner = inner[part]
    inner["unknown"] = "x"
    assert "unknown" in errors(yaml.safe_dump(document))[0]
    assert "'unknown'" in str(objection(document))


def test_no_inner_field_of_the_engine_is_in_the_schema() -> None:
    known = {name for name, _ in described(SCHEMA)}
    assert not [name for name in known if is_hidden(name)]


# ----------------------------------------------------------------- files
def test_every_task_file_of_the_examples_is_valid() -> None:
    files = [*ROOT.glob("examples/**/acb.y*ml"), *ROOT.glob("examples/**/task.y*ml")]
    assert files
    assert {str(file): objection(parsed(file.read_text())) for file in files} == {
        str(file): None for file in files
    }


# Files whose steps are there only once they are rendered.
UNFINISHED = {"aliasmulti", "ranget", "tplif"}


def test_measured_files_that_are_read_strictly_are_valid() -> None:
    accepted = [case for case in ACCEPTED if case["name"] not in BETTER]
    documents = {case["name"]: parsed(case["yaml"]) for case in accepted}
    assert len(documents) == len(ACCEPTED) - len(BETTER)
    found = {name: objection(value) for name, value in documents.items()}
    assert {name for name, wrong in found.items() if wrong} == UNFINISHED


@pytest.mark.parametrize("name", [name for name in FILES if not errors(FILES[name][0])])
def test_a_file_that_is_read_strictly_is_valid(name: str) -> None:
    document = parsed(FILES[name][0])
    assert document is None or objection(document) is None


# What only the reader can know: what texts mean, other places of the file, what lies outside.
BEYOND = {
    *("id twice", "id as one made", "secret id twice", "networks of one name", "mount of nothing"),
    *("shell operator", "shell redirect", "two lines of commands", "open quote", "blank cmd"),
    *("flag before the image", "image in capitals", "unknown flag of build", "octal"),
    *("flag of build without value", "task env without =", "secret over http"),
    *("client id that is no UUID", "volume with a slash", "volume that is not base64"),
    *("unknown alias", "alias source that is missing", "value that is missing"),
    *("field of a value that is missing", "run variable that is not"),
}


def test_what_is_refused_for_its_structure_is_not_valid() -> None:
    refused = {name: parsed(FILES[name][0]) for name in FILES if errors(FILES[name][0])}
    valid = {name for name, document in refused.items() if document and not objection(document)}
    assert valid == BEYOND


@given(STRUCTURES)
@example({"steps": [{"cmd": "x", "push": []}]})
@example({"steps": [{"cmd": "x", "retries": 0, "repeat": 0, "timeout": 0, "startDelay": -1}]})
@example({"version": "V1.1.0", "alias": {"values": {"a": None}}, "steps": [{"build": 5}]})
@example({"steps": [{"id": 5, "cmd": True}, {"push": [5], "when": [5], "timeout": -1}]})
@example({"steps": [{"cmd": "x", "env": ["$a", "{{ .Run.ID }}=b"], "cache": "DISABLED"}]})
def test_what_the_reader_takes_the_schema_takes(document: dict[str, Any]) -> None:
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    if not errors(text):
        assert objection(document) is None


@pytest.mark.parametrize(
    "step",
    [
        {"cmd": "x", "build": "."},
        {"id": "a"},
        {"push": []},
        {"push": "a:b"},
        {"push": ["a:b"], "volumeMounts": [{"name": "v", "mountPath": "/v"}]},
        {"cmd": "x", "timeout": "30"},
        {"cmd": "x", "timeout": 28_801},
        {"cmd": "x", "timeout": 1.5},
        {"cmd": "x", "retries": -1},
        {"cmd": "x", "keep": "yes"},
        {"cmd": "x", "env": {"A": "1"}},
        {"cmd": "x", "env": ["A"]},
        {"cmd": "x", "when": "a"},
        {"id": "b", "cmd": "x", "when": ["a", "a"]},
        {"cmd": "x", "cache": "on"},
        {"cmd": "x", "cpus": "many"},
        {"cmd": "x", "ports": ["a:b"]},
        {"cmd": "x", "isolation": "none"},
        {"cmd": "x", "exitedWith": [256]},
        {"cmd": "x", "exitedWith": [1], "exitedWithout": [2]},
        {"cmd": "x", "id": "a b"},
        {"cmd": "x", "id": "acb_root"},
        {"cmd": ["x"]},
        "x",
        None,
    ],
)
def test_a_wrong_step_is_refused_by_both(step: Any) -> None:
    document = {"volumes": [{"name": "v", "secret": {"f": "eA=="}}], "steps": [step]}
    assert errors(yaml.safe_dump(document))
    assert objection(document)


def test_aliases_need_their_version_for_both() -> None:
    for version, right in (("v1.1.0", True), ("v1.0.0", False), (None, False)):
        document = {"version": version, "alias": {"values": {"a": "b"}}, "steps": [{"cmd": "x"}]}
        text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in document.items() if value)
        assert (errors(text) == []) is right
        assert (objection(document) is None) is right
    assert errors(V11 + "steps: [{cmd: x}]\n") == []
