"""The values of all counters of two small state files, as lines of text: for the fast path.

Lines of numbers, by far the most common, are read as bytes. Only other lines are decoded, and only for them is the
codec imported. Whatever is not sound raises `ValueError`, and the full command reports it.
"""

from crdtctl.codec import plain
from crdtctl.codec.layout import MAX_SAFE, NAME_END, name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def listing(own: bytes, known: bytes) -> bytes:
    """Return the name, the type and the value of each counter, separated by tabs, sorted by name and type.

    `own` and `known` are the lines of counters in the two files; empty: none.
    """
    if not known:
        try:
            return _of_one_kind(own)
        except (ValueError, LookupError, TypeError):
            pass  # another type, most often, or another number of totals
    mine, theirs = _by_name(own), _by_name(known)
    rows: list[bytes] = []
    read = _Repeated()
    for name in sorted(mine.keys() | theirs.keys()) if theirs else mine:
        lines = [line for line in (mine.get(name), theirs.get(name)) if line is not None]
        try:
            rows.append(read.row(name, lines[0]) if len(lines) == 1 else _plain_row(name, lines))
        except (ValueError, IndexError):
            rows.extend(_rows(name, lines))
    return b"".join(rows)


def _of_one_kind(text: bytes) -> bytes:
    """Return the rows of lines with the type and the only replica of the first line; raise `ValueError` for others.

    All lines together are encoded again and compared, which takes less time than to check each.
    """
    first = name_of(text)
    start = len(first) + 2
    middle = text[start : text.index(b":[", start) + 2]
    tag = middle.split(b'"')[1]
    weights = plain.WEIGHTS[tag]
    names, numbers = [first], []
    pieces = text.split(b'"' + middle)
    for piece in pieces[1:]:
        digits, _, name = piece.partition(b']}},\n"')
        numbers.append([int(digit) for digit in digits.removesuffix(b"]}}\n").split(b",")])
        names.append(name)
    if names.pop() or names != sorted(set(names)) or not plain.are_names(names):
        raise ValueError
    form = b'"%b"' + middle.replace(b"%", b"%%") + b",".join([b"%d"] * (1 + len(weights))) + b"]}}"
    again = b",\n".join([form % (name, *row) for name, row in zip(names, numbers, strict=True)])
    commits = [row[0] for row in numbers]
    if again + b"\n" != text or max(map(max, numbers)) > MAX_SAFE or min(map(min, numbers)) < 0 or not min(commits):
        raise ValueError
    up, down = (*weights, 0)[:2]
    return b"".join(
        [b"%b\t%b\t%d\n" % (name, tag, up * row[1] + down * row[-1]) for name, row in zip(names, numbers, strict=True)]
    )


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


class _Repeated:
    """Reads lines of numbers. Most have the type and the only replica of the line before, which are read once."""

    def __init__(self) -> None:
        #: What is between the name and the numbers, the type, and the form of the numbers with the end of the line.
        self._middle = self._tag = self._form = b""
        self._weights: tuple[int, ...] = ()

    def row(self, name: bytes, line: bytes) -> bytes:
        """Return the row of a counter of numbers with one type; raise `ValueError` for any other."""
        head, _, numbers = line.rpartition(b'":[')
        if head[len(name) + 1 :] != self._middle:
            row = _plain_row(name, [line])
            tag, entries = plain.read_line(line, name)
            if len(entries) == 1:
                self._middle, self._tag, self._weights = head[len(name) + 1 :], tag, (0, *plain.WEIGHTS[tag])
                self._form = b",".join([b"%d"] * len(self._weights)) + b"]}}"
            return row
        found = [int(digits) for digits in numbers[:-3].split(b",")]
        if len(found) != len(self._weights) or numbers != self._form % (*found,) or not plain.is_name(name):
            raise ValueError
        if found[0] < 1 or min(found) < 0 or max(found) > MAX_SAFE:
            raise ValueError
        value = sum([weight * total for weight, total in zip(self._weights, found, strict=True)])
        return b"%b\t%b\t%d\n" % (name, self._tag, value)


def _plain_row(name: bytes, lines: "Iterable[bytes]") -> bytes:
    """Return the row of a counter of numbers with one type; raise `ValueError` for any other."""
    if not plain.is_name(name):
        raise ValueError
    value = 0
    seen: set[bytes] = set()
    tags: set[bytes] = set()
    for line in lines:
        tag, entries = plain.read_line(line, name)
        if not seen.isdisjoint(entries):
            raise ValueError  # the newer entry counts
        seen.update(entries)
        tags.add(tag)
        value += plain.value_of(tag, entries)
    if len(tags) > 1:
        raise ValueError
    return b"%b\t%b\t%d\n" % (name, tags.pop(), value)


def _rows(name: bytes, lines: "Iterable[bytes]") -> "Iterable[bytes]":
    """Yield the row of each type of a counter."""
    from crdtctl.codec.lines import decode_own_line
    from crdtctl.crdt import TYPES
    from crdtctl.crdt.counter import join_counters
    from crdtctl.errors import CrdtctlError

    try:
        first, *others = [decode_own_line(line)[1] for line in lines]
        for other in others:
            first = join_counters(first, other)
        for tag in sorted(first):
            yield b"%b\t%b\t%d\n" % (name, tag.encode(), TYPES[tag].value(first[tag]))
    except CrdtctlError:
        raise ValueError from None
