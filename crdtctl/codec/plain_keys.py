"""The plain part of idempotency keys: an amount is added under a key that no entry of the counter has.

Raise ValueError for all other lines, which are left to the full codec. This module is imported for counts with a key
only.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def counted(maps: bytes, learned: bytes, key: bytes, row: "Sequence[int]") -> bytes:
    """Return the maps of an own entry, as `OwnLine` has them, with one more key.

    `learned` is the line of the counter that has the entries of other replicas, and `row` has the totals of the key and
    the number of its commit. Raise ValueError if an entry has the key, or if keys may have expired.
    """
    opening = b'"%b":[' % key
    if opening in maps or opening in learned or b"},{" in learned:
        raise ValueError
    once, _, rest = maps[2:].partition(b"}")
    pairs = once.split(b',"') if once else []
    pairs = [pairs[0], *[b'"' + pair for pair in pairs[1:]]] if pairs else []
    at = len([pair for pair in pairs if pair < opening])
    pairs.insert(at, opening + b",".join([b"%d" % number for number in row]) + b"]")
    return b",{%b}%b" % (b",".join(pairs), rest)
