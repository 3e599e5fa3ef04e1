"""Reading and writing descriptors that may not block, such as a pipe that an event loop shares with this process.

`O_NONBLOCK` belongs to the open file, not to the process: a parent that sets it for its own end of a terminal or
socket sets it here as well. A system call then fails with EAGAIN, and these functions wait instead.
"""

import os


def read(fd: int, size: int) -> bytes:
    """Return up to `size` bytes, and nothing only at the end of the stream. Raise OSError."""
    while True:
        try:
            return os.read(fd, size)
        except BlockingIOError:
            _wait(fd, for_reading=True)


def write(fd: int, data: "bytes | memoryview") -> int:
    """Write at least one byte of `data`, unless it is empty; return the number of bytes written. Raise OSError."""
    while True:
        try:
            return os.write(fd, data)
        except BlockingIOError:
            _wait(fd, for_reading=False)


def write_all(fd: int, data: "bytes | memoryview") -> None:
    """Write all of `data`. Raise OSError; a part may have been written then."""
    rest = memoryview(data)
    while rest:
        rest = rest[write(fd, rest) :]


def _wait(fd: int, *, for_reading: bool) -> None:
    import select  # only here: most commands never wait

    poll = select.poll()  # unlike select(), it takes descriptors above 1,023
    poll.register(fd, select.POLLIN if for_reading else select.POLLOUT)
    poll.poll()
