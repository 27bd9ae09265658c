"""Asks many at once, and waits for none of them longer than a limit. Knows not what is asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from reconciler.base.errors import ReconcilerError

T = TypeVar("T")

# All are asked at the same time: doctor as a whole waits no longer, whoever hangs.
LIMIT_SECONDS = 12.0


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What came of a question: a value, or why there is none, and what helps."""

    value: T | None = None
    why: str | None = None
    fix: str | None = None


def ask_all(
    questions: Sequence[Callable[[], T]],
    *,
    seconds: float = LIMIT_SECONDS,
    monotonic: Callable[[], float] = time.monotonic,
) -> list[Answer[T]]:
    """The answers, in order. Who has not answered after so many seconds is left behind.

    A thread that hangs holds up nothing, not the end of the program either.
    """
    answers: list[Answer[T] | None] = [None] * len(questions)

    def ask(number: int) -> None:
        answers[number] = _answer(questions[number])

    threads = [
        threading.Thread(target=ask, args=(number,), name="doctor", daemon=True)
        for number in range(len(questions))
    ]
    for thread in threads:
        thread.start()
    deadline = monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - monotonic()))
    late: Answer[T] = Answer(
        why=f"no answer within {seconds:g} s", fix="is it up, and is the way free?"
    )
    return [answer or late for answer in answers]


def _answer(question: Callable[[], T]) -> Answer[T]:
    try:
        return Answer(question())
    except ReconcilerError as error:
        return Answer(why=error.message, fix=error.hint)
    except Exception as error:  # noqa: BLE001  (one check that breaks must not end the others)
        # Its text may hold anything, a secret too.
        return Answer(why=f"the check itself failed ({type(error).__name__})", fix=None)
