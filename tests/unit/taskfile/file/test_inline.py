"""Steps written in a spec: read as a text would be, each text expanded by itself."""

from __future__ import annotations

from typing import Any

from reconciler.base.diagnostics import Location
from reconciler.base.source import Path, spell_path
from reconciler.model.step import InlineStep
from reconciler.taskfile.file.inline import read_inline
from reconciler.taskfile.inputs import Inputs, Manner
from reconciler.taskfile.tasks import CmdStep, TaskFile
from tests.unit.taskfile.reading import RUN


def read(document: dict[str, Any], manner: Manner = Manner.STRICT, **inputs: Any) -> TaskFile:
    step = InlineStep.model_validate(document)
    dumped = step.model_dump(mode="json", by_alias=True, exclude_none=True)

    def locate(path: Path) -> Location:
        return Location(spell_path(path))

    given = Inputs(**{"run": RUN} | inputs)
    return read_inline(dumped, locate=locate, manner=manner, inputs=given)


def only(document: dict[str, Any], **inputs: Any) -> CmdStep:
    (step,) = read(document, **inputs).checked().steps
    assert isinstance(step, CmdStep)
    return step


def test_a_model_dump_is_read() -> None:
    step = only({"steps": [{"id": "a", "cmd": "bash 'x y' $ID", "timeout": 5, "env": ["A=1"]}]})
    assert (step.image, step.argv) == ("mcr.microsoft.com/acr/bash:2ff604c", ("x y", "r1"))
    assert (step.timeout, step.env, step.keep) == (5, (("A", "1"),), False)


def test_what_nobody_wrote_is_neither_refused_nor_told() -> None:
    steps = [{"build": "-t a:1 ."}, {"push": ["a:1"]}, {"cmd": "x", "exitedWith": [3]}]
    for manner in Manner:
        task = read({"steps": steps[:2]}, manner)
        assert [step.kind for step in task.checked().steps] == ["build", "push"]
        assert task.diagnostics == ()
    assert read({"steps": steps}).diagnostics == ()
    mounted = {"push": ["a:1"], "volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    assert read({"steps": [mounted]}).refused


def test_values_of_the_spec_are_known() -> None:
    document = {"steps": [{"cmd": "x {{.Values.a}} {{.Values.b}}"}], "values": {"a": 1, "b": 2}}
    assert only(document | {"set": {"b": "3"}}).argv == ("1", "3")
    assert only(document, values={"a": "9"}).argv == ("9", "2")


def test_a_value_cannot_change_the_structure() -> None:
    step = only({"steps": [{"cmd": "x '{{.Values.a}}'"}]}, values={"a": "1\n  - cmd: evil"})
    assert step.argv == ("1\n  - cmd: evil",)


def test_own_aliases_and_their_directive() -> None:
    alias = {"values": {"who": "{{.Run.ID}}"}, "directive": "%"}
    assert only({"steps": [{"cmd": "x %who $who"}], "alias": alias}).argv == ("r1", "$who")


def test_secrets_are_read_when_they_are_used() -> None:
    document = {
        "secrets": [{"id": "pw", "keyvault": "https://kv.vault.azure.net/secrets/s"}],
        "steps": [{"cmd": "x", "env": ['K="{{.Secrets.pw}}"']}],
    }
    assert only(document, secret=lambda _: "a 'b").env == (("K", "a 'b"),)
    assert only(document).env == (("K", "***"),)


def test_a_fault_is_told_at_the_field_of_the_spec() -> None:
    document = {
        "steps": [
            {"id": "a", "cmd": "x {{.Values.gone}}"},
            {"id": "b", "cmd": "y $gone", "when": ["c"]},
            {"cmd": "z", "retries": 2, "env": ["oops"]},
        ]
    }
    found = read(document)
    assert sorted(
        (item.location.file, item.message) for item in found.diagnostics if item.location
    ) == [
        ("steps.0.cmd", "template: .Values.gone is not given"),
        ("steps.1.cmd", "unknown alias $gone"),
        ("steps.1.when.0", 'step "b" waits for a step that does not exist'),
        ("steps.2.env.0", "an environment variable is written NAME=value"),
    ]
    assert found.steps == ()


def test_older_versions_know_no_alias() -> None:
    assert only({"version": "v1.0.0", "steps": [{"cmd": "bash $ID"}]}).argv == ("$ID",)
