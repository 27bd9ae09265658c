"""Steps start when what they need is done, so many at a time, and none after an error."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from reconciler.runner.schedule import default_width, run_graph

Needs = Mapping[str, tuple[str, ...]]


@dataclass
class Bench:
    """What was started and ended, in order, and how many ran at once."""

    failing: frozenset[str] = frozenset()
    waits_for: Mapping[str, str] = field(default_factory=dict)
    stop: bool = False
    lasts: float = 0
    started: list[str] = field(default_factory=list)
    most: int = 0
    halt: threading.Event = field(default_factory=threading.Event)
    _running: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: dict[str, threading.Event] = field(default_factory=dict)

    def ended(self, step: str) -> threading.Event:
        return self._ended.setdefault(step, threading.Event())

    def do(self, step: str) -> None:
        with self._lock:
            self.started.append(step)
            self._running += 1
            self.most = max(self.most, self._running)
        if step in self.waits_for:
            other = self.waits_for[step]
            assert (self.halt if other == "halt" else self.ended(other)).wait(10)
        self.halt.wait(self.lasts)
        with self._lock:
            self._running -= 1
        self.ended(step).set()
        if step in self.failing:
            raise ValueError(step)

    def run(self, needs: Needs, width: int = 4) -> BaseException | None:
        return run_graph(needs, self.do, width=width, halt=self.halt, stopping=lambda: self.stop)


def test_a_chain_runs_in_order() -> None:
    bench = Bench()
    assert bench.run({"a": (), "b": ("a",), "c": ("b",)}) is None
    assert bench.started == ["a", "b", "c"]
    assert bench.most == 1


def test_steps_without_needs_run_side_by_side() -> None:
    bench = Bench(waits_for={"a": "b"})
    assert bench.run({"a": (), "b": ()}) is None


def test_a_diamond_joins_after_both_sides() -> None:
    bench = Bench(waits_for={"b": "c"})
    bench.run({"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")})
    assert (bench.started[0], bench.started[-1]) == ("a", "d")


@pytest.mark.parametrize("width", [1, 2, 3])
def test_never_more_than_the_width_run_at_once(width: int) -> None:
    bench = Bench(lasts=0.02)
    bench.run({str(number): () for number in range(12)}, width)
    assert len(bench.started) == 12
    assert bench.most <= width


def test_after_an_error_no_step_starts_and_the_running_ones_are_told() -> None:
    bench = Bench(failing=frozenset({"a"}), waits_for={"b": "halt"})
    error = bench.run({"a": (), "b": (), "c": ("a",), "d": ("b",)})
    assert str(error) == "a"
    assert sorted(bench.started) == ["a", "b"]
    assert bench.ended("b").is_set()


def test_of_two_errors_the_first_is_told() -> None:
    bench = Bench(failing=frozenset({"a", "b"}), waits_for={"b": "halt"})
    assert str(bench.run({"b": (), "a": ()})) == "a"


def test_a_stop_from_outside_halts_without_an_error() -> None:
    bench = Bench(waits_for={"a": "halt"}, stop=True)
    assert bench.run({"a": (), "b": ("a",)}) is None
    assert bench.started == ["a"]
    assert bench.halt.is_set()


def test_nothing_to_do_is_done() -> None:
    assert Bench().run({}) is None


def test_an_exception_that_ends_programs_is_handed_on_too() -> None:
    def do(_step: str) -> None:
        raise KeyboardInterrupt

    error = run_graph({"a": ()}, do, width=1, halt=threading.Event(), stopping=lambda: False)
    assert isinstance(error, KeyboardInterrupt)


def test_the_default_width_is_at_least_two() -> None:
    assert default_width() >= 2
