"""Policy: suggested schedules keep the floor; hostile text never raises; how long verdicts hold."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.model.schedule import parse_schedule
from reconciler.policy.catalogue import BUILT_INS
from reconciler.policy.evaluate import RuleSet, Status, compile_rules, hold_until, judge
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
    verdicts = judge(RULES, task, Subject.of(task), date(2026, 11, 20))
    assert Status.ERROR not in {verdict.status for verdict in verdicts}


DAYS = st.dates(date(2026, 9, 1), date(2027, 3, 31))
TODAY = date(2026, 11, 20)


@given(
    st.fixed_dictionaries({}, optional={"reviewBy": DAYS, "expires": DAYS}),
    st.none() | DAYS,
    st.none() | DAYS,
    st.integers(0, 150),
)
def test_verdicts_stay_until_the_day_they_are_said_to_hold(
    metadata: dict[str, date], context_ends: date | None, hook_ends: date | None, later: int
) -> None:
    """Whatever the day of the check: kept verdicts are those that judging anew would give."""

    def token(ends: date | None) -> dict[str, object]:
        plain: dict[str, object] = {
            "secret": "env:PAT",
            "kind": "classic",
            "scopes": ["repo:status"],
        }
        return {**plain, "expires": ends.isoformat()} if ends else plain

    task = example_task(
        {
            "metadata": {
                "owner": "team-web",
                "contact": "web@contoso.example",
                **{key: day.isoformat() for key, day in metadata.items()},
            },
            "spec": {
                "context": {
                    "source": "https://git.contoso.example/a.git",
                    "token": token(context_ends),
                },
                "triggers": {"commit": {"branch": "main", "token": token(hook_ends)}},
            },
        }
    )
    for one in RULES.rules:
        rule = RuleSet((one,))  # alone: of several, the first that turns hides the others
        now = judge(rule, task, Subject.of(task), TODAY)
        end = hold_until(rule, task, now, TODAY)
        last = end - timedelta(days=1)
        assert end > TODAY
        for day in {last, min(TODAY + timedelta(days=later), last)}:
            assert judge(rule, task, Subject.of(task), day) == now
