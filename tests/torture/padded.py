"""Run the program with its modules loaded, and with extra system calls before those of one of its threads.

strace counts the calls of each thread by itself, and injects into every thread whose count comes to the number. So
the thread that is meant first makes at least as many calls of the name as any other thread makes at all.

``padded.py MODULE,... CALL THREAD TIMES WORD...``: THREAD 0 is the main one, and the others are numbered as they start.
"""

import fcntl
import importlib
import itertools
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

#: No descriptor that is open.
_NONE = 2**20
#: How each call is made so that it fails, and changes nothing.
_CALLS: dict[str, Callable[[], object]] = {
    "close": lambda: os.close(_NONE),
    "fcntl": lambda: fcntl.fcntl(_NONE, fcntl.F_GETFD),
    "fdatasync": lambda: os.fdatasync(_NONE),
    "flock": lambda: fcntl.flock(_NONE, fcntl.LOCK_UN),
    "fstat": lambda: os.fstat(_NONE),
    "fsync": lambda: os.fsync(_NONE),
    "ftruncate": lambda: os.ftruncate(_NONE, 0),
    "getdents64": lambda: os.listdir("/dev/fd"),
    "ioctl": lambda: fcntl.ioctl(_NONE, 0),
    "lseek": lambda: os.lseek(_NONE, 0, os.SEEK_SET),
    "mkdir": lambda: os.mkdir(""),
    "newfstatat": lambda: os.stat(""),
    "openat": lambda: os.open("", os.O_RDONLY),
    "pread64": lambda: os.pread(_NONE, 1, 0),
    "pwrite64": lambda: os.pwrite(_NONE, b"x", 0),
    "read": lambda: os.read(_NONE, 1),
    "rename": lambda: os.rename("", ""),
    "renameat": lambda: os.rename("", "", src_dir_fd=_NONE),
    "stat": lambda: os.stat(""),
    "unlink": lambda: os.unlink(""),
    "unlinkat": lambda: os.unlink("", dir_fd=_NONE),
    "write": lambda: os.write(_NONE, b"x"),
    "writev": lambda: os.writev(_NONE, [b"x"]),
}
#: How many calls it takes to read a small directory; of the others, one is one.
_EACH = {"getdents64": 2}


def main(modules: str, call: str, thread: str, times: str, *words: str) -> None:
    """Run the program with the words. Before, make a call a number of times in a thread."""
    for module in modules.split(","):
        importlib.import_module(module)
    sys.argv = ["crdtctl", *words]
    numbers = itertools.count(1)

    def pad() -> None:
        for _ in range(int(times) // _EACH.get(call, 1)):
            with suppress(OSError):
                _CALLS[call]()

    def begins(*_: object) -> None:
        """Be called when a thread does its first step."""
        sys.settrace(None)
        if next(numbers) == int(thread):
            pad()

    threading.settrace(begins)
    if thread == "0":
        pad()
    from crdtctl.__main__ import run

    run()


if __name__ == "__main__":
    main(*sys.argv[1:])
