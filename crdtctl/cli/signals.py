"""Ends a command when a signal arrives, at every moment, with the programs that it started.

Those programs have no terminal, so a signal from the keyboard does not reach them.
"""

import sys

from crdtctl.store.durable import close
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from types import FrameType, TracebackType
    from typing import NoReturn, Self
else:
    import _signal as signal  # the module that `signal` wraps in enums, whose import takes as long as a command

#: From the keyboard, from a supervisor, and from a closed terminal. An ignored signal, as under nohup, stays ignored.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

#: Seconds until a dropped interruption is raised again: long enough to leave the callback that dropped it.
_AGAIN = 0.002


_interruptions: list[int] = []


def _interrupt(number: int, _frame: "FrameType | None") -> "NoReturn":
    _interruptions.append(number)
    raise KeyboardInterrupt


def is_interrupted() -> bool:
    """Return whether Ctrl-C was pressed. A later failure may be a library's translation of KeyboardInterrupt."""
    return bool(_interruptions)


def keep_interruptions() -> None:
    """Let Ctrl-C raise KeyboardInterrupt in the main thread, even if Python drops it.

    A signal's handler runs between any two steps of the main thread. If that step is in a callback of the garbage
    collector or of a weak reference (the import system has some), or in a destructor, Python prints the exception of
    the handler and continues as if nothing had happened. In that case the exception is raised again.
    """
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)
    report = sys.unraisablehook

    def raise_again(dropped: "sys.UnraisableHookArgs") -> None:
        lost = dropped.exc_value
        if not isinstance(lost, KeyboardInterrupt | SystemExit):
            report(dropped)
            return

        def leave(_number: int, _frame: "FrameType | None") -> "NoReturn":
            raise lost

        signal.signal(signal.SIGALRM, leave)
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)

    sys.unraisablehook = raise_again


class noted_signals:  # noqa: N801  # used like a function
    """Note the first signal in the block, and let it continue. A second one ends it with SystemExit.

    The descriptor `fd` becomes readable with the first signal, so that a wait for input ends.
    """

    def __init__(self) -> None:
        #: The number of the signal that came; 0 before it.
        self.number = 0
        self.fd, self._wake = os.pipe()
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> "Self":
        numbers = [one for one in _SIGNALS if signal.getsignal(one) != signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._note) for number in numbers}
        return self

    def __exit__(
        self, _kind: "type[BaseException] | None", _error: "BaseException | None", _trace: "TracebackType | None"
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        close(self._wake)
        close(self.fd)

    def _note(self, number: int, _: object) -> None:
        if self.number:
            raise SystemExit(128 + number)
        self.number = number
        os.write(self._wake, b"!")


class exit_on_signal:  # noqa: N801  # used like a function
    """End the block with SystemExit when a signal arrives. Programs that it started end with it."""

    def __init__(self) -> None:
        self._came: list[int] = []
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> None:
        numbers = [one for one in _SIGNALS if signal.getsignal(one) != signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._leave) for number in numbers}

    def __exit__(
        self, kind: "type[BaseException] | None", _error: "BaseException | None", _trace: "TracebackType | None"
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        # After a signal, a library may have turned SystemExit into another exception, or dropped it.
        if self._came and (kind is None or issubclass(kind, Exception)):
            raise SystemExit(128 + self._came[0]) from None

    def _leave(self, number: int, _: object) -> "NoReturn":
        self._came.append(number)
        raise SystemExit(128 + number)
