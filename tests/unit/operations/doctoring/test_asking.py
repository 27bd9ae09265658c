"""Many are asked at once; who hangs, fails or breaks holds up nobody."""

from __future__ import annotations

import threading

from reconciler.base.errors import RegistryRefused
from reconciler.operations.doctoring.asking import Answer, ask_all


def test_answers_come_in_order_and_who_hangs_is_left_behind() -> None:
    never, asked = threading.Event(), threading.Barrier(3)

    def hangs() -> str:
        asked.wait(10)
        never.wait()
        return "late"

    def answers() -> str:
        asked.wait(10)  # all are asked before the first has answered
        return "here"

    found = ask_all([hangs, answers, answers], seconds=0.5)
    never.set()
    assert [one.value for one in found] == [None, "here", "here"]
    assert found[0].why == "no answer within 0.5 s"
    assert found[0].fix


def test_a_refusal_is_told_with_its_fix_and_a_break_without_its_words() -> None:
    def refused() -> str:
        raise RegistryRefused("it wants another login", hint="log in")

    def broken() -> str:
        raise KeyError("pl4nted-s3cret")

    refusal, broke = ask_all([refused, broken])
    assert refusal == Answer(None, "it wants another login", "log in")
    assert broke.why == "the check itself failed (KeyError)"


def test_nobody_is_nobody() -> None:
    assert ask_all([]) == []
