"""The SSH File Transfer Protocol, version 3 (draft-ietf-secsh-filexfer-02), as every server speaks it.

Requests are sent ahead and their replies waited for one by one, so that a thousand small files cost a few round trips.
The names of files are bytes here, and exactly those of the server.
"""

import struct
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

#: So much is asked for at once: every server must grant it.
BLOCK = 2**15
#: So many requests are under way at once.
WINDOW = 64
_MAX_PACKET = 2**20
_VERSION = 3

READ, WRITE, CREATE, EXCLUSIVE = 0x01, 0x02, 0x08, 0x20
POSIX_RENAME: Final = b"posix-rename@openssh.com"
FSYNC: Final = b"fsync@openssh.com"


class Kind(IntEnum):
    """What a packet is."""

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
    """How a request went."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    UNSUPPORTED = 8


class StatusError(Exception):
    """The server did not do it: the code of why, and its words."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


class ProtocolError(Exception):
    """What came is not this protocol."""


class EndedError(Exception):
    """The other side has ended."""


class Channel(Protocol):
    """Bytes each way: `send` does not wait; `receive` returns none when the other side has ended."""

    def send(self, data: bytes) -> None:
        """Send bytes, without waiting for what comes of them."""

    def receive(self) -> bytes:
        """Return the next bytes, however many there are; none when the other side has ended."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What is told of a file; `mode` and `modified`, in seconds, are 0 if they are not."""

    size: int = 0
    mode: int = 0
    modified: int = 0


class Packet:
    """The content of a packet, taken apart from its beginning."""

    def __init__(self, kind: int, data: bytes) -> None:
        self.kind = kind
        self._data = data
        self._at = 0

    def number(self) -> int:
        """Take a number of 32 bits."""
        return int.from_bytes(self._take(4))

    def long(self) -> int:
        """Take a number of 64 bits."""
        return int.from_bytes(self._take(8))

    def text(self) -> bytes:
        """Take a string."""
        return self._take(self.number())

    def attributes(self) -> Attributes:
        """Take the attributes of a file."""
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
        """Whether nothing is left."""
        return self._at == len(self._data)

    def _take(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._data):
            raise ProtocolError("a packet is too short")
        taken = self._data[self._at : end]
        self._at = end
        return taken


def number(value: int) -> bytes:
    """Return a number of 32 bits, as it is sent."""
    return struct.pack(">I", value)


def long(value: int) -> bytes:
    """Return a number of 64 bits, as it is sent."""
    return struct.pack(">Q", value)


def text(value: bytes) -> bytes:
    """Return a string, as it is sent."""
    return number(len(value)) + value


_NO_ATTRIBUTES: Final = number(0)


class Client:
    """Asks a server. Methods that end in ``_later`` return the number of a request, to be given to `wait`.

    Raises `StatusError`, `ProtocolError`, `EndedError`, and what the channel raises.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._received = bytearray()
        self._replies: dict[int, Packet] = {}
        self._last = 0
        self._under_way: set[int] = set()
        self._ignored: set[int] = set()
        self._send(Kind.INIT, number(_VERSION))
        hello = self._packet()
        if hello.kind != Kind.VERSION or hello.number() != _VERSION:
            raise ProtocolError("its first words are not SFTP, version 3")
        self.extensions: dict[bytes, bytes] = {}
        while not hello.is_over:
            name = hello.text()
            self.extensions[name] = hello.text()

    def open_later(self, path: bytes, flags: int) -> int:
        """Ask for a file to be opened."""
        return self._ask(Kind.OPEN, text(path), number(flags), _NO_ATTRIBUTES)

    def close_later(self, handle: bytes) -> int:
        """Ask for a handle to be closed."""
        return self._ask(Kind.CLOSE, text(handle))

    def close_handle(self, handle: bytes) -> None:
        """Let go of a handle that was read from, whatever the server says to that."""
        self._ignored.add(self.close_later(handle))

    def wait(self, request: int) -> Packet:
        """Return the reply to a request that something was asked with."""
        while request not in self._replies:
            packet = self._packet()
            answered = packet.number()
            if answered not in self._under_way:
                raise ProtocolError("a reply to nothing")
            self._under_way.remove(answered)
            if answered in self._ignored:
                self._ignored.remove(answered)
            else:
                self._replies[answered] = packet
        packet = self._replies.pop(request)
        if packet.kind == Kind.STATUS:
            code = packet.number()
            if code != Code.OK:
                words = b"" if packet.is_over else packet.text()
                raise StatusError(code, words.decode("utf-8", "replace"))
        return packet

    def handle(self, request: int) -> bytes:
        """Return the handle that was asked for."""
        return self._expect(request, Kind.HANDLE).text()

    def done(self, request: int) -> None:
        """Wait until a request is done."""
        self._expect(request, Kind.STATUS)

    def list(self, path: bytes) -> Iterator[tuple[bytes, Attributes]]:
        """Yield the names in a directory, with what is told of each, in no order; links are not followed."""
        handle = self.handle(self._ask(Kind.OPENDIR, text(path)))
        ahead = deque(self._ask(Kind.READDIR, text(handle)) for _ in range(WINDOW // 4))
        is_over = False
        while ahead:
            try:
                found = self._expect(ahead.popleft(), Kind.NAME)
            except StatusError as error:
                if error.code != Code.EOF:
                    raise
                is_over = True
                continue
            if not is_over:
                ahead.append(self._ask(Kind.READDIR, text(handle)))
            for _ in range(found.number()):
                name = found.text()
                found.text()  # for people
                yield name, found.attributes()
        self.done(self.close_later(handle))

    def stat(self, path: bytes) -> Attributes:
        """Return what is told of a path; a link at its end is followed."""
        return self._expect(self._ask(Kind.STAT, text(path)), Kind.ATTRS).attributes()

    def stat_open(self, handle: bytes) -> Attributes:
        """Return what is told of an open file."""
        return self._expect(self._ask(Kind.FSTAT, text(handle)), Kind.ATTRS).attributes()

    def make_directory(self, path: bytes) -> None:
        """Make a directory; the one that it is in must be there."""
        self.done(self._ask(Kind.MKDIR, text(path), _NO_ATTRIBUTES))

    def remove(self, path: bytes) -> None:
        """Delete a file."""
        self.done(self._ask(Kind.REMOVE, text(path)))

    def rename(self, path: bytes, target: bytes) -> None:
        """Rename a file over whatever is there; where the server cannot do that in one step, in two."""
        if POSIX_RENAME in self.extensions:
            self.done(self._ask(Kind.EXTENDED, text(POSIX_RENAME), text(path), text(target)))
            return
        try:
            self.done(self._ask(Kind.RENAME, text(path), text(target)))
        except StatusError as error:
            if error.code in (Code.NO_SUCH_FILE, Code.PERMISSION_DENIED, Code.UNSUPPORTED):
                raise
            self.remove(target)
            self.done(self._ask(Kind.RENAME, text(path), text(target)))

    def write(self, handle: bytes, blocks: Iterator[bytes]) -> None:
        """Write a file from its beginning, until it is as durable as the server can make it."""
        ahead: deque[int] = deque()
        offset = 0
        for block in blocks:
            if len(ahead) == WINDOW:
                self.done(ahead.popleft())
            ahead.append(self._ask(Kind.WRITE, text(handle), long(offset), text(block)))
            offset += len(block)
        while ahead:
            self.done(ahead.popleft())
        if FSYNC in self.extensions:
            self.done(self._ask(Kind.EXTENDED, text(FSYNC), text(handle)))

    def reading(self, handle: bytes, size: int) -> "Reading":
        """Begin to read a file from its beginning; `size` is what it is thought to be."""
        return Reading(self, handle, size)

    def read_later(self, handle: bytes, offset: int, length: int) -> int:
        """Ask for bytes of an open file."""
        return self._ask(Kind.READ, text(handle), long(offset), number(length))

    def data(self, request: int) -> bytes:
        """Return the data that was asked for; none at the end of the file."""
        try:
            return self._expect(request, Kind.DATA).text()
        except StatusError as error:
            if error.code == Code.EOF:
                return b""
            raise

    def _expect(self, request: int, kind: Kind) -> Packet:
        packet = self.wait(request)
        if packet.kind != kind:
            raise ProtocolError("a reply to something else")
        return packet

    def _ask(self, kind: Kind, *fields: bytes) -> int:
        self._last = (self._last + 1) % 2**32
        self._under_way.add(self._last)
        self._send(kind, number(self._last), *fields)
        return self._last

    def _send(self, kind: Kind, *fields: bytes) -> None:
        data = b"".join(fields)
        self._channel.send(number(len(data) + 1) + bytes([kind]) + data)

    def _packet(self) -> Packet:
        while len(self._received) < 4 or len(self._received) < 4 + self._length():
            found = self._channel.receive()
            if not found:
                raise EndedError
            self._received += found
        end = 4 + self._length()
        packet = Packet(self._received[4], bytes(self._received[5:end]))
        del self._received[:end]
        return packet

    def _length(self) -> int:
        length = int.from_bytes(self._received[:4])
        if not 0 < length <= _MAX_PACKET:
            raise ProtocolError("a packet has no reasonable length")
        return length


class Reading:
    """A file that is read: what is asked for ahead of what is taken."""

    def __init__(self, client: Client, handle: bytes, size: int) -> None:
        self.handle = handle
        self._client = client
        self._ahead: deque[tuple[int, int, int]] = deque()
        self._size = size
        self._next = 0
        self._ask_ahead()

    def copy(self, write: Callable[[bytes], object], limit: int) -> int:
        """Read it to its end, or until more than `limit` bytes have come; return how many have."""
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
                raise ProtocolError("more data than was asked for")
            if not data or total > limit:
                is_over = True
                continue
            write(data)
            total += len(data)
            if len(data) < length:  # a server may give less; what is missing is asked for again, in its place
                rest = offset + len(data), length - len(data)
                self._ahead.appendleft((*rest, self._client.read_later(self.handle, *rest)))
            self._ask_ahead()
        if failed:
            raise failed
        return total

    def _ask_ahead(self) -> None:
        """Ask for what is thought to be there, and last for a piece behind it, which tells that it is the end."""
        while len(self._ahead) < WINDOW and (self._next <= self._size or not self._ahead):
            length = min(BLOCK, self._size - self._next) if self._next < self._size else BLOCK
            self._ahead.append((self._next, length, self._client.read_later(self.handle, self._next, length)))
            self._next += length
