"""States written by hand, from the specification of the format: no code of the package is in them."""

import json
import zlib
from collections.abc import Mapping


def document(author: str, seq: int, *lines: str, **changed: object) -> bytes:
    """Return a state of one author with these counters' lines; `changed` are fields of the header."""
    head = {"crdtctl": 1, "kind": "state", "replica": author, "clock": {author: seq}, **changed}
    return document_with(head, *lines)


def document_with(head: Mapping[str, object], *lines: str) -> bytes:
    """Return the canonical text of a header and lines, whatever they say, with its checksum."""
    text = json.dumps(head, separators=(",", ":"), ensure_ascii=False)[:-1] + ',"counters":{\n'
    if lines:
        text += ",\n".join(lines) + "\n"
    return with_checksum(text)


def with_checksum(body: str | bytes) -> bytes:
    """Return a text with its checksum behind it, whatever it holds."""
    data = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    return data + b'},"crc32":"%08x"}\n' % zlib.crc32(data)


def counted(name: str, author: str, seq: int, up: int, down: int = 0) -> str:
    """Return the line of a pncounter of one author."""
    return f'"{name}":{{"pncounter":{{"{author}":[{seq},{up},{down}]}}}}'
