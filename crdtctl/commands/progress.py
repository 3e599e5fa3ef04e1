"""A progress bar for long work: on standard error, and only if that is a terminal."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

#: Work of fewer bytes is over before a bar is read.
LONG = 2**25


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
def growing_bar(doing: str) -> Iterator[Callable[[int, int], None] | None]:
    """Do the same for work of which it turns out on the way how much it is: tell how many of how many bytes."""
    if not _is_seen():
        yield None
        return
    with ExitStack() as stack:
        told: list[Callable[[int, int], None]] = []

        def tell(done: int, size: int) -> None:
            if not told and size >= LONG:
                progress = stack.enter_context(_drawn())
                task = progress.add_task(doing, total=size)
                told.append(lambda done, size: progress.update(task, completed=done, total=size))
            for one in told:
                one(done, size)

        yield tell


def _is_seen() -> bool:
    return os.isatty(2) and os.environ.get("TERM") != "dumb"


def _drawn() -> "Progress":
    from rich.console import Console
    from rich.progress import Progress

    return Progress(console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False)
