"""Fetched files on this machine: the first small ones in memory, further ones one after the other in a single file.

Each large one has a file of its own. To make and delete a file takes longer than to write a small one.
"""

from __future__ import annotations

from _thread import allocate_lock

from crdtctl.contexts import contextmanager, suppress
from crdtctl.errors import StorageError, from_os
from crdtctl.records import NamedTuple
from crdtctl.sync.hashing import blake2b
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO, Self

#: Maximum number of bytes of a file that is kept together with others; and of those in memory.
SMALL = 2**16
IN_MEMORY = 3 * 2**22
_READ_SIZE = 2**20


@contextmanager
def _no_fault_of_the_remote() -> Iterator[None]:
    """Raise `StorageError` for any error of the operating system, since it does not concern the file at the remote."""
    try:
        yield
    except OSError as error:
        failure = from_os(error, "write a temporary file")
        raise StorageError(failure.message, failure.hint) from None


class LocalFile(NamedTuple):
    """The content of a fetched file: `size` bytes of the local file `path` from `start` on, and their hash.

    If the content is in memory, it is the `data`.
    """

    path: str
    start: int
    size: int
    digest: str
    data: bytes | None = None

    @classmethod
    def at(cls, path: str) -> LocalFile:
        """Return the content of a whole local file."""
        with open(path, "rb") as file:
            return cls.of(file, path, os.fstat(file.fileno()).st_size)

    @classmethod
    def of(cls, file: BinaryIO, path: str, size: int) -> LocalFile:
        """Return the next `size` bytes of an open file, and move its position to their end."""
        digest = blake2b(digest_size=16)
        start = file.tell()
        left = size
        while block := file.read(min(left, _READ_SIZE)):
            digest.update(block)
            left -= len(block)
        return cls(path, start, size - left, digest.hexdigest())

    def read(self) -> bytes:
        """Return the content."""
        if self.data is not None:
            return self.data
        with open(self.path, "rb") as file:
            file.seek(self.start)
            return file.read(self.size)

    def pieces(self) -> Iterator[bytes]:
        """Yield the content in pieces."""
        if self.data is not None:
            yield self.data
            return
        left = self.size
        with open(self.path, "rb") as file:
            file.seek(self.start)
            while block := file.read(min(left, _READ_SIZE)):
                left -= len(block)
                yield block

    def discard(self) -> None:
        """Delete the file, if it holds nothing else. The content cannot be read any more."""
        if self.size > SMALL:
            with suppress(OSError):
                os.unlink(self.path)


class LocalFiles:
    """Writes fetched files into a local `directory`. Several threads may do that at the same time."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._lock = allocate_lock()
        self._shared: int | None = None
        self._end = 0
        self._in_memory = 0
        self._number = 0

    def new(self) -> Incoming:
        """Return a file to be written."""
        return Incoming(self)

    def close(self) -> None:
        """Close the file that holds the small ones."""
        fd, self._shared = self._shared, None
        if fd is not None:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def create(self) -> tuple[int, str]:
        """Create a file for a large one; return its descriptor and path."""
        with self._lock:
            path = f"{self._directory}/{self._number}"
            self._number += 1
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), path

    def keep(self, content: bytes) -> bool:
        """Return whether a small file may stay in memory."""
        with self._lock:
            self._in_memory += len(content)
            return self._in_memory <= IN_MEMORY

    def append(self, content: bytes) -> tuple[str, int]:
        """Add a small file to the others; return the path of the file that holds them, and the place in it."""
        path = f"{self._directory}/small"
        with self._lock:
            if self._shared is None:
                self._shared = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            start, self._end = self._end, self._end + len(content)
            written = 0
            while written < len(content):
                written += os.pwrite(self._shared, content[written:] if written else content, start + written)
        return path, start


class Incoming:
    """A file that is being fetched. It is kept in memory until it is too large for that."""

    def __init__(self, files: LocalFiles) -> None:
        self._files = files
        self._pieces: list[bytes] = []
        self._size = 0
        self._digest = blake2b(digest_size=16)
        self._fd: int | None = None
        self._path = ""

    def write(self, piece: bytes) -> None:
        """Add a piece; raise `StorageError` if it cannot be written."""
        self._digest.update(piece)
        self._size += len(piece)
        self._pieces.append(piece)
        if self._size > SMALL:
            with _no_fault_of_the_remote():
                if self._fd is None:
                    self._fd, self._path = self._files.create()
                self._flush(self._fd)

    def _flush(self, fd: int) -> None:
        pieces, self._pieces = self._pieces, []
        for piece in pieces:
            written = 0
            while written < len(piece):
                written += os.write(fd, memoryview(piece)[written:])

    def finish(self) -> LocalFile:
        """Return the content; raise `StorageError` if it cannot be written."""
        start, data = 0, None
        if self._fd is None:
            content = b"".join(self._pieces)
            if self._files.keep(content):
                data = content
            else:
                with _no_fault_of_the_remote():
                    self._path, start = self._files.append(content)
        self.close()
        return LocalFile(self._path, start, self._size, self._digest.hexdigest(), data)

    def close(self) -> None:
        """Close the file, also one that is incomplete."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
