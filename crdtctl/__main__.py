"""``python -m crdtctl``: the plain forms of the hottest commands first, then the whole program."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from types import FrameType
    from typing import NoReturn

    Handler = Callable[[int, FrameType | None], object]
else:
    import _signal as signal  # the module that `signal` wraps in enums, whose import would double an increment

_INTERRUPTED = 130


def _end_at_once(_number: int, _frame: object) -> "NoReturn":
    """End the process: while modules are imported, there is nothing to tidy up.

    An exception could be lost there: the import system runs callbacks in which Python reports and drops exceptions.
    """
    os._exit(_INTERRUPTED)


def _on_interrupt(handler: "Handler") -> None:
    """Set what Ctrl-C does, unless it is ignored, as in a background job of a script or below nohup."""
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, handler)


def run() -> None:
    """Run the command line of this process and end the process.

    Everything was written and flushed by then, so Python is not asked to take itself apart first, which
    would take as long as an increment.
    """
    _on_interrupt(_end_at_once)
    if sys.getfilesystemencoding() != "utf-8":
        _begin_again_in_utf8()
    arguments = sys.argv[1:]
    try:
        from crdtctl import fastpath
        from crdtctl.store.durable import open_standard_streams

        open_standard_streams()
        _on_interrupt(signal.default_int_handler)
        status = fastpath.run(arguments)
        if status is None:
            _on_interrupt(_end_at_once)
            if sys.flags.no_site:  # the installed script leaves the search for packages to this moment
                import site

                site.main()
            import gc

            gc.disable()  # no cycles are made that are worth a look through all of a large state, again and again
            from crdtctl.cli.main import main

            status = main(arguments)
    except KeyboardInterrupt:
        status = _INTERRUPTED
    except Exception as error:  # noqa: BLE001  # status 1, which Python would end with, says something else
        status = _not_loaded(error)
    os._exit(status)


def _begin_again_in_utf8() -> None:
    """Start Python again so that arguments and names of files are UTF-8, whatever the locale.

    Otherwise one name would be two counters: typed under a locale of another encoding, its bytes are read as other
    characters. The script that is installed asks for UTF-8 in the first place.
    """
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606  # this very program


def _not_loaded(error: Exception) -> int:
    """Report that the program's own modules cannot be read, before which nothing was done."""
    try:
        os.write(2, f"crdtctl: cannot load the program: {type(error).__name__}; nothing was changed\n".encode())
    except OSError:
        pass
    return 74


if __name__ == "__main__":
    run()
