"""The SSH File Transfer Protocol, version 3 (draft-ietf-secsh-filexfer-02), which every server supports.

Requests are sent ahead of the replies, so that a thousand small files need only a few round trips. File names are
bytes, exactly as on the server.
"""

import struct
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

#: Number of bytes of a request. Every server must support this size.
BLOCK = 2**15
#: Maximum number of requests in flight.
WINDOW = 64
_MAX_PACKET = 2**20
_VERSION = 3

READ, WRITE, CREATE, EXCLUSIVE = 0x01, 0x02, 0x08, 0x20
POSIX_RENAME: Final = b"posix-rename@openssh.com"
FSYNC: Final = b"fsync@openssh.com"


class PacketType(IntEnum):
    """The type of a packet."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    FSTAT = 8
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    STAT = 17
    RENAME = 18
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200


class Code(IntEnum):
    """The status code of a reply."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    UNSUPPORTED = 8


class StatusError(Exception):
    """The server refused or failed: its status code, and its message."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


class ProtocolError(Exception):
    """The data is not valid in this protocol."""


class ChannelClosedError(Exception):
    """The other side has closed the connection."""


class Channel(Protocol):
    """A stream of bytes in each direction."""

    def send(self, data: bytes) -> None:
        """Send bytes without waiting."""

    def receive(self) -> bytes:
        """Return the next bytes, of any number; empty when the other side has closed the connection."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """The attributes of a file. `mode` and `modified`, in seconds, are 0 if the server does not send them."""

    size: int = 0
    mode: int = 0
    modified: int = 0


class Packet:
    """The content of a packet, read from its start."""

    def __init__(self, kind: int, data: bytes) -> None:
        self.kind = kind
        self._data = data
        self._at = 0

    def number(self) -> int:
        """Read an integer of 32 bits."""
        return int.from_bytes(self._take(4))

    def long(self) -> int:
        """Read an integer of 64 bits."""
        return int.from_bytes(self._take(8))

    def text(self) -> bytes:
        """Read a string."""
        return self._take(self.number())

    def attributes(self) -> Attributes:
        """Read the attributes of a file."""
        flags = self.number()
        size = self.long() if flags & 0x1 else 0
        if flags & 0x2:
            self._take(8)
        mode = self.number() if flags & 0x4 else 0
        modified = 0
        if flags & 0x8:
            self._take(4)
            modified = self.number()
        if flags & 0x80000000:
            for _ in range(self.number()):
                self.text()
                self.text()
        return Attributes(size, mode, modified)

    @property
    def is_over(self) -> bool:
        """Whether all content was read."""
        return self._at == len(self._data)

    def _take(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._data):
            raise ProtocolError("a packet is too short")
        taken = self._data[self._at : end]
        self._at = end
        return taken


def number(value: int) -> bytes:
    """Return the encoding of an integer of 32 bits."""
    return struct.pack(">I", value)


def long(value: int) -> bytes:
    """Return the encoding of an integer of 64 bits."""
    return struct.pack(">Q", value)


def text(value: bytes) -> bytes:
    """Return the encoding of a string."""
    return number(len(value)) + value


_NO_ATTRIBUTES: Final = number(0)


class Client:
    """A client of a server. Methods with the suffix ``_later`` return the number of a request for `wait`.

    Raises `StatusError`, `ProtocolError`, `ChannelClosedError`, and the errors of the channel.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._received = bytearray()
        self._replies: dict[int, Packet] = {}
        self._last = 0
        self._under_way: set[int] = set()
        self._ignored: set[int] = set()
        self._send(PacketType.INIT, number(_VERSION))
        hello = self._packet()
        if hello.kind != PacketType.VERSION or hello.number() != _VERSION:
            raise ProtocolError("the server does not begin with SFTP, version 3")
        self.extensions: dict[bytes, bytes] = {}
        while not hello.is_over:
            name = hello.text()
            self.extensions[name] = hello.text()

    def open_later(self, path: bytes, flags: int) -> int:
        """Request to open a file."""
        return self._ask(PacketType.OPEN, text(path), number(flags), _NO_ATTRIBUTES)

    def close_later(self, handle: bytes) -> int:
        """Request to close a handle."""
        return self._ask(PacketType.CLOSE, text(handle))

    def close_handle(self, handle: bytes) -> None:
        """Close a handle after reading, and ignore the reply."""
        self._ignored.add(self.close_later(handle))

    def wait(self, request: int) -> Packet:
        """Return the reply to a request."""
        while request not in self._replies:
            packet = self._packet()
            answered = packet.number()
            if answered not in self._under_way:
                raise ProtocolError("a reply without a request")
            self._under_way.remove(answered)
            if answered in self._ignored:
                self._ignored.remove(answered)
            else:
                self._replies[answered] = packet
        packet = self._replies.pop(request)
        if packet.kind == PacketType.STATUS:
            code = packet.number()
            if code != Code.OK:
                words = b"" if packet.is_over else packet.text()
                raise StatusError(code, words.decode("utf-8", "replace"))
        return packet

    def handle(self, request: int) -> bytes:
        """Return the requested handle."""
        return self._expect(request, PacketType.HANDLE).text()

    def done(self, request: int) -> None:
        """Wait until a request is done."""
        self._expect(request, PacketType.STATUS)

    def list(self, path: bytes) -> Iterator[tuple[bytes, Attributes]]:
        """Yield the names in a directory with their attributes, in any order. Symbolic links are not followed."""
        handle = self.handle(self._ask(PacketType.OPENDIR, text(path)))
        ahead = deque(self._ask(PacketType.READDIR, text(handle)) for _ in range(WINDOW // 4))
        is_over = False
        while ahead:
            try:
                found = self._expect(ahead.popleft(), PacketType.NAME)
            except StatusError as error:
                if error.code != Code.EOF:
                    raise
                is_over = True
                continue
            if not is_over:
                ahead.append(self._ask(PacketType.READDIR, text(handle)))
            for _ in range(found.number()):
                name = found.text()
                found.text()  # the line of ls, for people
                yield name, found.attributes()
        self.done(self.close_later(handle))

    def stat(self, path: bytes) -> Attributes:
        """Return the attributes of a path, following a symbolic link at its end."""
        return self._expect(self._ask(PacketType.STAT, text(path)), PacketType.ATTRS).attributes()

    def stat_open(self, handle: bytes) -> Attributes:
        """Return the attributes of an open file."""
        return self._expect(self._ask(PacketType.FSTAT, text(handle)), PacketType.ATTRS).attributes()

    def make_directory(self, path: bytes) -> None:
        """Make a directory, whose parent must exist."""
        self.done(self._ask(PacketType.MKDIR, text(path), _NO_ATTRIBUTES))

    def remove(self, path: bytes) -> None:
        """Delete a file."""
        self.done(self._ask(PacketType.REMOVE, text(path)))

    def rename(self, path: bytes, target: bytes) -> None:
        """Rename a file and replace the target, in one step if the server supports that, otherwise in two."""
        if POSIX_RENAME in self.extensions:
            self.done(self._ask(PacketType.EXTENDED, text(POSIX_RENAME), text(path), text(target)))
            return
        try:
            self.done(self._ask(PacketType.RENAME, text(path), text(target)))
        except StatusError as error:
            if error.code in (Code.NO_SUCH_FILE, Code.PERMISSION_DENIED, Code.UNSUPPORTED):
                raise
            self.remove(target)
            self.done(self._ask(PacketType.RENAME, text(path), text(target)))

    def write(self, handle: bytes, blocks: Iterator[bytes]) -> None:
        """Write a whole file, as durably as the server can."""
        ahead: deque[int] = deque()
        offset = 0
        for block in blocks:
            if len(ahead) == WINDOW:
                self.done(ahead.popleft())
            ahead.append(self._ask(PacketType.WRITE, text(handle), long(offset), text(block)))
            offset += len(block)
        while ahead:
            self.done(ahead.popleft())
        if FSYNC in self.extensions:
            self.done(self._ask(PacketType.EXTENDED, text(FSYNC), text(handle)))

    def reading(self, handle: bytes, size: int) -> "Reading":
        """Start reading a file from its beginning; `size` is its expected size."""
        return Reading(self, handle, size)

    def read_later(self, handle: bytes, offset: int, length: int) -> int:
        """Request bytes of an open file."""
        return self._ask(PacketType.READ, text(handle), long(offset), number(length))

    def data(self, request: int) -> bytes:
        """Return the requested data; empty at the end of the file."""
        try:
            return self._expect(request, PacketType.DATA).text()
        except StatusError as error:
            if error.code == Code.EOF:
                return b""
            raise

    def _expect(self, request: int, kind: PacketType) -> Packet:
        packet = self.wait(request)
        if packet.kind != kind:
            raise ProtocolError("a reply of the wrong type")
        return packet

    def _ask(self, kind: PacketType, *fields: bytes) -> int:
        self._last = (self._last + 1) % 2**32
        self._under_way.add(self._last)
        self._send(kind, number(self._last), *fields)
        return self._last

    def _send(self, kind: PacketType, *fields: bytes) -> None:
        data = b"".join(fields)
        self._channel.send(number(len(data) + 1) + bytes([kind]) + data)

    def _packet(self) -> Packet:
        while len(self._received) < 4 or len(self._received) < 4 + self._length():
            found = self._channel.receive()
            if not found:
                raise ChannelClosedError
            self._received += found
        end = 4 + self._length()
        packet = Packet(self._received[4], bytes(self._received[5:end]))
        del self._received[:end]
        return packet

    def _length(self) -> int:
        length = int.from_bytes(self._received[:4])
        if not 0 < length <= _MAX_PACKET:
            raise ProtocolError("a packet has an invalid length")
        return length


class Reading:
    """A read of a file, with requests ahead of the data."""

    def __init__(self, client: Client, handle: bytes, size: int) -> None:
        self.handle = handle
        self._client = client
        self._ahead: deque[tuple[int, int, int]] = deque()
        self._size = size
        self._next = 0
        self._ask_ahead()

    def copy(self, write: Callable[[bytes], object], limit: int) -> int:
        """Read the file to its end, or until more than `limit` bytes have arrived; return their number."""
        total = 0
        failed: StatusError | None = None
        is_over = False
        while self._ahead:
            offset, length, request = self._ahead.popleft()
            try:
                data = self._client.data(request)
            except StatusError as error:
                failed, is_over = failed or error, True
                continue
            if is_over:
                continue
            if len(data) > length:
                raise ProtocolError("more data than requested")
            if not data or total > limit:
                is_over = True
                continue
            write(data)
            total += len(data)
            if len(data) < length:  # a server may send less; the rest is requested again, in its place
                rest = offset + len(data), length - len(data)
                self._ahead.appendleft((*rest, self._client.read_later(self.handle, *rest)))
            self._ask_ahead()
        if failed:
            raise failed
        return total

    def _ask_ahead(self) -> None:
        """Request the expected content, and then one more block, which shows the end of the file."""
        while len(self._ahead) < WINDOW and (self._next <= self._size or not self._ahead):
            length = min(BLOCK, self._size - self._next) if self._next < self._size else BLOCK
            self._ahead.append((self._next, length, self._client.read_later(self.handle, self._next, length)))
            self._next += length
