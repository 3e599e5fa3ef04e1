"""Plain additions: elements that this replica has not added yet to a set."""

from crdtctl.codec import plain
from crdtctl.codec.plain_sets import added

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crdtctl.fastpath.commit import Others


class Addition:
    """Elements for a set, sorted."""

    def __init__(self, name: bytes, elements: "Sequence[bytes]") -> None:
        self.name = name
        self.bare = b""
        self.elements = elements

    def line(self, old: bytes, header: plain.OwnHeader, others: "Others") -> tuple[bytes, bytes] | None:
        """Return the line of the counter after the next commit, and the effect of that; None if nothing changes.

        Raise ValueError if the line is special.
        """
        line = added(old, self.name, header.replica, header.seq + 1, self.elements)
        if line != old:
            return line, b"add " + self.name
        if b"},{" in others.known(self.name, verified=True):
            raise ValueError  # a reset by another replica may have cancelled them
        return None


def addition(words: "Sequence[str]") -> Addition:
    """Return the addition that the words after the verb mean; raise ValueError for special words."""
    name, *elements = [word.encode() for word in words]
    if not elements or not all(map(plain.is_name, (name, *elements))) or len(set(elements)) < len(elements):
        raise ValueError
    return Addition(name, sorted(elements))
