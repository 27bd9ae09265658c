"""The data of `render`: what would run, without any secret."""

from __future__ import annotations

import json
from typing import Any

import jsonschema

from reconciler.operations.rendering.render import Rendered
from reconciler.report.published import published_schema
from reconciler.report.render_json import render_json
from tests.unit.taskfile.reading import RUN, V11, read

TEXT = (
    V11
    + """secrets:
  - {id: pw, keyvault: 'https://kv.vault.azure.net/secrets/s'}
volumes:
  - {name: v, secret: {f: '{{.Secrets.pw | b64enc}}'}}
steps:
  - id: image
    build: -t $Registry/app:$ID --build-arg TOKEN={{.Secrets.pw}} .
  - id: test
    cmd: $Registry/app:$ID run "a b"
    env: [K={{.Secrets.pw}}]
    timeout: 30
    startDelay: 5
    volumeMounts: [{name: v, mountPath: /a}, {name: v, mountPath: /b}]
  - push: [$Registry/app:$ID]
"""
)


def rendered(text: str, manner: str = "strict", **inputs: Any) -> dict[str, Any]:
    found = render_json(Rendered("task.yaml", RUN, read(text, manner, **inputs)))
    assert json.loads(json.dumps(found)) == found
    jsonschema.Draft202012Validator(published_schema("render")).validate(found)
    return found


def test_every_step_says_what_would_run() -> None:
    found = rendered(TEXT, "acb", secret=lambda _: "hush hush")
    build, test, push = found["steps"]
    assert found["format_version"] == "1.0"
    assert found["version"] == "v1.1.0"
    assert (
        set(build)
        >= set(push)
        == {
            *("id", "kind", "image", "argv", "build", "push", "needs", "env", "network"),
            *("workingDirectory", "timeout", "startDelay", "retries", "retryDelay", "repeat"),
            *("ignoreErrors", "detach", "keep", "mounts"),
        }
    )
    assert build["build"]["tags"] == ["reg.example.io/app:r1"]
    assert (test["image"], test["argv"]) == ("reg.example.io/app:r1", ["run", "a b"])
    assert (test["needs"], test["timeout"], test["startDelay"]) == (["image"], 30, 5)
    assert test["mounts"] == {"v": ["/a", "/b"]}
    assert (push["push"], push["image"], push["build"]) == (["reg.example.io/app:r1"], None, None)
    assert found["criticalPath"] == {"steps": ["image", "test", "acb_step_2"], "seconds": 1235}
    assert found["networks"][0]["name"] == "acb_default_network"


def test_no_secret_is_shown() -> None:
    text = json.dumps(rendered(TEXT, "acb", secret=lambda _: "hush hush"))
    assert "hush" not in text
    assert '"K": "***"' in text
    assert "TOKEN" in text


def test_a_secret_that_is_called_like_a_key_spoils_none() -> None:
    found = rendered(TEXT.replace("env: [K=", "env: [steps=1, K="), "acb", secret=lambda _: "steps")
    assert found["steps"][1]["env"] == {"***": "1", "K": "***"}


def test_a_refused_file_shows_its_diagnostics() -> None:
    found = rendered("steps:\n  - {cmd: x, timout: 5}\n")
    assert found["steps"] == []
    (item,) = found["diagnostics"]
    assert (item["severity"], item["file"], item["line"], item["column"]) == (
        "error",
        "task.yaml",
        2,
        14,
    )
    assert item["fix"] == 'did you mean "timeout"?'
