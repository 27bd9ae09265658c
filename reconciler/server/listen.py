"""Listens on an address, in a thread of its own. Who sends headers too slowly is hung up on."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from reconciler.base.errors import ReconcilerError
from reconciler.model.workspace import Tls

_HEADER_SECONDS = 10.0
_CONNECTIONS = 500
_BACKLOG = 1024


class CannotListen(ReconcilerError):
    """The address is taken, or is none of this machine."""

    code = "cannot-listen"


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 whose requests must have all their headers within ten seconds of their first byte.

    The server itself has a limit for idle connections only.
    """

    _slow: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there: its first request has its time."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Bytes of a request, of which the headers may be whole by now."""
        if self._between():
            self._watch()
        super().data_received(data)
        if not self._between():
            self._forget()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody to hang up on any more."""
        self._forget()
        super().connection_lost(exc)

    def _between(self) -> bool:
        """True while no request with all its headers is there."""
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _watch(self) -> None:
        if self._slow is None:
            self._slow = self.loop.call_later(_HEADER_SECONDS, self._hang_up)

    def _forget(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None

    def _hang_up(self) -> None:
        self._slow = None
        if self._between():
            self.transport.close()


def open_socket(address: str) -> socket.socket:
    """A listening socket of `HOST:PORT`; port 0 is any free one. Raises CannotListen."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol: else asyncio does not switch Nagle's delay off, and the second part of each
    # answer waits 40 ms until the first one is acknowledged.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, int(port)))
        found.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        found.close()
        why = getattr(error, "strerror", None) or str(error)
        raise CannotListen(
            f"cannot listen on {address}: {why}",
            hint="choose another address: --listen HOST:PORT, or `server.listen`",
        ) from None
    return found


class Certificate:
    """The certificate of a workspace in `root`; another one may take its place while it serves.

    Raises CannotListen, as `renew` does.
    """

    def __init__(self, tls: Tls, root: Path) -> None:
        self._tls, self._root = tls, root
        self._now = _context_of(tls, root)
        self.context = _context_of(tls, root)
        # Asked at the beginning of each connection, also of those that name no host.
        self.context.sni_callback = self._choose

    def renew(self) -> None:
        """Read the files again, for connections to come. Where that fails, nothing changes."""
        self._now = _context_of(self._tls, self._root)

    def _choose(self, connection: ssl.SSLObject, _host: str | None, _context: object) -> None:
        connection.context = self._now


def _context_of(tls: Tls, root: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(root / tls.certificate, root / tls.key, password=lambda: b"")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise CannotListen(
            f"the certificate {tls.certificate} with the key {tls.key} cannot be used: {why}",
            hint="`server.tls` names two PEM files: the certificate with its chain, and its key "
            "without a password",
        ) from None
    return context


@contextmanager
def listening(
    app: Starlette,
    found: socket.socket,
    tls: Certificate | None = None,
    broke: Callable[[BaseException | None], None] = lambda _error: None,
) -> Iterator[None]:
    """Answers requests while the block runs; those that have begun are answered at its end.

    `broke` is told if it stops answering before.
    """
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=15,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=5,
        ssl_context_factory=(lambda *_: tls.context) if tls is not None else None,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=_run, args=(server, found, broke), name="http", daemon=True)
    thread.start()
    try:
        yield
    finally:
        app.state.closing = True  # what is followed has no end of its own
        server.should_exit = True
        thread.join()


def _run(server: Any, found: socket.socket, broke: Callable[[BaseException | None], None]) -> None:
    try:
        server.run(sockets=[found])
    except BaseException as error:  # noqa: BLE001  (whatever it is, nobody listens any more)
        broke(error)
    else:
        if not server.should_exit:
            broke(None)
