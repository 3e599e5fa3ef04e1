"""Names and labels of counters, found without their values: for the completion of words."""

from __future__ import annotations

from itertools import islice

from crdtctl.codec.lines import decode_own_line
from crdtctl.codec.merge_join import merge_join
from crdtctl.codec.reader import NO_NAMES, Part
from crdtctl.crdt.counter import without_forgotten
from crdtctl.crdt.series import name_of, parts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from crdtctl.store.counters import CounterSnapshot

#: Maximum number of series whose labels are looked at.
_SERIES = 20_000


def names_from(now: CounterSnapshot, start: str, most: int) -> list[str]:
    """Return the names without labels that begin with a text, sorted, and at most `most` of them."""
    if now.renamed:
        found = {name_of(one.name): None for one in now.verified().counters() if one.name.startswith(start)}
        return list(found)[:most]
    return list(islice(_names(now, start), most))


def _names(now: CounterSnapshot, start: str) -> Iterator[str]:
    """Yield names that exist. Few lines are decoded: one is forgotten only if an entry has a map after a comma."""
    first = start.encode("utf-8", "surrogatepass")
    own, *known = now.verified().sources
    last, series = b"", b""
    part = Part(first, first + b"\xff" if first else b"")
    for joined in merge_join(own, known, part=part):  # the lines of the base are not decoded
        line = joined.after
        if line is None or joined.name in NO_NAMES or (last and joined.name.startswith(series)):
            continue
        name = joined.name.partition(b"{")[0]
        if name != last and (b",{" not in line or without_forgotten(decode_own_line(line)[1])):
            last, series = name, name + b"{"
            yield name.decode()


def labels(now: CounterSnapshot) -> dict[str, set[str]]:
    """Return the keys of labels and their values, as the names of at most 20,000 counters have them."""
    found: dict[str, set[str]] = {}
    for source in now.verified().sources:
        for name, line in islice(source.lines(), _SERIES):
            if name.endswith(b"}"):
                for key, value in parts(decode_own_line(line)[0])[1].items():
                    found.setdefault(key, set()).add(value)
    return found
