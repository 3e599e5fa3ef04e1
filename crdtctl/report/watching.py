"""The loop of ``watch``: looks at a replica, and shows changes on a terminal, or as lines."""

from __future__ import annotations

import select
import time

from crdtctl.cli import output
from crdtctl.cli.durations import utc
from crdtctl.errors import printable
from crdtctl.report.live import Watch
from crdtctl.store.stamps import stamp
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rich.console import Console, ConsoleDimensions
    from rich.live import Live

    from crdtctl.cli.output import Item
    from crdtctl.cli.signals import noted_signals
    from crdtctl.report.live import Key

    #: Reads the values of the counters, and the remotes with the outcome of their syncs.
    Look = Callable[[], tuple[Mapping[Key, int], list[Item]]]

#: Maximum number of seconds between two looks at the files.
_PAUSE = 0.25


class Watching:
    """A replica that is watched until a signal arrives, until standard output is closed, or until a time is over."""

    def __init__(self, path: str, look: Look, signals: noted_signals, *, every: float, lasting: float | None) -> None:
        """Watch the replica at `path`, and show something `every` number of seconds, for a `lasting` number of them."""
        self._path = path
        self._look = look
        self._signals = signals
        self._every = every
        self._stamp = stamp(path)
        values, self._remotes = look()
        self._watch = Watch(values, time.monotonic())
        self._end = float("inf") if lasting is None else time.monotonic() + lasting
        self._poll = select.poll()
        self._poll.register(signals.fd, select.POLLIN)
        self._poll.register(1, 0)  # a closed reader is reported without being asked for

    def lines(self) -> None:
        """Print a line for each counter, then for each counter that changed since the lines before, also at the end."""
        self._print(self._watch.latest(len(self._watch)))
        changed: set[Key] = set()
        printed = time.monotonic()
        while self._wait():
            changed.update(self._update())
            now = time.monotonic()
            if now - printed >= self._every:
                self._print(sorted(changed))
                changed.clear()
                printed = now
        self._print(sorted(changed.union(self._update())))

    def screen(self, console: Console, title: str) -> None:
        """Draw a table on a terminal, again after each change, after a change of its size, and for the rates."""
        from rich.live import Live

        try:
            with Live(
                console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
            ) as live:
                self._draw_on(live, console, title)
        except OSError as error:  # the terminal is gone
            output.stdout.failure = error

    def _draw_on(self, live: Live, console: Console, title: str) -> None:
        from crdtctl.report.screen import room, view

        drawn = float("-inf")
        while True:
            changed, now, size = self._update(), time.monotonic(), _size()
            if changed or now - drawn >= self._every or console.size != size:
                drawn = now
                console.size = size
                keys = self._watch.latest(room(size.height, self._remotes))
                rows, more = self._watch.rows(keys, now), len(self._watch) - len(keys)
                live.update(view(f"{title}  {utc(time.time())}", rows, more, self._remotes, size.width), refresh=True)
            if not self._wait():
                return

    def _update(self) -> list[Key]:
        """Read the values if a file was written; return the counters that changed."""
        found = stamp(self._path)
        if found == self._stamp:
            return []
        self._stamp = found
        values, self._remotes = self._look()
        return self._watch.take(values, time.monotonic())

    def _wait(self) -> bool:
        """Wait for a moment; return whether the watch has not ended."""
        pause = min(_PAUSE, self._every, self._end - time.monotonic())
        ended = self._poll.poll(max(pause, 0) * 1000) or time.monotonic() >= self._end
        return not ended and not self._signals.number and output.stdout.failure is None

    def _print(self, keys: Iterable[Key]) -> None:
        at = utc(time.time())
        for row in self._watch.rows(keys, time.monotonic()):
            output.stdout.line(f"{at}\t{printable(row.key[0])}\t{row.value}\t{row.change}")
        output.stdout.flush()


def is_screen() -> bool:
    """Return whether standard output is a terminal that can be drawn on."""
    return output.is_terminal() and os.environ.get("TERM") not in (None, "", "dumb")


def _size() -> ConsoleDimensions:
    """Return the columns and lines of the terminal. The variables COLUMNS and LINES do not follow a change of it."""
    from rich.console import ConsoleDimensions

    try:
        found = os.get_terminal_size(1)
    except OSError:  # it is gone
        return ConsoleDimensions(80, 24)
    return ConsoleDimensions(found.columns or 80, found.lines or 24)
