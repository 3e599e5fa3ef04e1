"""The part of an entry with readings of meters: its lattice, and the faults of its keys.

Its meaning is described in `crdtctl.crdt.readings`, which only counters with readings import.
"""

from __future__ import annotations

from crdtctl.crdt.lattice import MapOf, Nat, Record
from crdtctl.crdt.names import fault

#: Maximum number of digits of the number of a generation, and the number of the first one.
MAX_DIGITS = 16
FIRST = "0"


def source_fault(text: str) -> str | None:
    """Return the fault of `text` as a source, or None."""
    return fault(text, "a source")


def stored_source_fault(text: str) -> str | None:
    """Return the fault of `text` as a source in a file, perhaps with a period, or None."""
    if text[:1] == " ":
        from crdtctl.crdt.dated_readings import dated_fault  # only here: few readings have a time

        return dated_fault(text)
    return source_fault(text)


def generation_fault(text: str) -> str | None:
    """Return the fault of `text` as the number of a generation, or None."""
    if text == FIRST or (text.isascii() and text.isdigit() and text[0] != FIRST and len(text) <= MAX_DIGITS):
        return None
    return f"the generation of a source is a number of at most {MAX_DIGITS} digits"


#: The lattice of one generation: the reading, what resets cancelled of it, and whether it began with 0.
READING = Record(Nat(), Nat(), Nat(), required=1)
#: The part of an entry with the readings of its replica.
READINGS = MapOf(stored_source_fault, MapOf(generation_fault, READING))
