"""Reading and writing descriptors in non-blocking mode, such as a pipe that an event loop shares with this process.

`O_NONBLOCK` belongs to the open file, not to the process: a parent that sets it for its own end of a terminal or
socket sets it for this process as well. A system call then fails with EAGAIN, and these functions wait instead.
"""

from __future__ import annotations

import errno

from crdtctl.system import os, stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
else:
    pass

#: Where the paths of open descriptors of this process are, such as ``<(…)`` makes.
_DESCRIPTORS = ("/dev/fd/", "/proc/self/fd/")
_DIGITS = 6

#: Interval in seconds between looks for a writer.
_STEP = 0.02


def read(fd: int, size: int) -> bytes:
    """Return up to `size` bytes; an empty result means the end of the stream. Raise OSError."""
    while True:
        try:
            return os.read(fd, size)
        except BlockingIOError:
            _wait(fd, for_reading=True)


class NoWriter(OSError):
    """A named pipe that no process has opened for writing."""


def open_to_read(path: str, *, waits: bool = True) -> int:
    """Open a file, or the descriptor behind a path such as ``/dev/fd/63``, which may be a socket. Raise OSError.

    Opening a named pipe waits until a process opens it for writing, unless `waits` is false.
    """
    mode = os.stat(path).st_mode
    descriptor = None if stat.S_ISREG(mode) else _descriptor(path)
    if descriptor is not None:
        return os.dup(descriptor)
    is_pipe = stat.S_ISFIFO(mode) and not waits
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | (os.O_NONBLOCK if is_pipe else 0))


def _descriptor(path: str) -> int | None:
    """Return the descriptor of this process that a path is, or None."""
    if path == "/dev/stdin":
        return 0
    number = next((path.removeprefix(start) for start in _DESCRIPTORS if path.startswith(start)), "")
    return int(number) if number.isascii() and number.isdigit() and len(number) <= _DIGITS else None


def reader_with_timeout(fd: int, patience: float) -> Callable[[int], bytes]:
    """Return a function like `read` that raises `NoWriter` if no writer opens the pipe within `patience` seconds.

    It is for a named pipe that was opened without waiting, where the end of the data looks like a missing writer.
    """
    began = False

    def read_patiently(size: int) -> bytes:
        nonlocal began
        import time

        deadline = time.monotonic() + patience
        while not began:
            try:
                began = bool(data := os.read(fd, size))
            except BlockingIOError:
                began = True
                break
            if began:
                return data
            if time.monotonic() >= deadline:
                raise NoWriter(errno.ENXIO, "the pipe has no writer")
            time.sleep(_STEP)
        return read(fd, size)

    return read_patiently


def is_named_pipe(path: str) -> bool:
    """Return whether `path` itself is a named pipe, not a descriptor of this process."""
    return _descriptor(path) is None and stat.S_ISFIFO(os.stat(path).st_mode)


def is_stream(path: str) -> bool:
    """Return whether the file at `path` can be read only once: a pipe, a device, or an open socket."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False  # opening it gives the error message
    if stat.S_ISSOCK(mode):
        return _descriptor(path) is not None
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def write(fd: int, data: bytes | memoryview) -> int:
    """Write at least one byte of `data`, unless it is empty; return the number of bytes written. Raise OSError."""
    while True:
        try:
            return os.write(fd, data)
        except BlockingIOError:
            _wait(fd, for_reading=False)


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Write all of `data`. Raise OSError; a part may have been written then."""
    rest = memoryview(data)
    while rest:
        rest = rest[write(fd, rest) :]


def _wait(fd: int, *, for_reading: bool) -> None:
    import select  # only here: most commands never wait

    poll = select.poll()  # unlike select(), it takes descriptors above 1,023
    poll.register(fd, select.POLLIN if for_reading else select.POLLOUT)
    poll.poll()
