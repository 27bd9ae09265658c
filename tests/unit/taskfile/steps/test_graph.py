"""Who waits for whom, and the longest way."""

from __future__ import annotations

import pytest

from reconciler.taskfile.steps.graph import critical_path
from tests.unit.taskfile.reading import V11, errors, steps, warnings


def needs(lines: str, manner: str = "strict") -> dict[str, tuple[str, ...]]:
    text = V11 + "steps:\n" + "".join(f"  - {{{line}}}\n" for line in lines.split(" / "))
    return {step.id: step.needs for step in steps(text, manner)}


WAITS = {
    "id: a, cmd: x / id: b, cmd: x": {"a": (), "b": ("a",)},
    "id: a, cmd: x / id: b, cmd: x, when: []": {"a": (), "b": ("a",)},
    "id: a, cmd: x / id: p, cmd: x, when: ['-'] / id: q, cmd: x": {"a": (), "p": (), "q": ("p",)},
    "id: a, cmd: x / id: p, cmd: x, when: [-] / id: q, cmd: x": {"a": (), "p": (), "q": ("p",)},
    "id: a, cmd: x / id: b, cmd: x, when: [a] / id: c, cmd: x, when: [a] / "
    "id: d, cmd: x, when: [b, c]": {
        "a": (),
        "b": ("a",),
        "c": ("a",),
        "d": ("b", "c"),
    },
    "id: 5, cmd: x / cmd: x, when: [5]": {"5": (), "acb_step_1": ("5",)},
}


@pytest.mark.parametrize("lines", WAITS)
@pytest.mark.parametrize("manner", ["strict", "acb"])
def test_what_steps_wait_for(lines: str, manner: str) -> None:
    assert needs(lines, manner) == WAITS[lines]


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("[b]", 'step "b" waits for itself'),
        ("[c]", 'step "b" waits for "c", which stands later in the file'),
        ("[zz]", 'step "b" waits for a step that does not exist'),
        ("['-', a]", '"-" (start at once) stands alone'),
        ("['-', '-']", '"-" (start at once) stands alone'),
        ("['']", 'step "b" waits for a step that does not exist'),
    ],
)
@pytest.mark.parametrize("manner", ["strict", "acb"])
def test_what_cannot_be_waited_for(when: str, message: str, manner: str) -> None:
    text = (
        f"{V11}steps:\n  - {{id: a, cmd: x}}\n  - {{id: b, cmd: x, when: {when}}}\n"
        "  - {id: c, cmd: x}\n"
    )
    assert errors(text, manner) == [f"4: {message}"]


@pytest.mark.parametrize("manner", ["strict", "acb"])
def test_nothing_cannot_be_waited_for(manner: str) -> None:
    text = V11 + "steps:\n  - {id: a, cmd: x}\n  - {id: b, cmd: x, when: [~]}\n"
    assert 'step "b" waits for a step that does not exist' in errors(text, manner)[-1]


def test_the_same_step_twice_counts_once_for_the_engine_which_would_hang() -> None:
    text = V11 + "steps:\n  - {id: a, cmd: x}\n  - {id: b, cmd: x, when: [a, a]}\n"
    assert steps(text, "acb")[1].needs == ("a",)
    assert warnings(text, "acb")
    assert "twice" in errors(text)[0]


def test_the_root_is_a_dash_for_the_engine() -> None:
    text = V11 + "steps:\n  - {id: a, cmd: x}\n  - {id: b, cmd: x, when: [acb_root]}\n"
    assert steps(text, "acb")[1].needs == ()
    assert errors(text)


def test_the_critical_path_counts_timeouts_and_delays() -> None:
    text = V11 + (
        "steps:\n"
        "  - {id: a, cmd: x, timeout: 5}\n"
        "  - {id: b, cmd: x, timeout: 50, when: ['-']}\n"
        "  - {id: c, cmd: x, timeout: 1, startDelay: 60, when: [a]}\n"
        "  - {id: d, cmd: x, timeout: 2, when: [b, c]}\n"
    )
    assert critical_path(steps(text)) == (("a", "c", "d"), 68)
    assert critical_path(()) == ((), 0)


def test_nobody_waits_for_the_end_of_what_is_in_the_background() -> None:
    text = V11 + (
        "steps:\n"
        "  - {id: app, cmd: x, timeout: 900, startDelay: 3, detach: true}\n"
        "  - {id: test, cmd: x, timeout: 5}\n"
        "  - {id: other, cmd: x, timeout: 7, when: ['-']}\n"
    )
    assert critical_path(steps(text)) == (("app", "test"), 8)
