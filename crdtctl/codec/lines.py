"""One line ↔ one counter.

A canonical line is accepted only if encoding the decoded counter gives the same bytes. Decoders keep the last of two
equal keys and report nothing: this check finds repeated keys, and every other spelling than the canonical one.
"""

from __future__ import annotations

from itertools import islice

from crdtctl import json_text
from crdtctl.codec.invalid import Invalid, refuse_absurd
from crdtctl.codec.values import checked_name, reader_of, to_wire
from crdtctl.contexts import suppress
from crdtctl.crdt import KINDS, NO_COUNTERS, TYPES
from crdtctl.crdt.counter import Numbers
from crdtctl.crdt.names import replica_fault, stored_counter_fault
from crdtctl.errors import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from msgspec import Raw

    from crdtctl.crdt.counter import Counter

#: Type → the reader of its entries, once it is needed; and the decoder of lines of numbers.
_readers: dict[str, Callable[[Any], Any]] = {}
_numbers: Callable[[bytes], tuple[str, Counter]] | None = None

#: Maximum size in bytes of a short line. For a longer one, a failed attempt to decode numbers takes little of the time.
_SHORT = 256
#: Minimum size in bytes of a text whose keys are only sorted if they have to be.
_LARGE = 2**16

_NOT_CANONICAL = "a line is not canonical: its keys are unsorted or repeated, or it is not in its shortest form"


# Every digit becomes "0", so that a long run of digits is found by a plain search: a number above MAX_SAFE
# has 16 or more. (A run inside an id only costs the slower way.)
_DIGITS = bytes(0x30 if 0x30 <= byte <= 0x39 else byte for byte in range(256))
_LONG_RUN = b"0" * 16


def encode_name(name: str) -> bytes:
    """Return a name as it is written on a line, with its quotes."""
    return json_text.encode(name)


def encode_line(name: str, counter: Counter) -> bytes:
    """Return the canonical line of a counter, without the separator from the next line."""
    if type(counter) is Numbers:
        return json_text.encode({name: counter}, ordered=True)[1:-1]
    with suppress(OverflowError):  # the encoder knows numbers up to 2^64 only
        text = json_text.encode({name: counter}, ordered=True)
        if _LONG_RUN not in text.translate(_DIGITS):
            return text[1:-1]
    tree = {
        tag: {author: to_wire(KINDS[tag].record, row) for author, row in authors.items()}
        for tag, authors in counter.items()
    }
    return json_text.encode({name: tree}, ordered=True)[1:-1]


def decode_line(line: bytes) -> tuple[str, Counter]:
    """Return the name and the entries on a line of a file of any origin; raise `Invalid`.

    The caller has to check that the clock of the file contains each replica.
    """
    canonical, name, counter = _decode(b"{%b}" % line)
    if len(canonical) != len(line) + 2 or not canonical.startswith(line, 1):
        raise Invalid(_NOT_CANONICAL)
    return name, counter


def decode_own_line(line: bytes) -> tuple[str, Counter]:
    """Return the name and the entries on a line that this program wrote, in a file with the right checksum.

    It skips most checks of `decode_line`. A line that may contain a control character is checked like one of any
    origin, because its names are shown to users.
    """
    if has_escapes(line) or b"\x7f" in line or not line.isascii():
        name, counter = decode_line(line)
        for authors in counter.values():
            for author in authors:
                checked_name(author, replica_fault)
        return name, counter
    text = b"{%b}" % line
    if json_text.is_much():
        try:
            return _decode_numbers(text)
        except ValueError:
            pass
    canonical, name, counter = _decode_tree(_tree(text), len(text))
    if canonical != text:
        raise Invalid(_NOT_CANONICAL)
    return name, counter


def has_escapes(text: bytes) -> bool:
    """Return whether lines contain other escapes than those of quotes, which each name with labels has."""
    return b"\\" in text and b"\\" in text.replace(b'\\"', b"")


def line_from_json(name: str, value: bytes | Raw) -> bytes:
    """Return the canonical line of a counter with the value ``{TYPE: {REPLICA: [seq, …]}}``; raise `Invalid`.

    Of two equal keys, the last is taken. The caller has to check for repeated keys, and the replicas.
    """
    return _decode(b"{%b:%b}" % (encode_name(name), value))[0][1:-1]


def _decode(text: bytes) -> tuple[bytes, str, Counter]:
    """Return the canonical form of `text`, JSON in any layout, and the name and the entries of its counter."""
    found = None
    if json_text.is_much() and not (len(text) <= _SHORT and _is_mixed(text)):
        try:
            name, counter = _decode_numbers(text)
            found = json_text.encode({name: counter}, ordered=True), name, counter
        except ValueError:
            pass
    if found is None:
        size, tree = len(text), _tree(text)
        del text  # a large one is not kept beside its data, which takes many times its size
        found = _decode_tree(tree, size)
    _check_name(*found[1:])
    return found


def counter_from_tree(tree: Any) -> tuple[str, Counter]:
    """Return the name and the entries in decoded JSON ``{NAME: {TYPE: {REPLICA: [seq, …]}}}``; raise `Invalid`.

    The tree becomes the counter. The caller has to check the replicas.
    """
    name, counter = _counter_from_tree(tree)
    _check_name(name, counter)
    return name, counter


def _is_mixed(text: bytes) -> bool:
    """Return whether the entries on a canonical line are not only numbers, so that decoding them as such would fail.

    After its comma, a text in an entry follows a number, and a replica follows the entry of another one. Names may
    make the answer wrong, which only costs time.
    """
    if b",{" in text or b",[" in text:
        return True
    return b',"' in text and text.count(b',"') > text.count(b'],"') + text.count(b'},"')


def _tree(text: bytes) -> Any:
    """Return the data of a text in JSON; raise `Invalid`."""
    refuse_absurd(text)
    try:
        return json_text.decode(text)
    except (ValueError, OverflowError, RecursionError) as error:
        raise _not_json(error) from None


def _decode_tree(tree: Any, size: int) -> tuple[bytes, str, Counter]:
    """Return the canonical form of the data in a text of some `size`, and its name and entries; raise `Invalid`."""
    try:
        # To sort keys, the encoder makes a list of them, which takes more memory than the text.
        canonical = json_text.encode(tree, ordered=size <= _LARGE or not _is_sorted(tree))
    except (ValueError, OverflowError, RecursionError) as error:
        raise _not_json(error) from None
    return canonical, *_counter_from_tree(tree)


def _is_sorted(tree: Any) -> bool:
    """Return whether the keys of all objects in some data are in order."""
    parts = tree
    if type(tree) is dict:
        if not all(map(str.__lt__, tree, islice(tree, 1, None))):
            return False
        parts = tree.values()
    return all(_is_sorted(part) for part in parts if type(part) in (dict, list))


def _not_json(error: Exception) -> Invalid:
    return Invalid(f"a counter is not JSON: {error}")


def _decode_numbers(text: bytes) -> tuple[str, Counter]:
    """Return the name and the entries on a line with numbers only; raise `ValueError` for any other."""
    global _numbers
    if _numbers is None:
        from crdtctl.codec.numbers_only import decode

        _numbers = decode
    return _numbers(text)


def _counter_from_tree(tree: Any) -> tuple[str, Counter]:
    """Return the name and the entries in decoded JSON ``{NAME: {TYPE: {REPLICA: [seq, …]}}}``; raise `Invalid`.

    The tree becomes the counter, piece by piece, so that a large one is not in memory twice. The caller has to check
    the name and the replicas.
    """
    if not isinstance(tree, dict) or len(tree) != 1:
        raise Invalid("a line must hold one counter")
    ((name, types),) = tree.items()
    if not isinstance(types, dict):
        raise Invalid("a counter must be an object of types")
    for tag, authors in types.items():
        if tag not in KINDS:
            raise Invalid(f"type '{printable(tag[:40])}' is not known to this version")
        if not isinstance(authors, dict):
            raise Invalid("a type must be an object of replicas")
        read = _reader(tag)
        for author, row in authors.items():
            authors[author] = found = read(row)
            if found[0] < 1:
                raise Invalid("the commit number of an entry must be at least 1")
    return name, types


def _reader(tag: str) -> Callable[[Any], Any]:
    read = _readers.get(tag)
    if read is None:
        read = _readers[tag] = reader_of(KINDS[tag].record)
    return read


def _check_name(name: str, counter: Counter) -> None:
    wrong = stored_counter_fault(name)
    if wrong and (name not in NO_COUNTERS or counter.keys() != {NO_COUNTERS[name].tag}):
        raise Invalid(f"{wrong}: '{printable(name[:80])}'")
    if not counter:
        raise Invalid("a counter without a type")
    if not wrong and not counter.keys() <= TYPES.keys():
        raise Invalid(f"type '{min(counter.keys() - TYPES.keys())}' is not a counter type")
    if not all(counter.values()):
        raise Invalid("a type without an entry")
