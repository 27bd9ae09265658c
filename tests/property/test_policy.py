"""Policy: a suggested schedule keeps the floor; judging hostile text never raises."""

from __future__ import annotations

from datetime import date

from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.model.schedule import parse_schedule
from reconciler.policy.catalogue import BUILT_INS
from reconciler.policy.evaluate import Status, compile_rules, judge
from reconciler.policy.rule import Subject, example_task
from reconciler.policy.rules.schedule import ScheduleFloor, suggest
from tests.unit.policy.builders import policy

MINUTES = st.lists(st.integers(0, 59), min_size=1, max_size=60, unique=True)
HOURS = st.lists(st.integers(0, 23), min_size=1, max_size=24, unique=True)
RULES, _ = compile_rules([policy(*({"name": rule.name} for rule in BUILT_INS))])


@given(MINUTES, HOURS, st.integers(1, 1440), st.integers(1, 1440))
def test_a_suggested_schedule_keeps_the_floor(
    minutes: list[int], hours: list[int], interval: int, most: int
) -> None:
    params = ScheduleFloor(minInterval=f"{interval}m", maxPerDay=most)
    text = f"{','.join(map(str, minutes))} {','.join(map(str, hours))} * * *"
    assume(len(text) <= 128)
    found = suggest(text, params)
    assert found is not None
    schedule = parse_schedule(found)
    assert schedule.fires_per_day <= most
    assert schedule.shortest_gap_minutes >= interval


@given(st.dictionaries(st.sampled_from(["owner", "contact", "runbook"]), st.text(min_size=1)))
def test_no_text_breaks_a_rule(metadata: dict[str, str]) -> None:
    metadata = {key: value[:200] for key, value in metadata.items()}
    task = example_task({"metadata": metadata})
    verdicts = judge(RULES, Subject(task, task.address), date(2026, 11, 20))
    assert Status.ERROR not in {verdict.status for verdict in verdicts}
