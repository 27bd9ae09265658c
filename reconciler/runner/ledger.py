"""What is written down while a run goes on: its record, its steps, its lines. All of it masked."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from reconciler.base.credentials import without_credentials
from reconciler.base.progress import MaskedProgress
from reconciler.base.redact import Redactor
from reconciler.model.container import Stream
from reconciler.model.run import (
    BaseImage,
    LogLine,
    Reason,
    RunRecord,
    RunStatus,
    StepRecord,
    StepStatus,
)
from reconciler.runner.failure import Failure, Stop
from reconciler.runner.ports import Ports


class Ledger:
    """The record of one run; every change is handed on at once.

    Steps that run side by side share it: who changes what stands in the record holds `lock`.
    """

    def __init__(self, record: RunRecord, ports: Ports) -> None:
        self.record = record
        self.lock = threading.RLock()
        self._ports = ports
        self._hidden: list[str] = []
        self.redactor = Redactor()

    def hide(self, values: Iterable[str]) -> None:
        """Mask these values from now on."""
        with self.lock:
            self._hidden += [value for value in values if value not in self._hidden]
            self.redactor = Redactor(self._hidden)

    def note(self, **changes: Any) -> None:
        """Change fields of the record and save it. Texts are masked."""
        masked = {name: self._masked(value) for name, value in changes.items()}
        with self.lock:
            self.record = self.record.model_copy(update=masked)
            self._ports.on_record(self.record)

    def note_bases(self, found: Iterable[BaseImage]) -> None:
        """Add images that the run stands on; one that is known already is kept once."""
        with self.lock:
            self.note(bases=tuple(dict.fromkeys((*self.record.bases, *found))))

    def _masked(self, value: Any) -> Any:
        return self._told(value) if type(value) is str else value

    def _told(self, text: str) -> str:
        """A text of our own: without secrets, and without the user of a URL, however short."""
        return without_credentials(self.redactor.text(text))

    def now(self) -> datetime:
        """The time, UTC."""
        return self._ports.clock()

    def say(self, step: str, text: str, attempt: int = 1) -> None:
        """Write one line of our own into the log."""
        now, lines = self.now(), self._told(text).splitlines() or [""]
        self._ports.log.write(
            *(LogLine(now, step, line, stream="note", attempt=attempt) for line in lines)
        )

    def say_unread(self, step: str, text: str) -> None:
        """Say that a Dockerfile was not understood, and remember that bases are missing for it."""
        self.say(step, text)
        self.note(bases_unread=True)

    @contextlib.contextmanager
    def output(self, step: str, attempt: int = 1) -> Iterator[Output]:
        """Takes the bytes of a program, writes masked lines."""
        output = Output(self, step, attempt)
        try:
            yield output
        finally:
            output.end()

    def write(
        self,
        step: str,
        lines: Iterable[tuple[bytes, bool]],
        attempt: int = 1,
        stream: Stream = "out",
    ) -> None:
        """Write masked lines of a program: (line, whether it goes on in the next item).

        What came together is handed on together, with one time.
        """
        now = self.now()
        items = [
            LogLine(now, step, line.decode("utf-8", "surrogateescape"), stream, attempt, more)
            for line, more in lines
        ]
        if items:
            self._ports.log.write(*items)

    @contextlib.contextmanager
    def step(self, name: str, kind: str) -> Iterator[None]:
        """A step of the record: running inside the block, then what became of it."""
        self.begin_step(name, kind)
        try:
            yield
        except Failure as failure:
            code = failure.exit_code if isinstance(failure, StepFailed) else None
            self.close_step(name, StepStatus.FAILED, code, failure.reason)
            raise
        except Stop as stop:
            if stop.status is RunStatus.TIMEOUT:
                self.close_step(name, StepStatus.TIMED_OUT, reason=stop.reason)
            else:
                self.close_step(name, StepStatus.CANCELED)
            raise
        except BaseException:
            self.close_step(name, StepStatus.FAILED)
            raise
        self.close_step(name, StepStatus.SUCCEEDED, 0)

    def begin_step(self, name: str, kind: str) -> None:
        """Write down that a step runs now."""
        now = self.now()
        self._set_step(StepRecord(name=name, kind=kind, status=StepStatus.RUNNING, started=now))

    def close_step(
        self,
        name: str,
        status: StepStatus,
        exit_code: int | None = None,
        reason: Reason | None = None,
    ) -> None:
        """Write down what became of a step that has begun, and why if it failed."""
        with self.lock:
            current = next(step for step in self.record.steps if step.name == name)
            update = {"status": status, "exit_code": exit_code, "reason": reason}
            self._set_step(current.model_copy(update={**update, "finished": self.now()}))

    def _set_step(self, step: StepRecord) -> None:
        with self.lock:
            names = [known.name for known in self.record.steps]
            steps = [step if known.name == step.name else known for known in self.record.steps]
            self.note(steps=tuple(steps if step.name in names else [*steps, step]))

    def plan_steps(self, *steps: tuple[str, str]) -> None:
        """Write down which steps (name, kind) there will be: one can then say what was not run."""
        planned = [
            StepRecord(name=name, kind=kind, status=StepStatus.SKIPPED) for name, kind in steps
        ]
        self.note(steps=tuple(planned))


class StepFailed(Failure):
    """A step ended with an exit code."""

    def __init__(self, reason: Reason, message: str, exit_code: int) -> None:
        super().__init__(reason, message)
        self.exit_code = exit_code


class Output:
    """Bytes in, masked lines of one step out. Each of its streams has lines of its own."""

    def __init__(self, ledger: Ledger, step: str, attempt: int = 1) -> None:
        self._ledger = ledger
        self._step = step
        self._attempt = attempt
        # Both from the start: what is hidden later is not masked in either.
        self._lines: dict[Stream, MaskedProgress] = {
            "out": MaskedProgress(ledger.redactor),
            "err": MaskedProgress(ledger.redactor),
        }

    def __call__(self, chunk: bytes, stream: Stream = "out") -> None:
        """Take a chunk, which may end anywhere."""
        self._ledger.write(self._step, self._lines[stream].feed(chunk), self._attempt, stream)

    def end(self) -> None:
        """Write what is left of the last lines."""
        for stream, lines in self._lines.items():
            self._ledger.write(self._step, lines.flush(), self._attempt, stream)
