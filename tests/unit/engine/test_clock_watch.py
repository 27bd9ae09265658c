from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reconciler.engine.clock_watch import HELD, ClockWatch, Reading

NOON = datetime(2027, 1, 10, 12, tzinfo=UTC)
DAY, HOUR, YEAR = timedelta(days=1), timedelta(hours=1), timedelta(days=365)


class Wall:
    """A clock that somebody sets, beside one that nobody does."""

    def __init__(self, newest: datetime | None = NOON, start: datetime = NOON) -> None:
        self.now, self.seconds = start, 1000.0
        self.told: list[tuple[str, bool]] = []
        self.watch = ClockWatch(lambda: self.now, newest, self.tell, lambda: self.seconds)

    def tell(self, told: str, trouble: str | None) -> None:
        self.told.append((told, trouble is not None))

    def wait(self, time: timedelta) -> Reading:
        self.now += time
        self.seconds += time.total_seconds()
        return self.watch.read()

    def set(self, by: timedelta) -> Reading:
        self.now += by
        return self.watch.read()


def trust(reading: Reading) -> tuple[bool, bool]:
    return reading.believed, reading.lasting


def test_a_clock_that_is_set_by_hours_is_believed() -> None:
    wall = Wall()
    for by in (HOUR * 5, HOUR * -9, HOUR * 23, HOUR * -20):
        assert trust(wall.set(by)) == (True, True)
        assert trust(wall.wait(HOUR)) == (True, True)
    assert wall.told == []


def test_a_clock_that_is_wrong_for_a_moment_is_not_believed() -> None:
    for way in (YEAR, -YEAR):
        wall = Wall()
        assert trust(wall.set(way)) == (False, False)
        assert trust(wall.wait(HOUR / 2)) == (False, False)
        assert trust(wall.set(-way)) == (True, True)
        assert [trouble for _, trouble in wall.told] == [True, False]
        assert wall.told[0][0].startswith(
            "the clock jumped 365 d " + ("ahead" if way > DAY else "b")
        )
        assert wall.watch.read().jumps == 0


def test_one_that_stays_where_it_jumped_to_is_believed_after_an_hour() -> None:
    wall = Wall()
    wall.set(YEAR)
    assert trust(wall.wait(timedelta(seconds=HELD - 1))) == (False, False)
    reading = wall.wait(timedelta(seconds=1))
    assert (trust(reading), reading.jumps) == ((True, True), 1)
    assert len(wall.told) == 2
    assert trust(wall.wait(DAY * 3)) == (True, True)


def test_one_that_jumps_again_and_again_has_to_stay_somewhere() -> None:
    wall = Wall()
    for _ in range(5):
        assert trust(wall.set(YEAR)) == (False, False)
        assert trust(wall.wait(HOUR * 0.9)) == (False, False)


def test_a_machine_that_slept_has_jumped_nowhere() -> None:
    wall = Wall()
    assert trust(wall.wait(DAY * 30)) == (True, True)
    assert wall.told == []


def test_at_a_start_long_after_timers_go_by_the_clock_and_nothing_is_forgotten_for_an_hour() -> (
    None
):
    for newest in (NOON - YEAR, None):
        wall = Wall(newest)
        assert trust(wall.watch.read()) == (True, False)
        assert trust(wall.wait(timedelta(seconds=HELD - 1))) == (True, False)
        assert trust(wall.wait(timedelta(seconds=1))) == (True, True)
        assert wall.told == []


def test_a_start_before_what_the_state_has_seen_is_told() -> None:
    wall = Wall(NOON + YEAR)
    assert trust(wall.watch.read()) == (True, True)
    ((told, trouble),) = wall.told
    assert told == "the clock is 365 d behind 2028-01-10T12:00:00Z, which this state has seen"
    assert not trouble
