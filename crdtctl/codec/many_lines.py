"""Short lines of any origin, checked many at a time. Imported where all lines of a large file are checked."""

from __future__ import annotations

from itertools import islice

import msgspec

from crdtctl.codec import one_author
from crdtctl.codec.invalid import Invalid, refuse_absurd
from crdtctl.codec.lines import counter_from_tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from crdtctl.crdt.counter import Counter

#: Maximum number of lines in a block, and of the bytes of a line in it. Data takes many times the memory of its text.
_MANY = 256
_SHORT = 2**10

_decode = msgspec.json.Decoder().decode_lines
_encode = msgspec.json.Encoder(order="sorted").encode_lines


def blocks(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield lines in blocks: many short ones, or a long one alone."""
    lines = iter(lines)
    while some := list(islice(lines, _MANY)):
        if max(map(len, some)) <= _SHORT:
            yield some
        else:
            yield from ([line] for line in some)


def are_totals(lines: Sequence[bytes], clock: Mapping[str, int]) -> bool:
    """Return whether lines are certainly valid in a file with this clock, as those with one entry of totals are."""
    return one_author.may_be(lines[0]) and one_author.read(b",\n".join(lines), clock) is not None


def decoded(lines: Sequence[bytes]) -> list[tuple[str, Counter]] | None:
    """Return the names and the entries on lines, each as `decode_line` returns it; None if that would refuse one."""
    text = b"{%b}\n" % b"}\n{".join(lines)
    try:
        refuse_absurd(text)
        trees = _decode(text)
        if len(trees) != len(lines) or _encode(trees) != text:  # or one of them holds several, or is not canonical
            return None
        return [counter_from_tree(tree) for tree in trees]
    except (Invalid, ValueError, OverflowError, RecursionError):
        return None
