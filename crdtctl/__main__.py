"""``python -m crdtctl``: the plain forms of the hottest commands first, then the whole program."""

import gc
import sys

from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from types import FrameType
    from typing import NoReturn

    from crdtctl.pack import Pack

    Handler = Callable[[int, FrameType | None], object]
else:
    import _signal as signal  # the module that `signal` wraps in enums, whose import would double an increment

_INTERRUPTED = 130


def _end_at_once(_number: int, _frame: object) -> "NoReturn":
    """End the process. While modules are imported, there is nothing to clean up.

    An exception could get lost: Python reports and drops exceptions in callbacks of the import system.
    """
    os._exit(_INTERRUPTED)  # noqa: SLF001  # its name in os


def _on_interrupt(handler: "Handler | signal.Handlers") -> None:
    """Set the handler of Ctrl-C, unless Ctrl-C is ignored, as in a background job of a script or below nohup."""
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, handler)


def run(pack: "Pack | None" = None) -> None:
    """Run the command line of this process and end the process. After a full command, complete the pack.

    All output is flushed before, so Python's own shutdown is skipped. It would take as long as an increment.
    """
    gc.disable()  # cycles of garbage are few, and a search through a large state takes long
    _on_interrupt(_end_at_once)
    if sys.getfilesystemencoding() != "utf-8":
        _restart_in_utf8()
    arguments = sys.argv[1:]
    try:
        from crdtctl import fastpath
        from crdtctl.store.durable import open_standard_streams

        open_standard_streams()
        _on_interrupt(signal.default_int_handler)
        status = fastpath.run(arguments)
        if status is None:
            _on_interrupt(_end_at_once)
            from crdtctl.cli.main import main
            from crdtctl.cli.packages import search_late

            search_late()
            status = main(arguments)
            if pack is not None and pack.missed:
                _complete(pack)
    except KeyboardInterrupt:
        status = _INTERRUPTED
    except Exception as error:  # noqa: BLE001  # Python would end with status 1, which means "check failed"
        status = _not_loaded(error)
    os._exit(status)  # noqa: SLF001


def _complete(pack: "Pack") -> None:
    """Complete the pack. The command is done, so nothing changes its status: no signal, and no failure."""
    try:
        _on_interrupt(signal.SIG_IGN)
        from crdtctl.packing import complete

        complete(pack)
    except Exception:  # noqa: BLE001, S110
        pass


def _restart_in_utf8() -> None:
    """Start Python again so that arguments and names of files are UTF-8 in any locale.

    Otherwise one name would be two counters: in a locale of another encoding, its bytes are read as other characters.
    The installed script asks for UTF-8 from the beginning.
    """
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # this very program


def _not_loaded(error: Exception) -> int:
    """Report that the program's own modules cannot be loaded. Nothing was done before."""
    try:
        os.write(2, f"crdtctl: cannot load the program: {type(error).__name__}. Nothing was changed\n".encode())
    except OSError:
        pass
    return 74


if __name__ == "__main__":
    run()
