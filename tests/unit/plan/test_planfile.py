"""A saved plan is exactly what was saved, or refused."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.base.canonical import digest_text
from reconciler.base.errors import PlanRejected, StalePlan
from reconciler.plan.change import Plan
from reconciler.plan.planfile import check_not_expired, plan_schema, read_plan, write_plan
from reconciler.plan.planlines import OPENING, key_lines
from tests.unit.plan.builders import NOW, compared, plan_of, task

KEY = b"k" * 32
PLAN = plan_of(compared([task(timeout=7200)], [task()], [task(timeout=900)]))
TEXT = "".join(write_plan(PLAN, KEY))


def _read(text: str, key: bytes, state_id: str) -> Plan:
    return read_plan(io.BytesIO(text.encode()), key, state_id)


def test_a_saved_plan_is_read_back_as_it_was() -> None:
    assert _read(TEXT, KEY, "s-test") == PLAN


_places = st.integers(0, len(TEXT) - 1)
_letters = st.characters(codec="utf-8") | st.sampled_from(' \n\t0123456789abcdef"{}[],:')


@given(_places, _letters, st.sampled_from(["replace", "insert", "delete"]))
def test_any_edit_of_one_character_is_refused(place: int, letter: str, how: str) -> None:
    after = TEXT[place:] if how == "insert" else TEXT[place + 1 :]
    edited = TEXT[:place] + ("" if how == "delete" else letter) + after
    if edited == TEXT:
        return
    with pytest.raises(PlanRejected) as caught:
        _read(edited, KEY, "s-test")
    assert caught.value.exit_code == 1


def _resealed(**changes: Any) -> str:
    """The plan as somebody would forge it who does not know the key."""
    content = {**json.loads(TEXT), **changes}
    content.pop("digest")
    signature = content.pop("signature")
    keys = [line for name, value in content.items() for line in key_lines(name, value)]
    text = OPENING + "".join(keys)
    digest = digest_text(text)
    return f'{text}"digest": "{digest}",\n"signature": "{signature}"\n}}\n'


def test_an_edit_with_a_fitting_digest_lacks_the_signature() -> None:
    with pytest.raises(PlanRejected, match="not sealed by this state"):
        _read(_resealed(declared=99), KEY, "s-test")


def test_a_plan_of_another_state_is_told_from_an_edited_one() -> None:
    with pytest.raises(PlanRejected, match="another state"):
        _read(TEXT, KEY, "s-other")


@pytest.mark.parametrize("version", ["2.0", "1.1", "0.9", None, 1, "1.0\x1b[31m"])
def test_a_plan_of_another_format_names_both_versions(version: Any) -> None:
    with pytest.raises(PlanRejected, match=r"has format .*reads 1\.0") as caught:
        _read(_resealed(format_version=version), KEY, "s-test")
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "null",
        '"Plan"',
        "{}",
        '{"kind": "Task"}',
        '{"kind": "Plan"}',
        '{"kind": "Plan", "format_version": "1.0"}',
        '{"kind": "Plan", "format_version": "1.0", "id": NaN}',
        '{"kind": "Plan", "format_version": "1.0", "declared": ' + "9" * 5000 + "}",
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"kind": "Plan", "format_version": "1.0", "x": ' + "[" * 900 + "]" * 900 + "}",
        "\ufeff" + TEXT,
        TEXT.replace("\n", "\r\n"),
        TEXT + TEXT,
    ],
)
def test_what_is_no_plan_is_refused_without_a_trace(text: str) -> None:
    with pytest.raises(PlanRejected):
        _read(text, KEY, "s-test")


def test_a_key_written_twice_is_an_edit() -> None:
    twice = TEXT.replace('\n"id": ', '\n"id": "p-other",\n"id": ', 1)
    with pytest.raises(PlanRejected, match="edited"):
        _read(twice, KEY, "s-test")


def test_a_plan_expires_at_its_moment() -> None:
    check_not_expired(PLAN, PLAN.expires - timedelta(seconds=1))
    with pytest.raises(StalePlan, match="expired"):
        check_not_expired(PLAN, PLAN.expires)
    assert PLAN.expires > NOW


def test_a_plan_file_holds_nothing_that_moves_a_terminal() -> None:
    hostile = task(metadata={"description": "\x1b[31m \u202e \x9b"})
    text = "".join(write_plan(plan_of(compared([hostile], [], [])), KEY))
    assert text.isascii()
    assert "\x1b" not in text
    assert isinstance(_read(text, KEY, "s-test"), Plan)


def test_the_published_schema_describes_a_saved_plan() -> None:
    import jsonschema

    jsonschema.validate(json.loads(TEXT), plan_schema())
