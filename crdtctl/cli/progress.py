"""A progress bar for long work: on standard error, and only if that is a terminal.

It is drawn by the calls that report progress. A thread that drew it would stand beside the fork of a merge.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from crdtctl.cli import output

if TYPE_CHECKING:
    from rich.progress import Progress

#: Work of fewer bytes is over before a bar is read.
LONG: Final = 2**25
#: After so many seconds without an answer, what is waited for is shown.
_SILENCE: Final = 1.0
#: How many seconds a bar stays as it is at least.
_PAUSE: Final = 0.1


class _Bar:
    """One task, and how it is drawn."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None)
        self._doing = ""
        self._drawn = 0.0

    def note(self, doing: str, done: int, size: int) -> None:
        """Note how much is done, of how much, and draw it if the last drawing was long enough ago."""
        self._progress.update(self._task, description=doing, completed=done, total=size or None)
        now = time.monotonic()
        if now - self._drawn >= _PAUSE or doing != self._doing:
            self._drawn, self._doing = now, doing
            self._progress.refresh()


@contextmanager
def bar(doing: str, size: int) -> Iterator[Callable[[int], None] | None]:
    """Yield what notes how many of `size` bytes are done, or None if nobody would see it."""
    if size < LONG or not _is_seen():
        yield None
        return
    with _drawn() as progress:
        one = _Bar(progress)
        one.note(doing, 0, size)
        yield lambda done: one.note(doing, min(done, size), size)


@contextmanager
def growing_bar() -> Iterator[Callable[[str, int, int], None] | None]:
    """Do the same for work in several parts: what is yielded takes what is done, and how many bytes of how many.

    Where there are no bytes yet, it shows what is waited for, after a moment.
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


def _drawn() -> "Progress":
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(console=console, transient=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
