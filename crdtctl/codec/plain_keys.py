"""The plain part of idempotency keys: a key is added to a line, and lines with keys are read.

Raise ValueError for all other lines, which are left to the full codec. This module is imported for keys only.
"""

from crdtctl.codec.plain import WEIGHTS, is_name, members_of, total

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    #: Key → the totals that were sent under it.
    Keys = dict[bytes, list[int]]


def counted(maps: bytes, learned: bytes, key: bytes, row: "Sequence[int]") -> bytes:
    """Return the maps of an own entry, as `OwnLine` has them, with one more key; unchanged if they have it.

    `learned` is the line of the counter that has the entries of other replicas, and `row` has the totals of the key and
    the number of its commit. Raise ValueError if the key has other totals, if only another entry has it, or if keys may
    have expired.
    """
    opening = b'"%b":[' % key
    once, _, rest = maps[2:].partition(b"}")
    totals = b",".join([b"%d" % total for total in row[:-1]])
    if b"},{" in learned:
        raise ValueError
    if opening in once:
        there = once[once.index(opening) + len(opening) :].partition(b"]")[0]
        if not (there + b",").startswith(totals + b","):
            raise ValueError
        return maps
    if opening in rest or opening in learned:
        raise ValueError
    pairs = once.split(b',"') if once else []
    pairs = [pairs[0], *[b'"' + pair for pair in pairs[1:]]] if pairs else []
    at = len([pair for pair in pairs if pair < opening])
    pairs.insert(at, b"%b%b,%d]" % (opening, totals, row[-1]))
    return b",{%b}%b" % (b",".join(pairs), rest)


def read_line(line: bytes, name: bytes) -> "tuple[bytes, dict[bytes, list[int]], list[Keys]]":
    """Return the type of the counter on a line, replica id → totals without keys, and the keys of each replica."""
    opening = b'"%b":{"' % name
    tag = line[len(opening) : line.index(b'"', len(opening))]
    rest = line[len(opening) + len(tag) + 4 : -2]
    if line != b'%b%b":{"%b]}}' % (opening, tag, rest[:-1]):
        raise ValueError
    width = len(WEIGHTS[tag])
    entries: dict[bytes, list[int]] = {}
    keys: list[Keys] = []
    before = b""
    while rest:
        replica, _, rest = rest.partition(b'":[')
        numbers, _, after = rest.partition(b"]")
        if b"{" in numbers:
            numbers, _, rest = rest.partition(b",{")
            members, _, after = rest.partition(b"}]")
            keys.append(_keys(members, width))
        row = [total(digits) for digits in numbers.split(b",")]
        if replica <= before or len(row) != width + 1 or not row[0] or not is_name(replica):
            raise ValueError
        entries[replica] = row[1:]
        before, rest = replica, after[2:]
        if after and after[:2] != b',"':
            raise ValueError
    return tag, entries, keys


def _keys(members: bytes, width: int) -> "Keys":
    """Return the keys in a map without its braces."""
    found: Keys = {}
    for key, text in members_of(members, b'":[', b'],"', b"]"):
        row = [total(digits) for digits in text.split(b",")]
        if len(row) == width + 1 and row.pop() == 0:  # the commit that used the key
            raise ValueError
        if len(row) != width or not any(row):
            raise ValueError
        found[key] = row
    if not found:
        raise ValueError
    return found


def value_of(tag: bytes, several: "Iterable[Keys]") -> int:
    """Return the amount under all keys, each once: the largest of each total that a replica sent."""
    together: Keys = {}
    for keys in several:
        for key, row in keys.items():
            together[key] = [*map(max, together[key], row)] if key in together else row
    return sum([weight * count for row in together.values() for weight, count in zip(WEIGHTS[tag], row, strict=True)])
