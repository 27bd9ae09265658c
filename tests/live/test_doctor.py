"""doctor on the real engine and registries; plans say of engines what it says."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import docker
import jsonschema
import pytest
import yaml

from reconciler.model.platform import PLATFORMS
from reconciler.report.published import published_schema
from tests.live.conftest import SecuredRegistry
from tests.live.workshop import Workshop

pytestmark = pytest.mark.live
STEPS: dict[str, dict[str, Any]] = {
    "builds": {"docker": {"images": ["{name}:1"]}},
    "mounts": {"docker": {"images": ["{name}:1"], "secrets": {"NPM": "env:NPM"}}},
    "starts": {"inline": {"steps": [{"id": "look", "cmd": "busybox uname -m"}]}},
}


def doctor(workshop: Workshop) -> dict[str, Any]:
    ended = workshop.call("doctor", "-o", "json")
    assert ended.returncode in {0, 1}, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    jsonschema.Draft202012Validator(published_schema("doctor")).validate(found)
    assert found["complete"] is (ended.returncode == 0)
    return found


def of(found: dict[str, Any], kind: str) -> dict[str, tuple[str, str]]:
    """Status and text of the checks of a kind, by subject."""
    kept = (one for one in found["checks"] if one["kind"] == kind)
    return {one["subject"]: (one["status"], one["text"]) for one in kept}


def write(workshop: Workshop, name: str, platform: str, step: dict[str, Any]) -> None:
    text = yaml.safe_dump(step).replace("{name}", name)
    task = {
        "apiVersion": "reconciler/v1",
        "kind": "Task",
        "metadata": {"name": name, "registry": "contoso"},
        "spec": {
            "platform": platform,
            "context": {"source": "ctx"},
            "step": yaml.safe_load(text),
        },
    }
    (workshop.root / "specs").mkdir(exist_ok=True)
    (workshop.root / "specs" / f"{name}.yaml").write_text(yaml.safe_dump(task))


def test_what_is_here_is_found(workshop: Workshop, engine: docker.DockerClient) -> None:
    found = doctor(workshop)
    version = engine.version()
    assert of(found, "engine")["auto"][0] == "ok"
    assert version["Version"] in of(found, "engine")["auto"][1]
    (own,) = found["engines"]
    assert own["runs"][0] == f"{version['Os']}/{version['Arch']}"
    assert "classic" in of(found, "builder")
    assert of(found, "registry")[workshop.registry] == ("ok", "answers, asks for no login")
    assert of(found, "clock")["clock"] == ("ok", "agrees with 2 others, within 60 s")
    assert found["recorded"]
    assert found["complete"]


def test_a_real_registry_lets_the_right_login_in(
    workshop: Workshop, registry_htpasswd: SecuredRegistry, tmp_path: Path
) -> None:
    server = registry_htpasswd.address
    config = workshop.root / "reconciler.yaml"
    config.write_text(config.read_text().replace(workshop.registry, server))
    workshop.environment["DOCKER_CONFIG"] = str(tmp_path)
    assert of(doctor(workshop), "registry")[server][0] == "missing"
    for password, status in ((registry_htpasswd.password, "ok"), ("wr0ng-s3cret", "missing")):
        pair = f"{registry_htpasswd.username}:{password}".encode()
        auths = {server: {"auth": base64.b64encode(pair).decode()}}
        (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
        found = doctor(workshop)
        assert of(found, "registry")[server][0] == status
        assert password not in json.dumps(found)


def test_a_declared_buildkitd_that_is_not_there_is_missing(workshop: Workshop) -> None:
    config = workshop.root / "reconciler.yaml"
    entry = "platforms: {linux/arm64: {buildkit: 'tcp://127.0.0.1:9'}}\n"
    config.write_text(config.read_text() + entry)
    write(workshop, "web", "linux/amd64", STEPS["builds"])
    found = doctor(workshop)
    assert not found["complete"]
    assert of(found, "builder")["buildctl"][0] == "missing"
    assert "tcp://127.0.0.1:9" in of(found, "builder")["buildctl"][1]
    assert [one["subject"] for one in found["checks"] if one["kind"] == "engine"] == ["auto"]


def test_doctor_and_plan_agree_on_every_platform_here(workshop: Workshop) -> None:
    """Of each platform with each kind of step, on the engine as it is."""
    workshop.environment["NPM"] = "value"
    agreed = {"warning": "missing", "note": "warning"}
    for kind, step in STEPS.items():
        for platform in PLATFORMS:
            write(workshop, f"{kind}-{platform.replace('/', '-')}", platform, step)
        by_doctor = {name: one[0] for name, one in of(doctor(workshop), "platform").items()}
        for command in ("plan", "validate"):
            ended = workshop.call(command, "-o", "json")
            assert ended.returncode == 0, ended.stderr
            told = json.loads(ended.stdout)["diagnostics"]
            by_plan = {_platform_of(one["task"], kind): agreed[one["severity"]] for one in told}
            assert by_doctor == {name: by_plan.get(name, "ok") for name in PLATFORMS}
        for path in (workshop.root / "specs").iterdir():
            path.unlink()


def _platform_of(address: str, kind: str) -> str:
    name = address.removeprefix(f"contoso/{kind}-")
    return next(one for one in PLATFORMS if one.replace("/", "-") == name)


def test_a_run_names_the_declared_engine_that_does_not_answer(workshop: Workshop) -> None:
    config = workshop.root / "reconciler.yaml"
    entry = "platforms: {windows/amd64: {engine: 'tcp://127.0.0.1:9'}}\n"
    config.write_text(config.read_text() + entry)
    (workshop.root / "ctx").mkdir(exist_ok=True)
    (workshop.root / "ctx" / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\nRUN x\n")
    ended = workshop.call("build", "ctx", "--platform", "windows/amd64", "--no-push")
    told = " ".join((ended.stdout + ended.stderr).split())
    assert ended.returncode != 0
    assert "no container engine answers at tcp://127.0.0.1:9" in told
