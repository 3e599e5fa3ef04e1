"""The plain part of labels: words of the fast path → a counter's name as it is written on its line.

A text is plain if it means one thing only: keys in words, values of printable ASCII without quotes and backslashes.
Everything else is left to the full command. This module is imported for a line with labels only.
"""

from crdtctl.codec import plain
from crdtctl.codec.layout import search

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crdtctl.codec.layout import Pages

_MAX_LABELS = 16
_MAX_SPELLING = 2048
_DIGITS = b"0123456789"
_WORD = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_" + _DIGITS


def read(words: "Sequence[str]") -> tuple[str, bytes, int, bytes, str | None]:
    """Return the verb of a command line, the name on a counter's line, the amount, its key, and the value of --replica.

    Raise ValueError or IndexError for words that are not plain.
    """
    typed: dict[bytes, bytes] = {}
    places: list[str] = []
    where: str | None = None
    once = b""
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word[:1] != "-":
            places.append(word)
            continue
        if word in ("-l", "--label", "--replica", "--once"):
            option, value = word, words[at]
            at += 1
        elif word[:2] == "-l":
            option, value = "-l", word[2:]
        else:
            option, _, value = word.partition("=")
        if option == "--replica":
            if not value or value[0] == "-":
                raise ValueError
            where = value
        elif option == "--once" and places and not once and plain.is_name(value.encode()):
            once = value.encode()
        elif option in ("-l", "--label") and places:
            key, equals, value = value.partition("=")
            if not equals or "," in value:  # several labels, perhaps
                raise ValueError
            _add(typed, key.encode(), value.encode())
        else:
            raise ValueError
    name, labels = _parts(places[1].encode())
    amount = plain.number(places[2].encode()) if len(places) == 3 else 1
    if not amount or len(places) > 3:
        raise ValueError
    return places[0], _on_line(name, {**labels, **typed}), amount, once, where


def refuse_series(pages: "Pages", start: int, end: int, name: bytes) -> None:
    """Raise ValueError if a counter of this name with labels is on a line between two offsets.

    The `start` is that of a line, or the offset of the separator before one.
    """
    if pages.read(start, 1) != b'"':
        start += 2
    first, _ = search(pages, start, end, b"%b{" % name)
    if pages.read(first, len(name) + 2) == b'"%b{' % name:
        raise ValueError


def _parts(text: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """Return the name and the labels of a spelling without white space around the labels."""
    name, brace, rest = text.partition(b"{")
    labels: dict[bytes, bytes] = {}
    if brace:
        *pairs, end = rest.split(b'"')
        if end != b"}" or not pairs or len(pairs) % 2:
            raise ValueError
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            if key[-1:] != b"=" or (labels and key[:1] != b","):
                raise ValueError
            _add(labels, key[bool(labels) : -1], value)
    if not plain.is_name(name):
        raise ValueError
    return name, labels


def _add(labels: dict[bytes, bytes], key: bytes, value: bytes) -> None:
    is_plain = key and value and not key.strip(_WORD) and key[0] not in _DIGITS and key not in labels
    if not is_plain or b'"' in value or b"\\" in value or value[:1] == b" " or value[-1:] == b" ":
        raise ValueError
    if not value.isascii() or not value.decode().isprintable():
        raise ValueError
    labels[key] = value


def _on_line(name: bytes, labels: dict[bytes, bytes]) -> bytes:
    pairs = b",".join([b'%b=\\"%b\\"' % (key, labels[key]) for key in sorted(labels)])
    spelling = b"%b{%b}" % (name, pairs)
    if not 0 < len(labels) <= _MAX_LABELS or len(spelling) - 2 * len(labels) > _MAX_SPELLING:
        raise ValueError
    return spelling
