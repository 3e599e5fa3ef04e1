"""Words on the command line → state files and clocks."""

from collections.abc import Sequence
from contextlib import ExitStack

from crdtctl.commands.reading import blocks, standard_input
from crdtctl.errors import UsageError
from crdtctl.store.inputs import Input, spool
from crdtctl.store.replica import parse_clock

#: The largest clock that anybody means.
_MAX_CLOCK = 2**26


def clock(text: str) -> dict[str, int]:
    """Return the clock that `text` stands for: what ``clock`` printed, a file that holds it, or '-'."""
    return parse_clock(text if text.lstrip().startswith("{") else _read_clock(text))


def _read_clock(path: str) -> str:
    pieces: list[bytes] = []
    for block in blocks(path):
        pieces.append(block)
        if sum(map(len, pieces)) > _MAX_CLOCK:
            raise UsageError("that is not a clock: it is too large", "give it what 'crdtctl clock' printed")
    return b"".join(pieces).decode("utf-8", "replace")


def states(paths: Sequence[str], stack: ExitStack) -> list[Input]:
    """Return the state files that words name; '-' is standard input."""
    if paths.count("-") > 1:
        raise UsageError("standard input can be read only once", "leave out one '-'")
    return [spool(standard_input, stack) if path == "-" else Input(path, path=path) for path in paths]
