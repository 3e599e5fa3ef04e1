"""A disk that records every write and every flush, in their order.

The disk is a file in a file system of our own, and a loop device over it. The blocks that a file system writes to the
device are written to the file. Its barriers, flushes and forced writes all end as an fsync of the file.
The kernel's protocol for such a file system (<linux/fuse.h>, version 7.31) is small when there is one file
only, so it is spoken here, and nothing needs to be installed.
"""

import errno
import os
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.torture.disks import unmount

DEVICE = "/dev/fuse"

_LARGEST = 2**20  # bytes of one write
_FLAGS = 1 << 5 | 1 << 22  # writes of more than a page; of as many pages as set below
_FOREVER = 2**31
_DIRECT = 1  # nothing of the file is to be cached above us

# What the kernel asks for.
_FORGET, _GETATTR, _SETATTR, _OPEN, _READ, _WRITE = 2, 3, 4, 14, 15, 16
_RELEASE, _FSYNC, _FLUSH, _INIT, _INTERRUPT, _DESTROY, _BATCH_FORGET = 18, 20, 25, 26, 36, 38, 42


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes that were written at an offset; they may be lost, or torn, until a flush."""

    offset: int
    data: bytes


#: What was written before it is on the disk for good.
FLUSH = None

Log = list[Write | None]


def missing() -> str:
    """Return the reason why this machine cannot record writes, or an empty text."""
    try:
        os.close(os.open(DEVICE, os.O_RDWR))
    except OSError as error:
        return f"{DEVICE} cannot be opened: {error.strerror}"
    return ""


@contextmanager
def recorded(image: Path) -> Iterator[Log]:
    """Cover a file by one of the same content that notes every write and flush. Nothing may be left open in it."""
    log: Log = []
    device = os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
    file = os.open(image, os.O_RDWR | os.O_CLOEXEC)
    server = threading.Thread(target=_serve, args=(device, file, log), daemon=True)
    server.start()
    try:
        options = f"fd={device},rootmode=100600,user_id=0,group_id=0"
        mount = ["mount", "--internal-only", "-t", "fuse", "-o", options, "recorded", str(image)]
        subprocess.run(mount, check=True, pass_fds=[device])
        try:
            yield log
        finally:
            unmount(image)
            server.join()
    finally:
        os.close(file)
        os.close(device)


def _serve(device: int, file: int, log: Log) -> None:
    """Answer the requests of the kernel until the unmount."""
    while True:
        try:
            asked = os.read(device, _LARGEST + 4096)
        except OSError as error:
            if error.errno == errno.EPERM:  # not mounted yet
                time.sleep(0.001)
                continue
            if error.errno in (errno.EINTR, errno.ENOENT, errno.EAGAIN):
                continue
            return  # unmounted
        _, what, number = struct.unpack_from("=IIQ", asked)
        if what in (_FORGET, _BATCH_FORGET, _INTERRUPT):  # no answer is expected
            continue
        try:
            answer = _answer(what, memoryview(asked)[40:], file, log)
            status, body = (errno.ENOSYS, b"") if answer is None else (0, answer)
        except OSError as error:
            status, body = error.errno or errno.EIO, b""
        with suppress(FileNotFoundError):  # who asked does not wait any more
            os.write(device, struct.pack("=IiQ", 16 + len(body), -status, number) + body)


def _answer(what: int, body: memoryview, file: int, log: Log) -> bytes | None:
    """Carry out a request and return the answer, or None if the request is unknown."""
    if what == _INIT:
        return struct.pack("=4I2H2I2H8I", 7, 31, 0, _FLAGS, 16, 12, _LARGEST, 1, _LARGEST // 4096, *[0] * 9)
    if what in (_GETATTR, _SETATTR):
        size = os.fstat(file).st_size
        return struct.pack("=Q2I6Q10I", _FOREVER, 0, 0, 1, size, size // 512, *[0] * 6, 0o100600, 1, 0, 0, 0, 4096, 0)
    if what == _OPEN:
        return struct.pack("=Q2I", 0, _DIRECT, 0)
    if what == _READ:
        _, offset, size = struct.unpack_from("=2QI", body)
        return os.pread(file, size, offset)
    if what == _WRITE:
        _, offset, size = struct.unpack_from("=2QI", body)
        data = bytes(body[40 : 40 + size])
        os.pwrite(file, data, offset)
        log.append(Write(offset, data))
        return struct.pack("=2I", size, 0)
    if what == _FSYNC:
        log.append(FLUSH)
        return b""
    if what in (_FLUSH, _RELEASE, _DESTROY):
        return b""
    return None
