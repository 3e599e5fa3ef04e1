"""Other layouts of a state: any JSON, and TOML. Files are read as a whole, up to a maximum size.

Texts that decoders accept are refused here: repeated keys, floats, ``NaN``, ``true`` for 1.
"""

from __future__ import annotations

import zlib

import msgspec

from crdtctl.codec import strict_json
from crdtctl.codec.clock import CROWDED
from crdtctl.codec.header import encode_head, head_from_tree, head_to_tree
from crdtctl.codec.invalid import MAX_ANY_LAYOUT, VERSION, Invalid, newer_version, refuse_absurd
from crdtctl.codec.layout import HEAD_END, digits, is_crowded, trailer
from crdtctl.codec.lines import line_from_json
from crdtctl.codec.values import to_wire
from crdtctl.crdt import KINDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator
    from typing import NoReturn

    from crdtctl.codec.header import Head
    from crdtctl.crdt.counter import Counter
else:
    from crdtctl import patterns as re

#: Maximum size in bytes of a file in another layout than the canonical one.
MAX_BYTES = 64 * 2**20
#: Minimum number of counters that are decoded many at a time.
_MANY = 1000
_VERSION = re.compile(rb'\s*(?:\{\s*"crdtctl"\s*:|crdtctl\s*=)\s*([0-9]{1,6})\b')
_OBJECT = re.compile(rb"\s*\{")

_levels = msgspec.json.Decoder(dict[str, msgspec.Raw])


def canonical(data: bytes) -> bytes:
    """Return the canonical text of a state in another layout of JSON, or in TOML; raise `Invalid`."""
    if len(data) > MAX_BYTES:
        raise Invalid(f"it is not in canonical layout, and larger than {MAX_BYTES // 2**20} MiB")
    _check_utf8(data)
    if not data or data.isspace():
        raise Invalid("it is empty")
    begins = _VERSION.match(data)
    if begins and begins[1] != b"%d" % VERSION:
        raise newer_version(int(begins[1]))
    return _from_json(data) if _OBJECT.match(data) else _from_json(_toml_as_json(data))


def _from_json(data: bytes) -> bytes:
    """Return the canonical text of a state in JSON. Only one counter at a time is decoded."""
    fields = strict_json.decode(data, _level)
    if "counters" not in fields:
        raise Invalid("it has no counters: it is not a state of crdtctl")
    counters = strict_json.decode(fields.pop("counters"), _level)
    if any(is_crowded(bytes(fields.get(name, b""))) for name in ("clock", "received")):
        raise Invalid(CROWDED)
    for value in fields.values():
        refuse_absurd(bytes(value))
    head = {key: strict_json.decode(bytes(value)) for key, value in fields.items()}
    checksum = head.pop("crc32", None)
    whole = bytearray(encode_head(head_from_tree(head)) + HEAD_END)
    separator = b""
    for text in _lines(counters):
        whole += separator
        whole += text
        separator = b",\n"
    whole += b"\n" if separator else b""
    whole += trailer(zlib.crc32(whole))
    text = bytes(whole)
    if strict_json.quotes(data) != strict_json.quotes(text):
        raise Invalid(strict_json.TWICE)
    if not isinstance(checksum, str) or checksum.encode("utf-8", "replace") != digits(text):
        raise Invalid("its checksum is missing or wrong: it was changed or cut")
    return text


def _lines(counters: dict[str, msgspec.Raw]) -> Iterator[bytes]:
    """Yield the canonical lines of counters in order, and remove these; raise `Invalid`. Several may be one text."""
    names = sorted(counters)
    if len(names) < _MANY:
        yield from (line_from_json(name, counters.pop(name)) for name in names)
        return
    from crdtctl.codec import many_lines  # only here: small files do without

    for start in range(0, len(names), many_lines.MANY):
        some = names[start : start + many_lines.MANY]
        text = many_lines.canonical([(name, counters[name]) for name in some])
        if text is not None:
            yield text
        for name in some:
            value = counters.pop(name)
            if text is None:
                yield line_from_json(name, value)


def _level(data: bytes) -> dict[str, msgspec.Raw]:
    """Return one level of an object; raise `ValueError`. Its values are decoded, and repeated keys are found, later."""
    try:
        return _levels.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _check_utf8(data: bytes) -> None:
    try:
        data.isascii() or data.decode()
    except UnicodeDecodeError:
        raise Invalid("it is not UTF-8") from None


def to_toml(head: Head, counters: Iterable[tuple[str, Counter]], checksum: str) -> str:
    """Return a state as TOML; the last line holds the checksum of its canonical text."""
    import tomli_w

    tree = head_to_tree(head)
    tree["counters"] = {
        name: {
            tag: {author: to_wire(KINDS[tag].record, row) for author, row in sorted(authors.items())}
            for tag, authors in sorted(counter.items())
        }
        for name, counter in counters
    }
    return tomli_w.dumps(tree) + f'\n[checksum]\ncrc32 = "{checksum}"\n'


def _toml_as_json(data: bytes) -> bytes:
    import json

    from crdtctl.codec import toml

    if not data.startswith(b"crdtctl = ") and len(data) > MAX_ANY_LAYOUT:
        raise Invalid("it is neither a state in JSON nor one in TOML")
    if len(data) > MAX_ANY_LAYOUT:
        return toml.as_json(data)
    try:
        tree = toml.loads(data.decode(), _no_float)
    except Invalid as fault:
        raise Invalid(f"it is neither JSON nor TOML, or damaged: {fault.reason}") from None
    checksum = tree.pop("checksum", None)
    if not isinstance(checksum, dict) or set(checksum) != {"crc32"}:
        raise Invalid("it is neither a JSON state nor a TOML state with its checksum: not a state, or cut")
    try:
        return json.dumps({**tree, **checksum}).encode()
    except (TypeError, ValueError):
        raise Invalid("it has a date, or a number that is too large") from None


def _no_float(text: str) -> NoReturn:
    raise Invalid(f"it has the number {text[:20]}, and numbers must be whole")
