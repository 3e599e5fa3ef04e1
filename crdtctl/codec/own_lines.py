"""Many lines that this program wrote, decoded together. Imported for large files."""

from __future__ import annotations

from crdtctl.codec.lines import decode_own_line, has_escapes
from crdtctl.codec.numbers_only import decode_several
from crdtctl.contexts import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.crdt.counter import Counter


def decode_own_lines(text: bytes) -> list[tuple[str, Counter]]:
    """Return the names and the entries on lines, in order, each as `decode_own_line` returns it."""
    if _is_simple(text):
        with suppress(ValueError):
            return decode_several(b"{%b}" % text)
    lines = text.split(b",\n")
    are_numbers = [_has_numbers_only(line) for line in lines]
    try:
        numbers = [line for line, has in zip(lines, are_numbers, strict=True) if has]
        together = decode_several(b"{%b}" % b",".join(numbers))
    except ValueError:
        return [decode_own_line(line) for line in lines]
    following = iter(together)
    return [next(following) if has else decode_own_line(line) for line, has in zip(lines, are_numbers, strict=True)]


def _is_simple(text: bytes) -> bool:
    """Return whether a text has only plain characters, and no entry in it has a map or an array."""
    return text.isascii() and not (has_escapes(text) or b"\x7f" in text or b",{" in text or b",[" in text)


def _has_numbers_only(line: bytes) -> bool:
    """Return whether a line may hold no text but its name, types and replicas."""
    quotes = line.count(b'"') - line.count(b'\\"')
    return _is_simple(line) and quotes == 2 * (line.count(b'":{') + line.count(b'":['))
