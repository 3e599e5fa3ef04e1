"""``python -m crdtctl``: the plain forms of the hottest commands first, then the whole program."""

import os
import sys

from crdtctl import hot
from crdtctl.store.durable import open_standard_streams


def run() -> None:
    """Run the command line of this process and end the process.

    Everything was written and flushed by then, so Python is not asked to take itself apart first, which
    would take as long as an increment.
    """
    open_standard_streams()
    arguments = sys.argv[1:]
    try:
        status = hot.run(arguments)
        if status is None:
            import gc

            gc.disable()  # no cycles are made that are worth a look through all of a large state, again and again
            from crdtctl.commands.main import main

            status = main(arguments)
    except KeyboardInterrupt:
        status = 130
    except Exception as error:  # noqa: BLE001  # status 1, which Python would end with, says something else
        status = _not_loaded(error)
    os._exit(status)


def _not_loaded(error: Exception) -> int:
    """Report that the program's own modules cannot be read, before which nothing was done."""
    try:
        os.write(2, f"crdtctl: cannot load the program: {type(error).__name__}; nothing was changed\n".encode())
    except OSError:
        pass
    return 74


if __name__ == "__main__":
    run()
