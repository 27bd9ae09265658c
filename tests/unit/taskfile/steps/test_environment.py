"""Environment of a step: three levels, each name once, values unquoted once."""

from __future__ import annotations

import pytest

from reconciler.taskfile.tasks import Pairs
from tests.unit.taskfile.reading import V11, cmd, errors, warnings


def env(task: str, step: str, manner: str = "strict", outside: tuple[str, ...] = ()) -> Pairs:
    text = f"{V11}env: {task}\nsteps:\n  - cmd: x\n    env: {step}\n"
    return cmd(text, manner, environment=outside).env


def test_a_step_wins_and_comes_first() -> None:
    assert env("[Z=0, A=9]", "[A=1, B=2]") == (("A", "1"), ("B", "2"), ("Z", "0"))


def test_defaults_from_outside_come_last() -> None:
    assert env("[A=1]", "[]", outside=("A=9", "B=2")) == (("A", "1"), ("B", "2"))


def test_a_task_text_is_split_at_commas_and_a_step_text_is_not() -> None:
    assert env("['A=1,B=2']", "['C=1,2']") == (("C", "1,2"), ("A", "1"), ("B", "2"))


def test_a_quoted_comma_separates_nothing_here() -> None:
    assert env("""['A="1,2",B=3']""", "[]") == (("A", "1,2"), ("B", "3"))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("'q r'", "q r"),
        ('"q\'r"', "q'r"),
        ("has space", "has space"),
        ("v=", "v="),
        ("", ""),
        (r"a\b", "ab"),
    ],
)
@pytest.mark.parametrize("manner", ["strict", "acb"])
def test_a_value_is_unquoted_once(written: str, value: str, manner: str) -> None:
    quoted = written.replace("\\", "\\\\").replace('"', '\\"')
    assert env("[]", f'["K={quoted}"]', manner) == (("K", value),)


def test_an_option_cannot_be_smuggled_in() -> None:
    assert env("[]", '["A=1 --privileged"]', "acb") == (("A", "1 --privileged"),)


def test_a_name_given_twice_is_told() -> None:
    text = f"{V11}steps:\n  - {{cmd: x, env: [A=1, A=2]}}\n"
    assert "given twice" in errors(text)[0]
    assert cmd(text, "acb").env == (("A", "1"), ("A", "2"))


def test_an_open_quote_is_told() -> None:
    text = V11 + 'steps:\n  - cmd: x\n    env: ["MSG=it\'s"]\n'
    assert "not closed" in errors(text)[0]
    assert cmd(text, "acb").env == (("MSG", "it's"),)


def test_the_own_environment_of_the_engine_is_not_handed_on() -> None:
    text = V11 + "steps:\n  - {cmd: x, env: [FOO]}\n"
    assert cmd(text, "acb").env == ()
    said = warnings(text, "acb")[0]
    assert 'the variable "FOO" has no value' in said
    assert "not handed on" in said
    assert errors(text)
    assert errors(text, "acb", environment=("A=1",))


def test_nothing_as_an_entry_is_dropped_for_the_engine() -> None:
    text = V11 + "steps:\n  - {cmd: x, env: [~]}\n"
    assert cmd(text, "acb").env == ()
    assert errors(text)


def test_a_default_from_outside_may_hold_a_comma() -> None:
    assert env("[]", "[]", outside=("A=1,2",)) == (("A", "1,2"),)
    assert env("[]", "[]", "acb", outside=("A=1,B=2",)) == (("A", "1"), ("B", "2"))


def test_wrong_entries_of_the_task_are_told_though_no_step_takes_them() -> None:
    text = V11 + "env: [oops]\nsteps:\n  - push: [a]\n"
    assert errors(text)
    assert not errors(text, "acb")


@pytest.mark.parametrize("entry", ["~", "''", "FOO"])
def test_an_entry_without_value_is_passed_over_only_where_nothing_is_merged(entry: str) -> None:
    step = f"steps:\n  - {{cmd: x, env: [{entry}]}}\n"
    assert cmd(step, "acb").env == ()
    assert warnings(step, "acb")
    for text, manner in ((step, "strict"), ("env: [A=1]\n" + step, "acb")):
        assert any("NAME=value" in message for message in errors(text, manner))
