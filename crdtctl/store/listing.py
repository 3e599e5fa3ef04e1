"""The values of all counters of two small state files, as lines of text: for the fast path.

Lines of numbers, by far the most common, are read as bytes. Only other lines are decoded, and only for them is the
codec imported. Whatever is not sound raises `ValueError`, and the full command reports it.
"""

from crdtctl.codec import plain, plain_values
from crdtctl.codec.alike import alike
from crdtctl.codec.layout import NAME_END, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def listing(own: bytes, known: bytes) -> bytes:
    """Return the name, the type and the value of each counter, separated by tabs, sorted by name and type.

    `own` and `known` are the lines of counters in the two files; empty: none.
    """
    mine, theirs = _by_name(own), _by_name(known)
    rows = _alike({name: line for name, line in {**theirs, **mine}.items() if not (name in mine and name in theirs)})
    for name in (mine.keys() | theirs.keys()) - rows.keys():
        lines = [line for line in (mine.get(name), theirs.get(name)) if line is not None]
        try:
            rows[name] = _plain_row(name, lines)
        except (ValueError, LookupError):
            rows[name] = b"".join(_rows(name, lines))
    return b"".join([rows[name] for name in sorted(rows)])


def _alike(lines: "Mapping[bytes, bytes]") -> dict[bytes, bytes]:
    """Return name → row, of the lines of one type and replica that can be read together."""
    found = alike(lines)
    if not found.tag:
        return {}
    weights = plain.WEIGHTS[found.tag]
    up, down = (*weights, 0)[:2]  # a type with one total has its last one twice
    return {
        name: b"%b\t%b\t%d\n" % (name, found.tag, up * row[1] + down * row[-1]) for name, row in found.numbers.items()
    }


def _by_name(text: bytes) -> dict[bytes, bytes]:
    """Return name → line, in the order of the lines, which must be sorted by name."""
    if not text:
        return {}
    if text[-1:] != b"\n":
        raise ValueError
    found: dict[bytes, bytes] = {}
    before = b""
    for line in text[:-1].split(b",\n"):
        name = line[1 : line.find(NAME_END, 1)]
        if b"\\" in name or line[:1] != b'"':
            name = name_of(line)
        if name <= before or name[:1] == plain.RESERVED:
            raise ValueError  # a reserved line may make others count differently
        found[name] = line
        before = name
    return found


def _plain_row(name: bytes, lines: "Iterable[bytes]") -> bytes:
    """Return the row of a plain counter with one type; raise `ValueError` or `LookupError` for any other."""
    if not plain.is_name(name):
        raise ValueError
    tag, value, _ = plain_values.read(lines, name)
    return b"%b\t%b\t%d\n" % (name, tag, value)


def _rows(name: bytes, lines: "Iterable[bytes]") -> "Iterable[bytes]":
    """Yield the row of each type of a counter."""
    from crdtctl.codec.lines import decode_own_line
    from crdtctl.crdt import TYPES
    from crdtctl.crdt.counter import join_counters, without_forgotten
    from crdtctl.errors import CrdtctlError

    try:
        first, *others = [decode_own_line(line)[1] for line in lines]
        for other in others:
            first = join_counters(first, other)
        first = without_forgotten(first)
        for tag in sorted(first):
            yield b"%b\t%b\t%d\n" % (name, tag.encode(), TYPES[tag].value(first[tag]))
    except CrdtctlError:
        raise ValueError from None
