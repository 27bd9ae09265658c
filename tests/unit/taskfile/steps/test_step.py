"""What one step may ask for, by kind, and what would do nothing or reach too far."""

from __future__ import annotations

import jsonschema
import pytest
import yaml

from reconciler.taskfile.file.schema import task_file_schema
from reconciler.taskfile.steps.step import EFFECTIVE, KEYS
from reconciler.taskfile.tasks import BuildStep
from tests.unit.taskfile.reading import V11, cmd, errors, read, steps, warnings


@pytest.mark.parametrize("manner", ["strict", "acb"])
@pytest.mark.parametrize("name", ["container:registry", "Container:a", "container:"])
def test_no_step_joins_the_network_of_a_container(name: str, manner: str) -> None:
    for top, step in (
        ("", f", network: '{name}'"),
        (f"networks: [{{name: '{name}', skipCreation: true, isDefault: true}}]\n", ""),
    ):
        text = f"{V11}{top}steps: [{{cmd: x{step}}}]\n"
        assert any("container" in message for message in errors(text, manner)), text
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"steps": [{"cmd": "x", "network": name}]}, task_file_schema())


@pytest.mark.parametrize("path", ["/proc", "/proc/1", "/sys/fs", "/dev/", "/dev/../dev"])
def test_no_volume_hides_what_the_system_keeps(path: str) -> None:
    volume = "volumes: [{name: v, secret: {f: aGk=}}]\n"
    text = f"{V11}{volume}steps: [{{cmd: x, volumeMounts: [{{name: v, mountPath: {path}}}]}}]\n"
    (message,) = errors(text)
    assert "volume" in message
    assert len(warnings(text, "acb")) == 1
    assert errors(text.replace(path, "/procure")) == errors(text.replace(path, "/run/x")) == []


def test_ids_that_are_one_host_name_are_refused() -> None:
    text = V11 + "steps: [{id: a, cmd: x}, {id: A, cmd: x}]\n"
    assert errors(text) == ['2: steps "a" and "A" have one host name']
    assert warnings(text, "acb") == errors(text)
    for name in ("localhost", "LOCALHOST"):
        text = f"{V11}steps: [{{id: {name}, cmd: x}}]\n"
        assert errors(text) == ["2: this id is the name of each step's own container"]
        assert warnings(text, "acb") == errors(text)


@pytest.mark.parametrize("manner", ["strict", "acb"])
def test_of_some_default_networks_the_last_one_is_it(manner: str) -> None:
    given = [{"name": name, "isDefault": name != "c"} for name in "abc"]
    text = yaml.safe_dump({"networks": given, "steps": [{"cmd": "x"}]})
    task = read(text, manner).checked()
    assert [item.name for item in task.networks if item.is_default] == ["b"]
    assert cmd(text, manner).network == "b"
    task = read(text, manner, network="outer").checked()
    assert [item.name for item in task.networks if item.is_default] == ["outer"]


WRITTEN = {
    "network": "host",
    "keep": True,
    "volumeMounts": [{"name": "v", "mountPath": "/k"}],
    "detach": True,
    "cache": "enabled",
    "privileged": True,
    "retries": 1,
    "env": ["A=b"],
}
DOES = {"cmd": "x", "build": ".", "push": ["x"]}


@pytest.mark.parametrize("kind", DOES)
@pytest.mark.parametrize("key", WRITTEN)
def test_a_key_that_does_nothing_for_a_kind_is_told(kind: str, key: str) -> None:
    document = {
        "volumes": [{"name": "v", "secret": {"f": "aGk="}}],
        "steps": [{kind: DOES[kind], key: WRITTEN[key]}],
    }
    found = read(yaml.safe_dump(document))
    told = [item for item in found.diagnostics if item.message.startswith((f'"{key}"', "a push"))]
    without_effect = key not in EFFECTIVE[kind] or (kind, key) == ("build", "network")
    assert bool(told) == without_effect
    assert set(EFFECTIVE) == set(DOES)
    assert set(KEYS) == set().union(*EFFECTIVE.values())


def test_a_build_obeys_only_the_network_none() -> None:
    text = "steps: [{build: ., network: none}]\n"
    assert warnings(text) == []
    (step,) = steps(text)
    assert isinstance(step, BuildStep)
    assert step.network == "none"
    text = V11 + "networks: [{name: n, isDefault: true}]\nsteps: [{build: ., keep: true}]\n"
    (step,) = steps(text)
    assert isinstance(step, BuildStep)
    assert (step.network, step.keep, step.mounts) == (None, False, ())
