"""A progress bar for long work, on standard error, if that is a terminal.

The calls that report progress draw the bar. A separate drawing thread would run during the fork of a merge.
"""

from __future__ import annotations

import time

from crdtctl.cli import output
from crdtctl.contexts import ExitStack, contextmanager
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress

#: Minimum size of the work in bytes; shorter work ends before a bar can be read.
LONG = 2**25
#: Seconds without an answer until the pending operation is shown.
_SILENCE = 1.0
#: Minimum seconds between two drawings.
_PAUSE = 0.1


class _Bar:
    """One task and its drawing."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None)
        self._doing = ""
        self._drawn = 0.0

    def note(self, doing: str, done: int, size: int) -> None:
        """Record the progress, and draw it if the last drawing was long enough ago."""
        self._progress.update(self._task, description=doing, completed=done, total=size or None)
        now = time.monotonic()
        if now - self._drawn >= _PAUSE or doing != self._doing:
            self._drawn, self._doing = now, doing
            self._progress.refresh()


@contextmanager
def bar(doing: str, size: int) -> Iterator[Callable[[int], None] | None]:
    """Yield a function that records how many of `size` bytes are done, or None if no bar is shown."""
    if size < LONG or not _is_seen():
        yield None
        return
    with _drawn() as progress:
        one = _Bar(progress)
        one.note(doing, 0, size)
        yield lambda done: one.note(doing, min(done, size), size)


@contextmanager
def growing_bar() -> Iterator[Callable[[str, int, int], None] | None]:
    """Yield a function that records the progress of work in several parts, or None if no bar is shown.

    The function takes the name of the part, the bytes done and their total. With a total of 0, the name is shown after
    a moment, as the pending operation.
    """
    if not _is_seen():
        yield None
        return
    with ExitStack() as stack:
        begun = time.monotonic()
        bars: list[_Bar] = []

        def note(doing: str, done: int, size: int) -> None:
            if not bars and (size >= LONG or (not size and time.monotonic() - begun > _SILENCE)):
                bars.append(_Bar(stack.enter_context(_drawn())))
            for one in bars:
                one.note(doing, done, size)

        yield note


def _is_seen() -> bool:
    return os.isatty(2) and os.environ.get("TERM") != "dumb" and not output.settings.quiet


def _drawn() -> Progress:
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(console=console, transient=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
