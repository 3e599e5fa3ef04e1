"""The lines of a pipe or file, as they arrive."""

from __future__ import annotations

import os
import select
import stat

from crdtctl.cli.line_buffer import LineBuffer
from crdtctl.cli.paths import given
from crdtctl.cli.reading import called
from crdtctl.errors import MissingError, UsageError, from_os
from crdtctl.store import streams
from crdtctl.store.durable import close

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from crdtctl.cli.signals import noted_signals

#: What a pipe holds on most systems.
_BLOCK = 2**16


class PipedLines:
    """The lines of a file; '-' is standard input. A named pipe is read until its last writer has closed it.

    Use it as a context. `is_over` is true after the last line.
    """

    #: Advice after a commit whose outcome is unknown.
    advice = "the lines after them may count or not: look at the values first"

    def __init__(self, path: str, signals: noted_signals) -> None:
        self.name = called(path)
        self.is_over = False
        self._signals = signals
        self._buffer = LineBuffer()
        try:
            self._fd = 0 if path == "-" else streams.open_to_read(given(path), waits=False)
            if stat.S_ISDIR(os.fstat(self._fd).st_mode):
                raise UsageError(f"{self.name} is a directory", "name a file, or a pipe")
        except FileNotFoundError:
            raise MissingError(
                f"{self.name} does not exist", "the counters of a stream are on the lines of FILE, or of standard input"
            ) from None
        except OSError as error:
            raise from_os(error, f"read {self.name}") from None
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)
        self._poll.register(signals.fd, select.POLLIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd:
            close(self._fd)

    def read(self, patience: float | None) -> list[bytes]:
        """Return the lines that arrived, without their ends. Wait up to `patience` seconds, or until a signal."""
        self._poll.poll(None if patience is None else patience * 1000)
        if self._signals.number or not self.is_ready():
            return []
        try:
            block = os.read(self._fd, _BLOCK)
        except BlockingIOError:  # another process was quicker
            return []
        except OSError as error:
            raise from_os(error, f"read {self.name}") from None
        if block:
            return self._buffer.feed(block)
        self.is_over = True
        return self._buffer.end()

    def is_ready(self) -> bool:
        """Return whether more can be read at once, or the end is reached."""
        return any(fd == self._fd for fd, _ in self._poll.poll(0))

    def took(self, _count: int) -> None:
        """Note that the first lines are committed. A pipe has no position to remember."""

    def step(self, _count: int) -> None:
        """Return None: a pipe has no position to remember."""
