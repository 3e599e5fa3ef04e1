"""The plain part of entries that keep periods, for the fast path. Imported for such counters only."""

from crdtctl.codec.plain import DATED, WEIGHTS, number, read_line
from crdtctl.crdt import periods

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def read(tail: bytes, width: int) -> tuple[int, int, str]:
    """Return the settings and the periods at the end of an entry with `width` totals; raise ValueError."""
    first, comma, rest = tail.partition(b",")
    second, quote, text = rest.partition(b',"')
    every, keep = number(first), number(second)
    if not 0 < every <= periods.FINEST or not (keep or (quote and second == b"0") or not comma):
        raise ValueError
    if not quote:
        return every, keep, ""
    found = text[:-1].decode()
    if text[-1:] != b'"' or not found or periods.fault(found, width):
        raise ValueError
    return every, keep, found


def heard(line: bytes, name: bytes, tag: bytes) -> list[tuple[int, int]]:
    """Return the settings of the entries of a type on a plain line of another file; raise ValueError."""
    found, _, settings = read_dated(line, name)
    return settings if found == tag else []


def read_dated(line: bytes, name: bytes) -> tuple[bytes, dict[bytes, list[int]], list[tuple[int, int]]]:
    """Return the type of the counter on a line, replica id → totals, and the settings of periods; raise ValueError."""
    tails: list[bytes] = []
    entries: list[bytes] = []
    for entry in line[:-3].split(b"],"):
        numbers, dated, tail = entry.partition(DATED)
        entries.append(numbers)
        if dated:
            tails.append(tail)
    found, totals = read_line(b"],".join(entries) + line[-3:], name)
    return found, totals, [read(tail, len(WEIGHTS[found]))[:2] for tail in tails]


def counted(maps: bytes, others: "Iterable[tuple[int, int]]", column: int, amount: int, width: int, now: int) -> bytes:
    """Return the maps of an own entry after it counted an amount, as `crdtctl.crdt.dated.counted` does."""
    every, keep, text = read(maps[len(DATED) :], width) if maps.startswith(DATED) else (0, 0, "")
    for finer, longer in others:
        every, keep = max(every, finer), max(keep, longer)
    if not every:
        return maps
    if maps and not maps.startswith(DATED):
        raise ValueError  # keys, or what resets cancelled
    added = tuple([amount if i == column else 0 for i in range(width)])
    after = periods.counted(periods.read(text, width), every, now, added)
    text = periods.text(periods.folded(after, periods.kept(every, keep)))
    if text:
        return b'%b%d,%d,"%b"' % (DATED, every, keep, text.encode())
    return b"%b%d,%d" % (DATED, every, keep) if keep else b"%b%d" % (DATED, every)
