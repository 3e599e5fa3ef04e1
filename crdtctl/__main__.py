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
            from crdtctl.commands.main import main

            status = main(arguments)
    except KeyboardInterrupt:
        status = 130
    os._exit(status)


if __name__ == "__main__":
    run()
