"""A progress bar for long work: on standard error, and only if that is a terminal."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Work of fewer bytes is over before a bar is read.
LONG = 2**25


@contextmanager
def bar(doing: str, size: int) -> Iterator[Callable[[int], None] | None]:
    """Yield what tells how many of `size` bytes are done, or None if nobody would see it."""
    if size < LONG or not os.isatty(2) or os.environ.get("TERM") == "dumb":
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as progress:
        task = progress.add_task(doing, total=size)
        yield lambda done: progress.update(task, completed=done)
