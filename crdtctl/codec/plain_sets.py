"""The plain part of sets: elements are added to the line of a gset, and counted. This module is imported for sets only.

A line is plain if the set has an entry of this replica alone, without marks, whose elements are plain names.
"""

from crdtctl.codec import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

#: Maximum size of a line in bytes. The full codec reads a longer one in less time.
_MAX_LINE = 2**15


def added(line: bytes, name: bytes, replica: bytes, seq: int, elements: "Sequence[bytes]") -> bytes:
    """Return the line of a gset after commit `seq` added some plain elements to this replica's entry.

    If the entry has all of them, the line is unchanged. Raise ValueError for a special line, and for an entry with some
    of them.
    """
    opening = b'"%b":{"gset":{"%b":[' % (name, replica)
    if len(line) > _MAX_LINE or not line.startswith(opening) or line[-4:] != b"}]}}":
        raise ValueError
    last, separator, text = line[len(opening) : -4].partition(b",{")
    if not separator or not plain.number(last):
        raise ValueError
    there = dict(plain.members_of(text, b'":', b',"', b""))
    if not all(map(plain.number, there.values())):
        raise ValueError
    if there.keys() >= set(elements):
        return line
    if not there.keys().isdisjoint(elements):
        raise ValueError
    there.update(dict.fromkeys(elements, b"%d" % seq))
    body = b",".join([b'"%b":%b' % (element, there[element]) for element in sorted(there)])
    return b"%b%d,{%b}]}}" % (opening, seq, body)


def elements_of(line: bytes, name: bytes) -> dict[bytes, set[bytes]]:
    """Return replica id → elements, of a gset without marks. Raise ValueError for a special line."""
    opening = b'"%b":{"gset":{' % name
    if len(line) > _MAX_LINE or not line.startswith(opening) or line[-4:] != b"}]}}":
        raise ValueError
    found: dict[bytes, set[bytes]] = {}
    before = b""
    for entry in line[len(opening) : -4].split(b"}],"):
        replica, separator, rest = entry[1:].partition(b'":[')
        last, comma, text = rest.partition(b",{")
        if entry[:1] != b'"' or not separator or not comma or not plain.number(last):
            raise ValueError
        if replica <= before or not plain.is_name(replica):
            raise ValueError
        added = dict(plain.members_of(text, b'":', b',"', b""))
        if not all(map(plain.number, added.values())):
            raise ValueError
        found[replica] = {*added}
        before = replica
    return found
