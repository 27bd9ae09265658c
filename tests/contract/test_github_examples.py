"""GitHub's recorded payloads are read, and ours are what GitHub's schemas say.

The packages are installed by `.ci/run`; RECONCILER_OCTOKIT is the folder with both.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.model.event import PullRequest, Push
from reconciler.wire.fields import PayloadError
from reconciler.wire.github import read_payload
from tests.unit.wire.payloads import NONE, body, pull_request, push

FOLDER = os.environ.get("RECONCILER_OCTOKIT")
pytestmark = pytest.mark.skipif(
    FOLDER is None and not os.environ.get("RECONCILER_REQUIRE_LIVE"),
    reason="set RECONCILER_OCTOKIT to node_modules/@octokit with webhooks-examples",
)


def examples() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for path in sorted(Path(str(FOLDER), "webhooks-examples").glob("*/index.json")):
        for event in json.loads(path.read_text()):
            found += [(event["name"], example) for example in event["examples"]]
    return found


def test_every_recorded_payload_is_read_or_left_alone() -> None:
    kinds: Counter[str] = Counter()
    for event, payload in examples():
        found = read_payload(event, "application/json", body(payload))
        kinds[type(found).__name__] += 1
        if isinstance(found, Push):
            assert found.repository.endswith("/codertocat/hello-world")
            assert (found.after is None) == payload["deleted"]
            assert (found.tag or found.branch) in {"simple-tag", "master"}
        if isinstance(found, PullRequest):
            assert (found.number, found.target) == (payload["number"], "master")
            assert found.head == payload["pull_request"]["head"]["sha"]
    assert kinds["Push"] >= 7
    assert kinds["PullRequest"] >= 29
    assert kinds["Ping"] >= 4
    assert kinds["NoneType"] > 250


NEEDED = {
    "push": {"ref", "before", "after", "repository"},
    "pull_request": {"action", "number", "pull_request", "repository"},
}


def test_a_recorded_payload_without_a_field_that_is_needed_is_refused() -> None:
    for event, payload in examples():
        for name in NEEDED.get(event, ()):
            rest = {key: value for key, value in payload.items() if key != name}
            with pytest.raises(PayloadError, match=name):
                read_payload(event, "application/json", body(rest))


OURS = [
    ("push", push()),
    ("push", push(before=NONE, ref="refs/tags/v1", base_ref="refs/heads/main")),
    ("push", push(after=NONE, commits=[])),
    ("pull_request", pull_request()),
    ("pull_request", pull_request(head={"repo": None})),
]


@pytest.mark.parametrize(("event", "payload"), OURS)
def test_what_our_tests_send_is_what_github_says_it_sends(
    event: str, payload: dict[str, Any]
) -> None:
    path = Path(str(FOLDER), "webhooks-schemas", "schema.json")
    definitions = json.loads(path.read_text())["definitions"]
    name = "push$event" if event == "push" else f"pull_request${payload['action']}"
    schema = {"$ref": f"#/definitions/{name}", "definitions": definitions}
    jsonschema.Draft7Validator(schema).validate(payload)
    without = {key: value for key, value in payload.items() if key != "repository"}
    assert not jsonschema.Draft7Validator(schema).is_valid(without)
