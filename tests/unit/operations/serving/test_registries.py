"""Who may tell of pushes, and what comes of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.base.errors import SecretUnavailable
from reconciler.model.event import Decided
from reconciler.model.workspace import Notifier
from reconciler.operations.serving.dialects import Message
from reconciler.operations.serving.hooks import Answer
from reconciler.operations.serving.registries import RegistryDoor

SECRETS = {"env:NEW": "the new secret\n", "env:OLD": "the old secret", "env:EMPTY": " "}
BODY = json.dumps(
    {
        "events": [
            {
                "action": "push",
                "target": {
                    "mediaType": "application/vnd.oci.image.index.v1+json",
                    "repository": "team/base",
                    "tag": "1",
                },
            }
        ]
    }
).encode()


class Yard:
    """One registry, and the tags that were to be looked at."""

    def __init__(self) -> None:
        self.hurried: list[str] = []
        self.refused: list[Decided] = []
        self.watched = True
        self.day = 21
        self.secret = "env:NEW"

    def hurry(self, reference: str) -> bool:
        self.hurried.append(reference)
        return self.watched

    def read(self, reference: str) -> str:
        if reference not in SECRETS:
            raise SecretUnavailable("no")
        return SECRETS[reference]

    def send(self, *headers: bytes, body: bytes = BODY, name: str = "main") -> Answer:
        registry = Notifier.model_validate(
            {
                "loginServer": "Contoso.azurecr.io",
                "secret": {"secret": self.secret},
                "previous": {"secret": "env:OLD", "until": "2026-11-21"},
            }
        )
        door = RegistryDoor(
            {"main": registry},
            self.read,
            self.hurry,
            self.refused.append,
            lambda: datetime(2026, 11, self.day, 12, tzinfo=UTC),
        )
        return door.receive(name, Message({"authorization": list(headers)}, body))


@pytest.fixture
def yard() -> Yard:
    return Yard()


def test_a_push_has_its_tag_looked_at(yard: Yard) -> None:
    answer = yard.send(b"Bearer the new secret")
    assert (answer.status, answer.verdict) == (202, "looking")
    assert yard.hurried == ["contoso.azurecr.io/team/base:1"]
    yard.watched = False
    assert yard.send(b"Bearer the new secret").verdict == "ignored"


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (b"",),
        (b"Bearer ",),
        (b"Bearer",),
        (b"the new secret",),
        (b"bearer the new secret",),
        (b"Bearer the new secret ",),
        (b"Bearer \xff\xfe",),
        (b"Bearer the new secret", b"Bearer the new secret"),
    ],
)
def test_row_20_whoever_has_not_the_secret_is_not_heard(yard: Yard, headers: Any) -> None:
    answer = yard.send(*headers)
    assert (answer.status, yard.hurried) == (401, [])


def test_an_empty_secret_lets_nobody_in(yard: Yard) -> None:
    yard.secret = "env:EMPTY"
    assert yard.send(b"Bearer ").status == 401


def test_the_previous_secret_counts_through_its_day(yard: Yard) -> None:
    assert yard.send(b"Bearer the old secret").status == 202
    yard.day = 22
    assert yard.send(b"Bearer the old secret").status == 401


def test_what_cannot_be_judged_is_told(yard: Yard) -> None:
    assert yard.send(name="other").status == 404
    assert yard.send(b"Bearer the new secret", body=b"{").status == 400
    yard.secret = "env:GONE"
    assert yard.send(b"Bearer the new secret").status == 503
    assert yard.hurried == []


def test_a_name_that_is_none_is_left_out(yard: Yard) -> None:
    body = BODY.replace(b"team/base", b"../../Base?x")
    assert yard.send(b"Bearer the new secret", body=body).verdict == "ignored"
    assert yard.hurried == []


def test_what_is_refused_is_a_decision_of_its_own(yard: Yard) -> None:
    yard.send(b"Bearer a guess")
    yard.send(b"Bearer the new secret", body=b"{")
    yard.secret = "env:GONE"
    yard.send(b"Bearer the new secret")
    yard.send(b"Bearer the new secret", name="other")
    assert [(one.hook, one.verdict.value) for one in yard.refused] == [
        ("registry/main", "bad-signature"),
        ("registry/main", "malformed"),
        ("registry/main", "secret"),
    ]
    assert yard.refused[1].detail.startswith("the body is no JSON")


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ([], "there is no event"),
        ([("push", {})], "nobody stands on contoso.azurecr.io/team/base:1"),
        (
            [("push", {"mediaType": None}), ("pull", {}), ("delete", {})],
            "1 a push whose mediaType is none of an image; 2 no push",
        ),
        ([("push", {"tag": ""})], "1 a push without a tag"),
        ([("push", {"repository": "../x"})], "1 of a name that no image can have"),
    ],
)
def test_a_push_that_wakes_nothing_is_answered_by_what_was_understood(
    yard: Yard, events: list[tuple[str, dict[str, Any]]], text: str
) -> None:
    (known,) = json.loads(BODY)["events"]
    sent = [{"action": action, "target": known["target"] | more} for action, more in events]
    yard.watched = False
    answer = yard.send(b"Bearer the new secret", body=json.dumps({"events": sent}).encode())
    assert (answer.status, answer.verdict) == (200, "ignored")
    assert answer.text == f"nothing is looked at: {text}"


def test_what_is_looked_at_is_named(yard: Yard) -> None:
    answer = yard.send(b"Bearer the new secret")
    assert answer.text == "1 tag is looked at: contoso.azurecr.io/team/base:1"
