"""The lines of a followed file, as the source of a stream."""

from __future__ import annotations

import select
from time import monotonic

from crdtctl.errors import from_os, printable
from crdtctl.store.followed import Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from crdtctl.cli.signals import noted_signals
    from crdtctl.store.follower import Follower

#: Interval in seconds between looks at a file without news.
_INTERVAL = 0.1


class FollowedLines:
    """The lines that a follower reads, which are over only if `until_end`, at the end of the file. Use it as a context.

    The replica records the position of the follower under `key`.
    """

    #: Advice after a commit whose outcome is unknown.
    advice = "start it again: it continues behind the lines that are on disk"

    def __init__(self, follower: Follower, key: str, signals: noted_signals, until_end: bool) -> None:
        self.name = printable(follower.path)
        self.is_over = False
        self._follower = follower
        self._key = key
        self._signals = signals
        self._until_end = until_end
        self._poll = select.poll()
        self._poll.register(signals.fd, select.POLLIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._follower.close()

    def read(self, patience: float | None) -> list[bytes]:
        """Return the lines that were appended. Wait up to `patience` seconds, or until a signal."""
        deadline = None if patience is None else monotonic() + patience
        while not self._signals.number:
            try:
                lines = self._follower.read()
            except OSError as error:
                raise from_os(error, f"follow {self.name}") from None
            self.is_over = self._until_end and not lines
            if lines or self.is_over or (deadline is not None and monotonic() >= deadline):
                return lines
            left = _INTERVAL if deadline is None else min(_INTERVAL, max(0.0, deadline - monotonic()))
            self._poll.poll(left * 1000)
        return []

    def is_ready(self) -> bool:
        """Return whether more can probably be read at once."""
        return self._follower.has_more

    def step(self, count: int) -> Step | None:
        """Return the step that counts the first `count` lines which are not taken yet. The first is to a beginning."""
        after = self._follower.position_after(count)
        return (
            None
            if after is None or after is self._follower.position
            else Step(self._key, self._follower.position, after)
        )

    def took(self, count: int) -> None:
        """Note that the first `count` lines are committed."""
        self._follower.take(count)
