"""How a signal ends what has started other programs: they have no terminal, so it does not reach them by itself."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

#: The keyboard's, a supervisor's, and that of a terminal which is closed; one that is ignored, as by nohup, stays so.
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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
