"""Listens on an address, in a thread of its own, for a bounded number of connections."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from reconciler.base.errors import ReconcilerError
from reconciler.model.workspace import Tls
from reconciler.server.connections import MOST_CONNECTIONS, Complain, Connections, Listener

# Connections that are accepted in a row, before those that are there have their turn again.
_IN_A_ROW = 64
_IDLE_SECONDS = 5


class CannotListen(ReconcilerError):
    """The address is taken, or is none of this machine."""

    code = "cannot-listen"


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 that says of its connection what it waits for: a request, its body, or an answer."""

    def __init__(self, connections: Connections, **rest: Any) -> None:
        super().__init__(**rest)
        self._connections = connections
        self._number = -1

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there, and its handshake is done; its time began when it came."""
        super().connection_made(transport)
        self._number = transport.get_extra_info("socket").fileno()

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        super().data_received(data)
        self._tell()

    def on_response_complete(self) -> None:
        """An answer is written; the next request may be there already."""
        super().on_response_complete()
        self._tell()

    def _tell(self) -> None:
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            self._connections.awaits_request(self._number)
        elif cycle.more_body:
            self._connections.awaits_body(self._number)
        else:
            self._connections.at_work(self._number)


class _Server(uvicorn.Server):
    """A server that looks for silent connections ten times a second, handshakes among them."""

    def __init__(self, config: uvicorn.Config, connections: Connections) -> None:
        super().__init__(config)
        self._silent = connections

    async def on_tick(self, counter: int) -> bool:
        """Called by the server itself; True if it is to end."""
        self._silent.sweep()
        return await super().on_tick(counter)


def open_socket(address: str) -> Listener:
    """A listening socket of `HOST:PORT`; port 0 is any free one. Raises CannotListen."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol: else asyncio does not switch Nagle's delay off, and the second part of each
    # answer waits 40 ms until the first one is acknowledged.
    found = Listener(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, int(port)))
        found.listen()
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
    found: Listener,
    tls: Certificate | None = None,
    *,
    broke: Callable[[BaseException | None], None] = lambda _error: None,
    complain: Complain = lambda _text: None,
    most: int = MOST_CONNECTIONS,
) -> Iterator[None]:
    """Answers requests while the block runs; those that have begun are answered at its end.

    `broke` is told if it stops answering before; `complain` of each connection that had to go
    because there were `most`.
    """
    connections = found.connections = Connections(most, complain, time.monotonic)
    found.keep_spare()
    config = uvicorn.Config(
        app,
        http=cast("type[H11Protocol]", partial(BoundedProtocol, connections)),
        loop="asyncio",  # whose listening socket is ours
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_IDLE_SECONDS,
        backlog=_IN_A_ROW,
        timeout_graceful_shutdown=5,
        ssl_context_factory=(lambda *_: tls.context) if tls is not None else None,
    )
    server = _Server(config, connections)
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
