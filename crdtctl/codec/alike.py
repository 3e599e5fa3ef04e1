"""Lines with one entry of numbers, of one type and one replica, checked many at a time without the codec.

They are encoded again and compared all together, which takes less time than to check each. A line that is alike is
valid to the codec as well, but for the clock of its file.
"""

from crdtctl.codec import plain
from crdtctl.codec.layout import MAX_SAFE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Alike:
    """Lines of one type and one replica: name → commit number and totals. Without any, the type is empty."""

    def __init__(self, tag: bytes, replica: bytes, numbers: dict[bytes, list[int]]) -> None:
        self.tag = tag
        self.replica = replica
        self.numbers = numbers


NONE = Alike(b"", b"", {})


def alike(lines: "Mapping[bytes, bytes]") -> Alike:
    """Return the lines with the type and the replica of the first plain counter of one replica, of lines by name.

    If one of these differs from the canonical form, none is returned.
    """
    tag, replica = _first_kind(lines)
    if not tag:
        return NONE
    weights = plain.WEIGHTS[tag]
    middle = b'":{"%b":{"%b":[' % (tag, replica)
    numbers: dict[bytes, list[int]] = {}
    for name, line in lines.items():
        if line.startswith(middle, len(name) + 1):
            digits = line[len(name) + 1 + len(middle) : -3].split(b",")
            if len(digits) == 1 + len(weights) and b"".join(digits).isdigit():
                numbers[name] = [int(one) for one in digits]
    form = b'"%b' + middle.replace(b"%", b"%%") + b",".join([b"%d"] * (1 + len(weights))) + b"]}}"
    again = b"\n".join([form % (name, *row) for name, row in numbers.items()])
    is_same = again == b"\n".join([lines[name] for name in numbers]) and plain.are_names([*numbers])
    if not is_same or not all(row[0] and min(row) >= 0 and max(row) <= MAX_SAFE for row in numbers.values()):
        return NONE
    return Alike(tag, replica, numbers)


def _first_kind(lines: "Mapping[bytes, bytes]") -> tuple[bytes, bytes]:
    """Return the type and the replica of the first counter of numbers that has one replica; empty without any."""
    for name, line in lines.items():
        try:
            tag, entries = plain.read_line(line, name)
        except (ValueError, LookupError):
            continue
        if len(entries) == 1:
            (replica,) = entries
            return tag, replica
    return b"", b""
