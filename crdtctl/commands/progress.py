"""A progress bar for long work: on standard error, and only if that is a terminal."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

#: Work of fewer bytes is over before a bar is read.
LONG = 2**25
#: After so many seconds without an answer, what is waited for is shown.
_SILENCE = 1.0


@contextmanager
def bar(doing: str, size: int) -> Iterator[Callable[[int], None] | None]:
    """Yield what tells how many of `size` bytes are done, or None if nobody would see it."""
    if size < LONG or not _is_seen():
        yield None
        return
    with _drawn() as progress:
        task = progress.add_task(doing, total=size)
        yield lambda done: progress.update(task, completed=done)


@contextmanager
def growing_bar() -> Iterator[Callable[[str, int, int], None] | None]:
    """Do the same for work in several parts: what is yielded takes what is done, and how many bytes of how many.

    Where there are no bytes yet, it shows what is waited for, after a moment. No thread draws, so this process may be
    forked meanwhile.
    """
    if not _is_seen():
        yield None
        return
    with ExitStack() as stack:
        begun = time.monotonic()
        drawn: list[Callable[[str, int, int], None]] = []

        def tell(doing: str, done: int, size: int) -> None:
            if not drawn and (size >= LONG or (not size and time.monotonic() - begun > _SILENCE)):
                progress = stack.enter_context(_drawn(auto_refresh=False))
                task = progress.add_task(doing, total=size or None)

                def draw(doing: str, done: int, size: int) -> None:
                    progress.update(task, description=doing, completed=done, total=size or None, refresh=True)

                drawn.append(draw)
            for one in drawn:
                one(doing, done, size)

        yield tell


def _is_seen() -> bool:
    return os.isatty(2) and os.environ.get("TERM") != "dumb"


def _drawn(*, auto_refresh: bool = True) -> "Progress":
    from rich.console import Console
    from rich.progress import Progress

    return Progress(
        auto_refresh=auto_refresh,
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
