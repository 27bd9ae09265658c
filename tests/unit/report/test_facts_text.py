"""Timers, release paths and secrets in words."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.plan.facts import ReleasePath, TimerChange
from reconciler.plan.secrets import SecretChange, SecretFacts, secret_changes
from reconciler.report.facts_text import (
    ranked,
    spell_rate,
    spell_release,
    spell_secret,
    spell_timer,
)
from tests.unit.plan.builders import NOW, canonical, task


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        (96, ("96", "day")),
        (1.429, ("1.4", "day")),
        (1, ("1", "day")),
        (0.143, ("1", "week")),
        (0.033, ("1", "month")),
        (0.003, ("1.1", "year")),
        (0.0007, ("less than 1", "year")),
    ],
)
def test_a_rate_is_told_in_the_time_in_which_it_is_once_or_more(
    runs: float, told: tuple[str, str]
) -> None:
    assert spell_rate(runs) == told


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (1, 12, "from 1 to 12 runs a day, next today 10:00 UTC"),
        (12, 1, "from 12 to 1 run a day, next today 10:00 UTC"),
        (0.143, 1, "from 1 run a week to 1 run a day, next today 10:00 UTC"),
        (1, 1, "still 1 run a day, next today 10:00 UTC"),
        (0, 2, "starts: 2 runs a day, next today 10:00 UTC"),
        (2, 0, "stops; it was 2 runs a day"),
    ],
)
def test_a_timer_says_how_often_before_and_after(before: float, after: float, told: str) -> None:
    following = NOW + timedelta(hours=1) if after else None
    timer = TimerChange(
        address="a/b", timer="t", runs_before=before, runs_after=after, next=following
    )
    assert spell_timer(timer, NOW) == told


def secret(before: SecretFacts | None, after: SecretFacts | None) -> str:
    return spell_secret(SecretChange("spec.context.token", before, after))


def test_a_secret_is_told_by_reference_version_expiry_and_scopes() -> None:
    old = SecretFacts("env:A", "v3", "2026-12-01", None, ("repo:status",))
    assert secret(None, old) == (
        "reference env:A, version v3, expires 2026-12-01, scopes repo:status"
    )
    assert secret(old, None) == "reference env:A removed"
    new = SecretFacts("vault:git", "v4", None, "classic", ("repo",))
    assert secret(old, new) == (
        "reference env:A -> vault:git, version v3 -> v4, expires 2026-12-01 -> (none), "
        "kind classic, scopes repo:status -> repo"
    )
    later = SecretFacts("env:A", "v3", "2027-12-01", None, ("repo:status",))
    assert secret(old, later) == (
        "reference env:A, version v3, expires 2026-12-01 -> 2027-12-01, scopes unchanged"
    )


def test_every_place_of_a_secret_is_found_and_nothing_else() -> None:
    source = "https://git.contoso.example/web.git#main"
    full = canonical(
        task(
            context={"source": source, "token": {"secret": "env:PAT"}},
            step={"docker": {"images": ["web:1"], "secrets": {"NPM": "env:NPM"}}},
            triggers={"commit": {"token": {"secret": "env:HOOK_PAT"}}},
            notify=[{"on": ["Failed"], "url": {"secret": "env:HOOK"}}],
            credentials={
                "registries": {
                    "docker.io": {"username": {"secret": "env:U"}, "password": {"secret": "env:P"}}
                }
            },
        )
    )
    found = {change.path: change.after for change in secret_changes(None, full)}
    assert {path: facts.reference for path, facts in found.items() if facts} == {
        "spec.context.token": "env:PAT",
        "spec.step.docker.secrets.NPM": "env:NPM",
        "spec.triggers.commit.0.token": "env:HOOK_PAT",
        "spec.notify.0.url": "env:HOOK",
        "spec.credentials.registries.docker.io.username": "env:U",
        "spec.credentials.registries.docker.io.password": "env:P",
    }
    assert secret_changes(full, full) == ()
    values = {"file": {"path": "task.yaml", "setSecret": {"K": "env:K"}, "set": {"secret": "no"}}}
    paths = [change.path for change in secret_changes(None, canonical(task(step=values)))]
    assert paths == ["spec.step.file.setSecret.K"]


def test_names_that_change_hands_come_first_and_those_of_new_tasks_last() -> None:
    new = ReleasePath(image="a", address="x/new")
    old = ReleasePath(image="b", address="x/old")
    own = ReleasePath(image="a", address="x/new", own=True)
    taken = ReleasePath(image="c", address="x/new", former=("x/gone", "x/went"))
    there = ReleasePath(image="d", address="x/new", elsewhere=True)
    paths = (own, new, old, there, taken)
    assert ranked(paths, {"x/new"}) == [taken, there, old, new, own]
    assert spell_release(there) == "x/new now writes d, in another registry than its own"
    assert spell_release(taken) == "x/new now writes c, until now written by x/gone, x/went"
