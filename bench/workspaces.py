"""Makes workspaces of many specs, and the same number of Terraform resources, one file each."""

from __future__ import annotations

import json
from pathlib import Path

_SPEC = """\
apiVersion: reconciler/v1
kind: Task
metadata:
  name: task-{number:06d}
  registry: contoso
  owner: team-{team}
  contact: team-{team}@contoso.example
  reviewBy: 2027-06-30
  description: Builds image {number} of the public API
  runbook: https://wiki.contoso.example/{number}
  labels: {{tier: prod, team: "{team}"}}
spec:
  platform: linux/amd64
  context:
    source: https://git.contoso.example/repository-{number}.git#main:api
    visibility: public
    token:
      secret: env:GIT_PAT
      kind: classic
      scopes: ["repo:status", public_repo]
      expires: 2027-01-31
  step:
    docker:
      file: Dockerfile
      images: ["image-{number}:{{{{.Run.ID}}}}", "image-{number}:{{{{.Run.Commit}}}}"]
      args: {{VERSION: "{number}", CHANNEL: stable}}
  triggers:
    commit: {{branch: main, paths: {{include: ["api/**"], exclude: ["**/*.md"]}}}}
    baseImage: {{type: Runtime}}
    timers:
      nightly: "{minute} 3 * * *"
  identity:
    type: UserAssigned
    ids: [{identity}]
  timeout: 3600
  retention: {{logs: 30d, runs: 90d}}
"""
_IDENTITY = (
    "/subscriptions/0/resourceGroups/r/providers/"
    "Microsoft.ManagedIdentity/userAssignedIdentities/build"
)
_WORKSPACE = """\
apiVersion: reconciler/v1
kind: Workspace
registries:
  - {name: contoso, loginServer: registry.contoso.example, provider: embedded}
"""
_RESOURCE = """\
resource "terraform_data" "task_{number:06d}" {{
  input = {{
    owner    = "team-{team}"
    contact  = "team-{team}@contoso.example"
    source   = "https://git.contoso.example/repository-{number}.git#main:api"
    image    = "image-{number}"
    schedule = "{minute} 3 * * *"
    timeout  = 3600
  }}
}}
"""


def make_workspace(folder: Path, count: int, policies: str) -> Path:
    """A workspace of `count` specs in folders of a hundred, with a policy file."""
    _write(folder / "reconciler.yaml", _WORKSPACE)
    _write(folder / "policies" / "default.yaml", policies)
    for number in range(count):
        place = folder / "specs" / f"team-{number // 100:04d}" / f"task-{number:06d}.yaml"
        _write(
            place,
            _SPEC.format(number=number, team=number % 40, minute=number % 60, identity=_IDENTITY),
        )
    return folder


def make_terraform(folder: Path, count: int) -> Path:
    """As many terraform_data resources, one file each."""
    for number in range(count):
        text = _RESOURCE.format(number=number, team=number % 40, minute=number % 60)
        _write(folder / f"task_{number:06d}.tf", text)
    return folder


def change_specs(folder: Path, count: int, *, every: int, timeout: int) -> None:
    """Give every so-manieth spec another timeout."""
    for number in range(0, count, every):
        path = folder / "specs" / f"team-{number // 100:04d}" / f"task-{number:06d}.yaml"
        lines = path.read_text(encoding="utf-8").splitlines()
        changed = [f"  timeout: {timeout}" if "timeout:" in line else line for line in lines]
        _write(path, "\n".join(changed) + "\n")


def write_tfstate(folder: Path, count: int) -> None:
    """The state as if `make_terraform` had been applied: applying takes terraform minutes."""
    resources = [_resource(number) for number in range(count)]
    state = {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 1,
        "lineage": "00000000-0000-0000-0000-000000000001",
        "outputs": {},
        "resources": resources,
        "check_results": None,
    }
    _write(folder / "terraform.tfstate", json.dumps(state))


def _resource(number: int) -> dict[str, object]:
    value = {
        "owner": f"team-{number % 40}",
        "contact": f"team-{number % 40}@contoso.example",
        "source": f"https://git.contoso.example/repository-{number}.git#main:api",
        "image": f"image-{number}",
        "schedule": f"{number % 60} 3 * * *",
        "timeout": 3600,
    }
    kinds = {key: "number" if key == "timeout" else "string" for key in value}
    typed = {"value": value, "type": ["object", kinds]}
    attributes = {"id": f"id-{number}", "input": typed, "output": typed, "triggers_replace": None}
    return {
        "mode": "managed",
        "type": "terraform_data",
        "name": f"task_{number:06d}",
        "provider": 'provider["terraform.io/builtin/terraform"]',
        "instances": [{"schema_version": 0, "attributes": attributes}],
    }


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
