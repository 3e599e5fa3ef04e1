"""Many lines that this program wrote, decoded together. Imported for large files."""

from __future__ import annotations

from crdtctl.codec.lines import decode_own_line
from crdtctl.codec.numbers_only import decode_several

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.crdt.counter import Counter


def decode_own_lines(text: bytes) -> list[tuple[str, Counter]]:
    """Return the names and the entries on lines, in order: what `decode_own_line` returns for each."""
    lines = text.split(b",\n")
    are_numbers = [_has_numbers_only(line) for line in lines]
    try:
        together = decode_several(
            b"{%b}" % b",".join([line for line, has in zip(lines, are_numbers, strict=True) if has])
        )
    except ValueError:
        return [decode_own_line(line) for line in lines]
    following = iter(together)
    return [next(following) if has else decode_own_line(line) for line, has in zip(lines, are_numbers, strict=True)]


def _has_numbers_only(line: bytes) -> bool:
    """Return whether a line may hold no text but its name, types and replicas, all in plain characters."""
    if b"\\" in line or b"\x7f" in line or not line.isascii() or b",{" in line or b",[" in line:
        return False
    return line.count(b'"') == 2 * (line.count(b'":{') + line.count(b'":['))
