"""The command serve, and those it calls itself with: words in, a daemon runs. Decides nothing."""

from __future__ import annotations

import contextlib
import logging
import re
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import click

from reconciler.base.errors import ReconcilerError
from reconciler.base.text import one_line
from reconciler.cli.options import Invocation, pass_invocation
from reconciler.cli.service_lines import write_line
from reconciler.server.seldom import Seldom

if TYPE_CHECKING:  # late: 0.2 s
    from reconciler.server.listen import Certificate


def _address(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    if not host or not re.fullmatch("[0-9]{1,5}", port) or int(port) > 65535:
        raise click.BadParameter("it is HOST:PORT, such as 127.0.0.1:8321")
    return text


@click.command()
@click.option(
    "--listen", metavar="HOST:PORT", callback=_address, help="Instead of `server.listen`."
)
@click.option("--no-timers", is_flag=True, help="Wake nothing by time, ask no Git host.")
@click.option("--no-watcher", is_flag=True, help="Look at no base images.")
@click.option("--no-worker", is_flag=True, help="Do no runs here: they wait for another daemon.")
@click.option(
    "--drain",
    type=click.IntRange(min=0),
    default=600,
    show_default=True,
    help="Seconds for runs at stop.",
)
@click.option("--lease", type=click.IntRange(3, 3600), default=60, show_default=True, hidden=True)
@pass_invocation
def serve(
    invocation: Invocation, /, listen: str | None, drain: int, lease: int, **without: bool
) -> int:
    """Turn commits, pull requests, timers and base images of applied tasks into runs.

    Logs are JSON lines on standard error. SIGTERM ends it when its runs are done, a second one at
    once; SIGHUP makes it read secrets and certificate again. It ends with 1 if a part of it broke
    off: start it again.
    """
    from reconciler.adapters.processes.descriptors import (  # noqa: PLC0415  (late)
        raise_descriptors,
    )
    from reconciler.adapters.processes.signals import service_signals  # noqa: PLC0415  (late)
    from reconciler.operations.serving.daemon import Daemon, Parts  # noqa: PLC0415  (late)
    from reconciler.server.app import make_app  # noqa: PLC0415  (late: 0.2 s)
    from reconciler.server.connections import MOST_CONNECTIONS  # noqa: PLC0415  (late)
    from reconciler.server.listen import (  # noqa: PLC0415  (late)
        Certificate,
        listening,
        open_socket,
    )

    in_terminal = sys.stderr.isatty()
    with invocation.workspace() as opened, service_signals(terminal=in_terminal) as told:
        parts = Parts(
            timers=not without["no_timers"],
            watcher=not without["no_watcher"],
            worker=not without["no_worker"],
            lease_seconds=float(lease),
            drain_seconds=float(drain),
        )
        teller = _Teller(invocation)
        server = opened.workspace.server
        tls = Certificate(server.tls, opened.root) if server.tls is not None else None
        found = open_socket(listen or server.listen)
        host, port = found.getsockname()[:2]
        daemon = Daemon(opened, parts, teller.tell, threading.Event(), told.hurry)
        served = listening(
            make_app(daemon.doors),
            found,
            tls,
            broke=partial(daemon.break_off, "http"),
            complain=teller.complain,
            # The other half is for its runs, its state and who it asks.
            most=min(MOST_CONNECTIONS, raise_descriptors() // 2),
        )
        with _libraries(teller), daemon.running(), served:
            teller.tell("serve", {"message": f"listening on {host}:{port}"})
            while not told.stop.wait(0.5) and not daemon.broken:
                if told.reload.is_set():
                    told.reload.clear()
                    daemon.renew_secrets(told.stop.is_set)
                    _renew(tls, teller)
            teller.tell("serve", {"message": "stopping; runs that are going are waited for"})
    return 1 if daemon.broken else 0


def _renew(tls: Certificate | None, teller: _Teller) -> None:
    """Read the files of a certificate again. What cannot be used is told, and not used."""
    if tls is None:
        return
    try:
        tls.renew()
    except ReconcilerError as error:
        teller.tell("serve", {"error": error.message, "kept": "former"})
    else:
        teller.tell("serve", {"message": "the certificate was read again"})


class _Teller:
    """One JSON object a line on standard error."""

    def __init__(self, invocation: Invocation) -> None:
        self._clock, self._lock = invocation.clock, threading.Lock()
        self.seldom = Seldom(self.tell, time.monotonic)

    def tell(self, part: str, facts: dict[str, str]) -> None:
        """Write an event of a part."""
        with self._lock:
            write_line(self._clock(), part, facts)

    def complain(self, text: str) -> None:
        """Tell what is wrong with connections, of which there may be thousands."""
        self.seldom.note(text, "http", {"message": text})


class _Handler(logging.Handler):
    """What libraries log, in the same form."""

    def __init__(self, teller: _Teller) -> None:
        super().__init__(logging.WARNING)
        self._teller = teller

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, in one line."""
        found = record.exc_info[1] if record.exc_info else None
        facts = {"message": one_line(record.getMessage(), 1000)}
        facts |= {"error": repr(found)} if found else {}
        # Without its arguments, which differ: anybody can bring some libraries to complain.
        kind = str(record.msg).partition("\n")[0]
        self._teller.seldom.note(f"{record.name} {kind}", "library", facts)


@contextlib.contextmanager
def _libraries(teller: _Teller) -> Iterator[None]:
    """What libraries log while the block runs is told."""
    handler = _Handler(teller)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


@click.command(hidden=True)
@click.argument("run_id")
@click.argument("worker")
@click.argument("fence", type=int)
@pass_invocation
def leased_run(invocation: Invocation, run_id: str, worker: str, fence: int) -> int:
    """Do the run of a lease. The daemon calls the program so."""
    from reconciler.operations.serving.leased import do_leased  # noqa: PLC0415  (late)

    with invocation.workspace() as opened:
        do_leased(opened, run_id, worker, fence)
    return 0


@click.command(hidden=True)
@click.argument("run_id")
@click.argument("fence", type=int)
@pass_invocation
def clear_run(invocation: Invocation, run_id: str, fence: int) -> int:
    """Remove what holders of a run made, up to this one. The daemon calls the program so."""
    from reconciler.operations.running.run_place import place_of  # noqa: PLC0415  (late)
    from reconciler.operations.serving.leased import clear_run as clear  # noqa: PLC0415  (late)

    with invocation.workspace() as opened:
        clear(place_of(opened), run_id, fence)
    return 0
