"""TOML → data, in any layout, for small documents; TOML as this program writes it → JSON, for states of any size.

The standard reader takes about a microsecond and fifty bytes of memory for each byte of a dense document, and
the square of that for keys of many parts. So it reads small documents only. A large one must be a state as
`crdtctl.codec.other_layouts.to_toml` writes it. It is turned into JSON statement by statement.
"""

from __future__ import annotations

from crdtctl.codec.invalid import MAX_ANY_LAYOUT, Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator
    from typing import Any
else:
    from crdtctl import patterns as re

_MAX_DOTS = 8
_QUOTED = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'")

# No pattern may be tried from every offset of a long word: that would take the square of its length.
_STRING = rb'"(?:[^"\\\n]|\\.)*+'
_KEY = rb"(?:[A-Za-z0-9_-]++|" + _STRING + rb'")'
_HEADER = re.compile(rb"\[(%b)(?:\.(%b)\.(%b))?\]\n?" % (_KEY, _KEY, _KEY))
_ENTRY = re.compile(rb'(%b) = ([0-9]++|%b"|\[\n.*?\n\])\n' % (_KEY, _STRING), re.DOTALL)
_IN_ARRAY = re.compile(rb'(%b"?)( = )?|(?<![A-Za-z0-9_-])([A-Za-z0-9_-]++) = ' % _STRING)
_LAST_COMMA = re.compile(rb",\n *\]")
_CHECKSUM = re.compile(rb'"crc32":"[0-9a-f]{8}"')


def loads(text: str, parse_float: Callable[[str], Any]) -> dict[str, Any]:
    """Return the data of a document of up to `MAX_ANY_LAYOUT` bytes in any layout; raise `Invalid`."""
    import tomllib

    if any(line.count(".") > _MAX_DOTS for line in _QUOTED.sub("q", text).splitlines()):
        raise Invalid("its keys have too many parts")
    try:
        return tomllib.loads(text, parse_float=parse_float)
    except (ValueError, RecursionError) as error:
        raise Invalid(" ".join(str(error).split())) from None


def as_json(data: bytes) -> bytes:
    """Return a state in TOML, in the layout that this program writes, as JSON; raise `Invalid` for another layout.

    A document that is not a state may become JSON that is not a state either.
    """
    members: list[bytes] = []
    counters = bytearray()
    last = b""
    for header, entries in _tables(data):
        table, counter, tag = header.groups(b"") if header else (b"", b"", b"")
        if not header:
            members.append(entries)
        elif table == b"counters" and tag:
            if counter == last:
                counters[-1:] = b","
            else:
                counters += b",%b:{" % _quoted(counter)
            counters += b"%b:{%b}}" % (_quoted(tag), entries)
            last = counter
        elif table == b"checksum" and _CHECKSUM.fullmatch(entries):
            return b'{%b,"counters":{%b},%b}' % (b",".join(members), bytes(counters[1:]), entries)
        elif table != b"counters" or entries:
            members.append(b"%b:{%b}" % (_quoted(table), entries))
    raise Invalid("it is TOML without its checksum: it is truncated")


def _tables(data: bytes) -> Iterator[tuple[re.Match[bytes] | None, bytes]]:
    """Yield the header of each table, and its entries as the members of a JSON object."""
    start = 0
    while start < len(data):
        end = data.find(b"\n\n", start) + 1 or len(data)
        table = data[start:end]
        header = _HEADER.match(table)
        position = header.end() if header else 0
        entries = bytearray()
        while position < len(table):
            entry = _ENTRY.match(table, position)
            if entry is None:
                raise Invalid(
                    f"it is TOML in another layout than this program writes, and larger than {MAX_ANY_LAYOUT} bytes"
                )
            key, value = entry.groups()
            entries += b",%b:%b" % (_quoted(key), _array(value) if value.startswith(b"[") else value)
            position = entry.end()
        yield header, bytes(entries[1:])
        start = end + 1


def _quoted(key: bytes) -> bytes:
    return key if key.startswith(b'"') else b'"%b"' % key


def _array(text: bytes) -> bytes:
    if b"{" in text:
        text = _IN_ARRAY.sub(_member, text)
    return _LAST_COMMA.sub(b"]", text)


def _member(found: re.Match[bytes]) -> bytes:
    string, equals, bare = found.groups()
    if bare is not None:
        return b'"%b":' % bare
    return b"%b:" % string if equals else string
