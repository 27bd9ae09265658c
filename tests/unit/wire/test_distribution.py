from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.wire.distribution import read_pushes
from reconciler.wire.fields import PayloadError

KIND = "application/vnd.oci.image.index.v1+json"


def event(action: str = "push", **target: Any) -> dict[str, Any]:
    given = {"mediaType": KIND, "repository": "team/base", "tag": "1", "digest": "sha256:0"}
    return {"id": "e", "action": action, "target": given | target}


def pushes(*events: Any) -> list[tuple[str, str]]:
    return list(read_pushes(json.dumps({"events": list(events)}).encode()).tags)


def test_pushes_of_tags_are_read_each_once() -> None:
    found = pushes(event(), event(), event(tag="2"), event(repository="other"))
    assert found == [("team/base", "1"), ("team/base", "2"), ("other", "1")]


def test_one_event_may_stand_alone_as_azure_sends_it() -> None:
    assert read_pushes(json.dumps(event()).encode()).tags == (("team/base", "1"),)


@pytest.mark.parametrize(
    "other",
    [
        event("pull"),
        event("delete"),
        event(tag=None),
        event(tag=""),
        event(tag=3),
        event(repository=None),
        event(mediaType="application/octet-stream"),
        event(mediaType=None),
        {"action": "push"},
        {"action": "push", "target": []},
        "push",
        None,
    ],
)
def test_what_is_no_push_of_a_tag_is_left_out(other: Any) -> None:
    assert pushes(other, event(tag="2")) == [("team/base", "2")]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"3", b'{"events": 1}', b"[" * 100_000, b'{"events": [' + b"1," * 1001 + b"1]}"],
)
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadError):
        read_pushes(body)


def test_why_something_is_left_out_is_told() -> None:
    events = [event("pull"), event(mediaType="text/html"), event("delete"), event(tag=""), event()]
    found = read_pushes(json.dumps({"events": events}).encode())
    assert found.left == {
        "no push": 2,
        "a push whose mediaType is none of an image": 1,
        "a push without a tag": 1,
    }
