"""How often a step is tried: retries, repeats, and what is worth another try. Runs nothing itself.

Source: https://learn.microsoft.com/azure/container-registry/container-registry-tasks-reference-yaml
(retries, retryDelay, repeat).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from reconciler.base.spellings import to_bytes
from reconciler.model.container import Stream
from reconciler.model.run import Reason
from reconciler.runner.failure import Failure
from reconciler.runner.ledger import StepFailed
from reconciler.taskfile.tasks import Repeating

# What is missing in the workspace, a step beside this one may be about to write.
_RETRIED = frozenset(
    {Reason.STEP, Reason.BASE_PULL, Reason.DOCKERFILE_MISSING, Reason.SOURCE_MISSING}
)


class Ear:
    """Listens whether one of some texts passes by; without texts it has always heard it."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._wanted = [to_bytes(text) for text in texts]
        self._longest = max(map(len, self._wanted), default=0)
        self._tails: dict[Stream, bytes] = {}
        self.heard = not self._wanted

    def __call__(self, chunk: bytes, stream: Stream = "out") -> None:
        """Take a chunk, which may end anywhere. A text does not go on in another stream."""
        if self.heard:
            return
        data = self._tails.get(stream, b"") + chunk
        self.heard = any(text in data for text in self._wanted)
        self._tails[stream] = data[-(self._longest - 1) :] if self._longest > 1 else b""


# (number of the attempt from 1, who listens to its output) -> exit code; raises Failure or Stop.
Once = Callable[[int, Ear], int]


def try_often(
    plan: Repeating,
    once: Once,
    pause: Callable[[float], None],
    tell: Callable[[int, str], None] = lambda _attempt, _text: None,
) -> int:
    """Do it as often as the plan says; the exit code of the last time.

    `tell` is told of each attempt that failed and is followed by another one. Every repetition
    runs even if one before it failed. Raises Failure at the end if any did, with the exit code of
    the last one that failed; raises Stop as `once` and `pause` do.
    """
    failures: list[Failure] = []
    wait = f" in {plan.retry_delay:g} s" if plan.retry_delay else ""
    code = number = 0
    for _ in range(plan.repeat + 1):
        for left in range(plan.retries, -1, -1):
            number += 1
            ear = Ear(plan.retry_on_errors)
            try:
                code = once(number, ear)
                break
            except Failure as failure:
                ear(to_bytes(failure.message))
                if not left or failure.reason not in _RETRIED or not ear.heard:
                    failures.append(failure)
                    break
                tell(number, f"attempt {number} failed: {failure.message}; trying again{wait}")
            pause(plan.retry_delay)
    if failures:
        raise _joined(failures)
    return code


def _joined(failures: list[Failure]) -> Failure:
    last = failures[-1]
    messages = dict.fromkeys(failure.message for failure in failures)
    if len(messages) == 1:
        return last
    text = ", ".join(messages)
    if isinstance(last, StepFailed):
        return StepFailed(last.reason, text, last.exit_code)
    return Failure(last.reason, text, status=last.status)
