"""The plain part of idempotency keys: an amount is added under a key that no entry of the counter has.

Raise ValueError for all other lines, which are left to the full codec. This module is imported for counts with a key
only.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


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
