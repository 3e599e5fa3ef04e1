"""Names with counters of several types.

Two replicas that never exchanged states may use one name for counters of different types, mostly by mistake. Both
counters are kept, because either may be the intended one. A replica reads and writes the type that it uses itself,
which ``own.json`` shows. If it shows several types or none, a setting may decide. Otherwise it is a `UsageError`.
"""

from __future__ import annotations

from crdtctl.codec.layout import NAME_END
from crdtctl.codec.lines import encode_name
from crdtctl.codec.reader import ALL
from crdtctl.crdt import LOCALLY_MERGED
from crdtctl.crdt.counter import join_counters, without_forgotten
from crdtctl.errors import MissingError, UsageError, printable
from crdtctl.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from crdtctl.codec.merge_join import MergedBlock
    from crdtctl.codec.reader import Part, Source
    from crdtctl.crdt.counter import Counter

#: Byte sequence between two types on a line. In a name or an element it only makes a line be decoded for nothing.
_BETWEEN = b']},"'
#: Maximum number of replicas named in a message.
_MAX_NAMED = 3


def candidates(mine: Counter, known: Counter) -> list[str]:
    """Return the types that a counter's name may refer to, sorted: those that this replica uses, or else all.

    A type that was only created is not in use if this replica counted under another one. A locally merged type is not
    in use beside any other, because a merge creates it.
    """
    declared = mine.keys() - LOCALLY_MERGED.keys()
    used = {tag for tag in declared if any(any(row[1:]) for row in mine[tag].values())}
    return sorted(used or declared or mine.keys() or known.keys())


def choose(name: str, found: list[str], preferred: Mapping[str, str]) -> str:
    """Return the type among several that the settings choose for `name`; raise `UsageError` if they choose none.

    The setting of a name is also that of its series.
    """
    from crdtctl.crdt.series import name_of  # only here: few counters have several types

    chosen = preferred.get(name) or preferred.get(name_of(name))
    if chosen in found:
        return chosen
    raise UsageError(
        f"'{name}' exists as {' and '.join(found)}",
        "choose one with --type, or for good in config.toml, below [types]",
    )


def kinds(tags: Iterable[str]) -> str:
    """Return types in words: ``a gset and an hll``."""
    return " and ".join(f"an {tag}" if tag == "hll" else f"a {tag}" for tag in tags)


def wrong_type(name: str, tag: str, present: Iterable[str]) -> MissingError:
    """Return the error for a counter that exists in the types `present` and not in type `tag`."""
    return MissingError(
        f"'{printable(name)}' is {kinds(present)} here, not {kinds([tag])}",
        "name another counter; 'crdtctl show' lists all with their types",
    )


class SecondType(Record):
    """A second type, used by `replicas`, of a counter that this replica has under the `others`."""

    name: str
    tag: str
    others: tuple[str, ...]
    replicas: tuple[str, ...]

    def __str__(self) -> str:
        shown = ", ".join(self.replicas[:_MAX_NAMED])
        more = f" and {len(self.replicas) - _MAX_NAMED} more" if len(self.replicas) > _MAX_NAMED else ""
        origin = f", from {printable(shown)}{more}" if self.replicas else ""
        return (
            f"'{printable(self.name)}' came as a second type, {self.tag}{origin}; it is {kinds(self.others)} "
            "here; both are kept, and --type chooses"
        )


class Arrivals:
    """Finds counters that arrive under a second type during a merge.

    It gets all blocks with changes, in order, and decodes few of their lines.
    """

    def __init__(self, own: Source, part: Part = ALL) -> None:
        self._own = own
        self._lines = own.lines(part)
        self._next = next(self._lines, None)

    def look(self, block: MergedBlock) -> Iterator[SecondType]:
        """Yield the second types among the changes of one block."""
        mine = self._own_lines(block.names[-1]) if block.names else {}
        if not mine and _BETWEEN not in block.text:
            return
        for name, before, after in zip(block.names, block.before, block.after, strict=True):
            line = mine.get(name)
            if _BETWEEN in after or (line is not None and (_BETWEEN in line or not _is_one_type(name, line, after))):
                called, counter = self._own.decode(after)
                known = self._own.decode(before)[1] if before else {}
                own = self._own.decode(line)[1] if line else {}
                yield from arrivals(called, own, known, counter)

    def _own_lines(self, last: bytes) -> dict[bytes, bytes]:
        """Return the own lines up to a name, from the last one that was asked for. Names are asked for in order."""
        found = {}
        while self._next is not None and self._next[0] <= last:
            name, found[name] = self._next
            self._next = next(self._lines, None)
        return found


def arrivals(name: str, own: Counter, before: Counter, after: Counter) -> Iterator[SecondType]:
    """Yield the types of a counter that are new `after` a merge, if it has another type."""
    here = own.keys() | before.keys()
    if len(here | after.keys()) < 2:
        return
    present = without_forgotten(join_counters(own, after)).keys()
    here, fresh = here & present, sorted(present - here)
    first = here or set(fresh[:1])
    for tag in fresh:
        if tag not in first:
            yield SecondType(name, tag, tuple(sorted(first)), tuple(sorted(after[tag])))


def _is_one_type(name: bytes, mine: bytes, after: bytes) -> bool:
    """Return whether the own line of a name and the merged one begin with the same type."""
    start = len(encode_name(name.decode())) + len(NAME_END) - 1
    end = mine.index(b'"', start) + 1
    return after[:end] == mine[:end]
