"""The SSH File Transfer Protocol with arbitrary servers: each answer is understood or refused."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.sync.transports.sftp.protocol import (
    BLOCK,
    READ,
    ChannelClosedError,
    Client,
    Packet,
    PacketType,
    ProtocolError,
    StatusError,
    long,
    number,
    text,
)

HELLO = number(5) + bytes([PacketType.VERSION]) + number(3)
END_OF_FILE = number(1) + text(b"end") + text(b"")


class Recording:
    """A server whose words were written before it was asked."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = [piece for piece in pieces if piece]

    def send(self, data: bytes) -> None:
        pass

    def receive(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


class Miser:
    """A server of one file, that gives no more at once than `most` bytes, and sends them in pieces."""

    def __init__(self, content: bytes, most: int) -> None:
        self._content = content
        self._most = most
        self._said = bytearray(HELLO)
        self.reads = 0

    def send(self, data: bytes) -> None:
        packet = Packet(data[4], data[5:])
        if packet.kind == PacketType.INIT:
            return
        request = number(packet.number())
        if packet.kind == PacketType.OPEN:
            self._say(PacketType.HANDLE, request, text(b"handle"))
        elif packet.kind == PacketType.READ:
            self.reads += 1
            packet.text()
            offset, length = packet.long(), packet.number()
            found = self._content[offset : offset + min(length, self._most)]
            self._say(
                *((PacketType.DATA, request, text(found)) if found else (PacketType.STATUS, request, END_OF_FILE))
            )

    def _say(self, kind: PacketType, *fields: bytes) -> None:
        data = b"".join(fields)
        self._said += number(len(data) + 1) + bytes([kind]) + data

    def receive(self) -> bytes:
        piece = bytes(self._said[:1000])
        del self._said[:1000]
        return piece


def packet(kind: int, *fields: bytes) -> bytes:
    data = b"".join(fields)
    return number(len(data) + 1) + bytes([kind]) + data


ask: dict[str, Callable[[Client], object]] = {
    "list": lambda client: list(client.list(b".")),
    "stat": lambda client: client.stat(b"a"),
    "get": lambda client: client.reading(client.handle(client.open_later(b"a", READ)), 10).copy(len, 2**20),
    "put": lambda client: client.write(client.handle(client.open_later(b"a", READ)), iter([b"one"])),
    "rename": lambda client: client.rename(b"a", b"b"),
}

fields = st.one_of(
    st.integers(0, 9).map(number),
    st.just(number(2**32 - 1)),
    st.integers(0, 2**64 - 1).map(long),
    st.binary(max_size=9).map(text),
)
replies = st.tuples(
    st.sampled_from(
        [PacketType.STATUS, PacketType.HANDLE, PacketType.DATA, PacketType.NAME, PacketType.ATTRS, PacketType.VERSION]
    ),
    st.integers(0, 20).map(number),
    st.lists(fields, max_size=6).map(b"".join),
).map(lambda parts: packet(*parts))


@pytest.mark.parametrize("what", ask)
@given(said=st.one_of(st.binary(max_size=200), st.lists(replies, max_size=20).map(b"".join).map(HELLO.__add__)))
def test_whatever_is_said_is_understood_or_refused(what: str, said: bytes) -> None:
    try:
        ask[what](Client(Recording(said)))
    except (StatusError, ProtocolError, ChannelClosedError):
        pass


@given(
    content=st.binary(max_size=300).map(lambda some: some * 400),
    most=st.sampled_from([999, BLOCK - 1, BLOCK, 2**20]),
    thought=st.integers(0, 200_000),
)
def test_a_file_is_read_to_its_end_however_little_comes_at_once_and_whatever_its_size_was(
    content: bytes, most: int, thought: int
) -> None:
    client = Client(Miser(content, most))
    pieces: list[bytes] = []
    reading = client.reading(client.handle(client.open_later(b"a", READ)), thought)
    assert reading.copy(pieces.append, 2**30) == len(content)
    assert b"".join(pieces) == content


def test_a_file_that_does_not_end_is_not_read_for_ever() -> None:
    client = Client(Miser(bytes(2**22), BLOCK))
    pieces: list[bytes] = []
    reading = client.reading(client.handle(client.open_later(b"a", READ)), 0)
    assert 2**20 < reading.copy(pieces.append, 2**20) <= 2**20 + BLOCK
    assert sum(map(len, pieces)) <= 2**20 + BLOCK


def test_what_is_known_of_a_size_costs_one_request_more_than_its_blocks_and_all_are_made_at_once() -> None:
    for size in (0, 1, BLOCK, BLOCK + 1, 3 * BLOCK):
        server = Miser(bytes(size), BLOCK)
        client = Client(server)
        reading = client.reading(client.handle(client.open_later(b"a", READ)), size)
        assert server.reads == -(-size // BLOCK) + 1
        reading.copy(len, 2**30)
        assert server.reads == -(-size // BLOCK) + 1


def test_words_before_the_protocol_are_not_taken_for_it() -> None:
    with pytest.raises(ProtocolError, match="length"):
        Client(Recording(b"Welcome to this machine\n", HELLO))


def test_another_version_is_refused() -> None:
    with pytest.raises(ProtocolError, match="version 3"):
        Client(Recording(packet(PacketType.VERSION, number(6))))


def test_more_data_than_was_asked_for_is_refused() -> None:
    opened = packet(PacketType.HANDLE, number(1), text(b"handle"))
    too_much = packet(PacketType.DATA, number(2), text(bytes(11)))
    client = Client(Recording(HELLO, opened, too_much))
    reading = client.reading(client.handle(client.open_later(b"a", READ)), 10)
    with pytest.raises(ProtocolError, match="more data"):
        reading.copy(len, 2**20)


def test_a_reply_to_nothing_is_refused() -> None:
    client = Client(Recording(HELLO, packet(PacketType.HANDLE, number(99), text(b"handle"))))
    with pytest.raises(ProtocolError, match="without a request"):
        client.stat(b"a")


def test_pieces_of_any_length_make_the_same_packets() -> None:
    said = HELLO + packet(PacketType.ATTRS, number(1), number(1), long(7))

    def one_by_one() -> Iterator[bytes]:
        yield from (bytes([byte]) for byte in said)

    assert Client(Recording(*one_by_one())).stat(b"a").size == 7
