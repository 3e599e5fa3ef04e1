"""Other layouts of a state: any JSON, and TOML. Read whole, strictly, up to a size.

The strict reader refuses what decoders let pass: two equal keys, floats, ``NaN``, ``true`` for 1.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from crdtctl.codec.text import assemble, digits
from crdtctl.codec.wire import (
    VERSION,
    Counter,
    Head,
    Invalid,
    clock_from_tree,
    counter_from_tree,
    encode_head,
    encode_line,
    head_from_tree,
    head_to_tree,
    newer_version,
    to_wire,
)
from crdtctl.crdt import TYPES
from crdtctl.crdt.base import MAX_DIGITS

#: The largest file in another layout than the canonical one that is read.
MAX_BYTES = 64 * 2**20
_MAX_DOTS = 8
_QUOTED = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'")
_VERSION = re.compile(r'\s*(?:\{\s*"crdtctl"\s*:|crdtctl\s*=)\s*([0-9]{1,6})\b')


def canonical(data: bytes) -> bytes:
    """Return the canonical text of a state in another layout of JSON, or in TOML; raise `Invalid`."""
    if len(data) > MAX_BYTES:
        raise Invalid(f"it is not in canonical layout, and larger than {MAX_BYTES // 2**20} MiB")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid("it is not UTF-8") from None
    if not text.strip():
        raise Invalid("it is empty")
    begins = _VERSION.match(text)
    if begins and begins[1] != str(VERSION):
        raise newer_version(int(begins[1]))
    tree = _json(text) if text.lstrip()[0] == "{" else _toml(text)
    if not isinstance(tree, dict) or "crdtctl" not in tree:
        raise Invalid("it is not a state of crdtctl")
    checksum = tree.pop("crc32", None)
    counters = tree.pop("counters", None)
    head = head_from_tree(tree)
    if not isinstance(counters, dict):
        raise Invalid("it has no counters")
    lines = [encode_line(*counter_from_tree({name: counters[name]})) for name in sorted(counters)]
    whole = assemble(encode_head(head), lines)
    if not isinstance(checksum, str) or checksum.encode("utf-8", "replace") != digits(whole):
        raise Invalid("its checksum is missing or wrong: it was changed or cut")
    return whole


def decode_clock(text: str) -> dict[str, int]:
    """Return the clock that `text`, JSON, holds, as `crdtctl.codec.wire.encode_clock` writes it; raise `Invalid`."""
    return clock_from_tree(_json(text))


def to_toml(head: Head, counters: Iterable[tuple[str, Counter]], checksum: str) -> str:
    """Return a state as TOML; the last line holds the checksum of its canonical text."""
    import tomli_w

    tree = head_to_tree(head)
    tree["counters"] = {
        name: {
            tag: {author: to_wire(TYPES[tag].record, row) for author, row in sorted(authors.items())}
            for tag, authors in sorted(counter.items())
        }
        for name, counter in counters
    }
    return tomli_w.dumps(tree) + f'\n[checksum]\ncrc32 = "{checksum}"\n'


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Invalid("a key stands twice in one object")
    return found


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS + 1:
        raise Invalid(f"it holds a number of more than {MAX_DIGITS} digits")
    return int(text)


def _no_float(text: str) -> NoReturn:
    raise Invalid(f"numbers are whole here, and it holds {text[:20]}")


def _json(text: str) -> Any:
    try:
        return json.loads(
            text, object_pairs_hook=_unique, parse_int=_whole, parse_float=_no_float, parse_constant=_no_float
        )
    except (ValueError, RecursionError) as error:
        raise Invalid(f"it is not JSON, or damaged: {error}") from None


def _toml(text: str) -> Any:
    import tomllib

    # A key of many parts costs the parser memory by the square of their number; ours have three.
    if any(line.count(".") > _MAX_DOTS for line in _QUOTED.sub("q", text).splitlines()):
        raise Invalid("it is nested absurdly deep")
    try:
        tree = tomllib.loads(text, parse_float=_no_float)
    except (ValueError, RecursionError):
        raise Invalid("it is neither JSON nor TOML, or damaged") from None
    checksum = tree.pop("checksum", None)
    if not isinstance(checksum, dict) or set(checksum) != {"crc32"}:
        raise Invalid("it is neither a JSON state nor a TOML state with its checksum: not a state, or cut")
    tree["crc32"] = checksum["crc32"]
    return tree
