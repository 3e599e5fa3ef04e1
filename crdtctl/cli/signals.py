"""How a signal ends a command: at every moment, and with it the programs that it started.

Those have no terminal, so a signal does not reach them by itself.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn

#: The keyboard's, a supervisor's, and that of a terminal which is closed; one that is ignored, as by nohup, stays so.
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

#: Seconds until an interruption that was dropped is raised again: enough to be out of the callback that dropped it.
_AGAIN = 0.002


_interruptions: list[int] = []


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    _interruptions.append(number)
    raise KeyboardInterrupt


def is_interrupted() -> bool:
    """Return whether Ctrl-C came: a failure after it may be what a library made of KeyboardInterrupt."""
    return bool(_interruptions)


def keep_interruptions() -> None:
    """Let Ctrl-C raise KeyboardInterrupt in the main thread, however often Python drops it.

    A signal's handler runs between any two steps of the main thread. Where that is a callback of the garbage
    collector, of a weak reference (the import system has some) or a destructor, Python prints the exception of the
    handler and goes on as if nothing had happened. Here it is raised again instead.
    """
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)
    report = sys.unraisablehook

    def raise_again(dropped: "sys.UnraisableHookArgs") -> None:
        lost = dropped.exc_value
        if not isinstance(lost, KeyboardInterrupt | SystemExit):
            report(dropped)
            return

        def leave(_number: int, _frame: FrameType | None) -> NoReturn:
            raise lost

        signal.signal(signal.SIGALRM, leave)
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)

    sys.unraisablehook = raise_again


@contextmanager
def ended_by_signal() -> Iterator[None]:
    """Let a signal end this in order; what other programs were started ends with it."""
    came: list[int] = []

    def leave(number: int, _: object) -> NoReturn:
        came.append(number)
        raise SystemExit(128 + number)

    numbers = [one for one in _SIGNALS if signal.getsignal(one) != signal.SIG_IGN]
    before = {number: signal.signal(number, leave) for number in numbers}
    try:
        yield
    except Exception:
        if not came:  # or what it was at has made something else of it
            raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise SystemExit(128 + came[0])
