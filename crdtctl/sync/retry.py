"""Trying again what passes by itself."""

import random
from collections.abc import Callable
from typing import TypeVar

from crdtctl.errors import TransientError
from crdtctl.sync.transport import Deadline

#: What passes by itself is tried so often in all, after pauses that double.
ATTEMPTS = 4
_FIRST_PAUSE = 0.2
_T = TypeVar("_T")


def retry(call: Callable[[], _T], deadline: Deadline, pause: Callable[[float], object] | None = None) -> _T:
    """Return what a call returns; if it fails in a way that passes by itself, it is made again, a few times."""
    for number in range(1, ATTEMPTS):
        try:
            return call()
        except TransientError as error:
            wait = _FIRST_PAUSE * 2**number * random.uniform(0.5, 1)  # noqa: S311  # so that two do not keep in step
            wait = max(wait, error.after)
            if wait >= deadline.remaining():
                raise
            (pause or deadline.sleep)(wait)
    return call()
