"""Containers that go on beside the other steps until the last one has ended. Fails no step itself.

One is a success once it has started; one that then ends by itself says so in the record, with its
code, and ends nothing else. With a code of its `exitedWith` it is a success still.
"""

from __future__ import annotations

import threading
from collections.abc import Collection

from reconciler.base.errors import EngineUnavailable, ReconcilerError
from reconciler.model.container import ContainerEnd, ContainerRequest
from reconciler.model.run import StepStatus
from reconciler.runner.site import Detached, Site

_LOOK_SECONDS = 0.1
# A container that is broken ends at once: so long after its start it is not told to end.
_SETTLE_SECONDS = 1.0
_CANNOT_START = 125  # what `docker run` ends with when there is no container


def go_on_beside(
    step: str,
    request: ContainerRequest,
    attempt: int,
    site: Site,
    expected: Collection[int] = (),
) -> ContainerEnd | None:
    """Start a container and leave it running. None once it runs, else why it could not start.

    `expected` are the codes with which it may end by itself.
    """
    ledger, begun, closed = site.work.ledger, threading.Event(), threading.Event()
    ends: list[ContainerEnd] = []

    def watch_it() -> None:
        try:
            with ledger.output(step, attempt) as output:
                ends.append(site.containers.run(request, output, site.over.is_set, begun.set))
        except EngineUnavailable as error:
            ends.append(ContainerEnd(exit_code=_CANNOT_START, message=error.message))
        except ReconcilerError as error:
            ledger.say(step, f"lost sight of: {error.message}", attempt)
        if begun.is_set() and ends and not ends[0].stopped:
            closed.wait()
            _ended_by_itself(step, ends[0], attempt, site, expected)

    thread = threading.Thread(target=watch_it, name=step, daemon=True)
    thread.start()
    while thread.is_alive() and not begun.wait(_LOOK_SECONDS):
        pass
    site.detached.append(Detached(thread, site.work.ports.monotonic()))
    try:
        if not begun.is_set():
            return ends[0] if ends else ContainerEnd(_CANNOT_START)
        ledger.close_step(step, StepStatus.SUCCEEDED)
        return None
    finally:
        closed.set()


def settle(site: Site) -> None:
    """Wait until each one has ended or has run a moment: one that fails at once is then told so.

    Ends early if the run has to stop.
    """
    for one in site.detached:
        left = one.begun + _SETTLE_SECONDS - site.work.ports.monotonic()
        while left > 0 and one.thread.is_alive() and not site.work.watch():
            one.thread.join(_LOOK_SECONDS)
            left -= _LOOK_SECONDS


def end_all(site: Site) -> None:
    """Tell them that all is over; they have ended when this returns."""
    site.over.set()
    for one in site.detached:
        one.thread.join()


def _ended_by_itself(
    step: str, end: ContainerEnd, attempt: int, site: Site, expected: Collection[int]
) -> None:
    site.work.ledger.say(step, f"ended by itself with {end.exit_code}", attempt)
    status = StepStatus.SUCCEEDED if end.exit_code in expected else StepStatus.EXITED
    site.work.ledger.close_step(step, status, end.exit_code)
