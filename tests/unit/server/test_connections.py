"""Which connection goes when there are too many, or when it says nothing for too long."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from reconciler.server.connections import SILENT_SECONDS, Accepted, Connections


class Room:
    """Connections of which there may be three, and a clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.complaints: list[str] = []
        self.connections = Connections(3, self.complaints.append, lambda: self.now)
        self.pairs: list[tuple[Accepted, socket.socket]] = []

    def come(self) -> tuple[Accepted, bool]:
        ours, theirs = socket.socketpair()
        theirs.settimeout(30)
        taken = Accepted(fileno=ours.detach())
        self.pairs.append((taken, theirs))
        return taken, self.connections.admit(taken)

    def hung_up(self) -> list[int]:
        """Which ones, by the order in which they came."""
        found = []
        for number, (_, theirs) in enumerate(self.pairs):
            theirs.setblocking(False)
            try:
                found += [number] if theirs.recv(1) == b"" else []
            except BlockingIOError:
                continue
        return found


@pytest.fixture(name="room")
def three_places() -> Iterator[Room]:
    room = Room()
    yield room
    for pair in room.pairs:
        for one in pair:
            one.close()


def test_the_oldest_silent_one_goes_first(room: Room) -> None:
    first, second, third = (room.come()[0] for _ in range(3))
    room.connections.at_work(first.fileno())
    room.connections.awaits_body(second.fileno())
    assert room.come()[1]
    assert room.hung_up() == [2]
    assert len(room.complaints) == 1
    assert third.fileno() >= 0  # whoever serves it closes it


def test_where_all_have_spoken_the_oldest_without_its_body_goes(room: Room) -> None:
    first, second, third = (room.come()[0] for _ in range(3))
    room.connections.at_work(first.fileno())
    room.connections.awaits_body(third.fileno())
    room.connections.awaits_body(second.fileno())
    assert room.come()[1]
    assert room.hung_up() == [2]


def test_who_is_answered_is_never_hung_up_on(room: Room) -> None:
    for _ in range(3):
        room.connections.at_work(room.come()[0].fileno())
    assert not room.come()[1]
    assert room.hung_up() == []
    assert room.complaints == []


def test_who_was_answered_is_the_newest_silent_one(room: Room) -> None:
    first, _, _ = (room.come()[0] for _ in range(3))
    room.connections.at_work(first.fileno())
    room.connections.awaits_request(first.fileno())
    assert room.come()[1]
    assert room.hung_up() == [1]


def test_who_is_gone_takes_no_place(room: Room) -> None:
    first, _, _ = (room.come()[0] for _ in range(3))
    first.close()
    assert room.come()[1]
    assert room.complaints == []


def test_silence_has_an_end_and_half_a_request_is_silence(room: Room) -> None:
    first, second = (room.come()[0] for _ in range(2))
    room.now = SILENT_SECONDS - 1
    third, _ = room.come()
    room.connections.awaits_request(first.fileno())  # more of a head does not make it younger
    room.connections.awaits_body(second.fileno())
    room.connections.sweep()
    assert room.hung_up() == []
    room.now = SILENT_SECONDS + 1
    room.connections.sweep()
    assert room.hung_up() == [0]
    assert third.fileno() >= 0


def test_where_the_machine_gives_no_more_a_quarter_goes(room: Room) -> None:
    room.connections = Connections(100, room.complaints.append, lambda: room.now)
    for _ in range(40):
        room.come()
    room.connections.shrink()
    assert room.hung_up() == list(range(10))
    room.come()
    assert 10 in room.hung_up()
