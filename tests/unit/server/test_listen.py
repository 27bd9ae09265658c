"""The socket that the daemon listens on."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from reconciler.server.listen import open_socket


def test_no_part_of_an_answer_waits_for_the_one_before() -> None:
    found: list[int] = []

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own: Any = writer.get_extra_info("socket")
        found.append(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async def ask() -> None:
        listener = open_socket("127.0.0.1:0")
        async with await asyncio.start_server(answer, sock=listener):
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            assert await reader.read() == b""
            writer.close()

    asyncio.run(ask())
    assert found == [1]
