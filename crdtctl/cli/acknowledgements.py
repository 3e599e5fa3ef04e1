"""The lines ``OK N`` of a stream: the first N lines are on disk."""

from __future__ import annotations

import select

from crdtctl.cli import output


class Acknowledgements:
    """Writes acknowledgements to standard output, the latest of them if there is not enough room for all.

    So a script that does not read them never stops the stream, and one that reads them late finds the last.
    """

    def __init__(self) -> None:
        self._latest = 0
        self._written = 0
        self._poll = select.poll()
        self._poll.register(1, select.POLLOUT)

    def add(self, lines: int) -> None:
        """Acknowledge this number of lines, from the first."""
        self._latest = lines
        self.sent()

    def sent(self) -> bool:
        """Write the acknowledgement that is owed, if there is room for it at once. Return whether none is owed now."""
        if self._is_owed() and self._poll.poll(0):
            self._write()
        return not self._is_owed()

    def finish(self) -> None:
        """Write the acknowledgement that is owed, and wait until there is room for it."""
        if self._is_owed():
            self._write()

    def _is_owed(self) -> bool:
        return self._latest > self._written and not output.settings.quiet and output.stdout.failure is None

    def _write(self) -> None:
        output.stdout.line(f"OK {self._latest}")
        output.stdout.flush()
        self._written = self._latest
        output.stdout.applied = output.stdout.failure is not None
