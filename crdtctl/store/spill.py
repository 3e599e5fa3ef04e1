"""A buffer for counters that moves to a temporary file once it is large."""

from __future__ import annotations

from crdtctl.codec.lines import decode_own_line, encode_line
from crdtctl.errors import from_os
from crdtctl.store.temporary import temporary_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from crdtctl.contexts import ExitStack
    from crdtctl.crdt.counter import Counter

#: Maximum number of bytes kept in memory.
IN_MEMORY = 2**18


class SpillBuffer:
    """Counters in the order of their arrival: in memory while they are few.

    Temporary files are in the directory `scratch` where the system has no other.
    """

    def __init__(self, stack: ExitStack, scratch: str, *, on_disk: bool = False) -> None:
        self._stack = stack
        self.scratch = scratch
        self._lines: list[bytes] = []
        self._size = 0
        self._file: IO[bytes] | None = stack.enter_context(temporary_file(scratch)) if on_disk else None
        self.count = 0

    def put(self, name: str, counter: Counter) -> None:
        """Add the entries that one input holds of a counter."""
        self._lines.append(encode_line(name, counter) + b"\n")
        self._size += len(self._lines[-1])
        self.count += 1
        if self._size > IN_MEMORY:
            self.flush()

    def flush(self) -> None:
        """Move the lines in memory to a file, which another process can read as well."""
        if self._file is None:
            self._file = self._stack.enter_context(temporary_file(self.scratch))
        try:
            self._file.seek(0, 2)  # after the lines that another process has written
            self._file.write(b"".join(self._lines))
            self._file.flush()
        except OSError as error:
            raise from_os(error, "keep hand-offs in a temporary file") from None
        self._lines.clear()
        self._size = 0

    def __iter__(self) -> Iterator[tuple[str, Counter]]:
        """Yield the counters."""
        if self._file is not None:
            self._file.seek(0)
            for line in self._file:
                yield decode_own_line(line[:-1])
            self._file.seek(0, 2)
        for line in self._lines:
            yield decode_own_line(line[:-1])
