"""The rule that every name obeys: counters, replicas, once-keys and set elements, ours and strangers'.

A name is 1 to 200 bytes of UTF-8, printable (so no control, bidirectional or surrogate character ever
reaches a terminal or a log), in Unicode normal form C, without white space at its ends. Zero-width joiners are
part of it where writing needs them, see `crdtctl.joiners`. A counter's name has no ``=`` either, because
``NAME=AMOUNT`` is how the command line spells an increment. Nothing new is called by a name with ``{`` or ``}``, which
are kept for labels; files may hold some. Set elements may be 4,096 bytes long.

What people and programs enter is brought into normal form C first (`entered`); a file must hold it already.
"""

import re
import unicodedata
from collections.abc import Collection

from crdtctl.joiners import is_printable

MAX_BYTES = 200
MAX_ELEMENT_BYTES = 4096

_STRUCTURE = re.compile(r"[={,]+")
_LEFT_OUT = dict.fromkeys(map(ord, "}\"'"))
_PRINTABLE = bytes(range(0x20, 0x7F))


def fault(text: str, what: str, *, limit: int = MAX_BYTES) -> str | None:
    """Return what is wrong with `text` as the name of a `what`, or None: it says nothing of the text itself."""
    if not text:
        return f"a {what} cannot be empty"
    if text.isascii():
        size = len(text)
        if not text.isprintable():
            return f"a {what} cannot hold control characters"
    else:
        if not is_printable(text):
            return f"a {what} cannot hold control, formatting or unpaired characters"
        size = len(text.encode())
        if not unicodedata.is_normalized("NFC", text):
            return f"a {what} must be in Unicode normal form C"
    if text[0] == " " or text[-1] == " ":
        return f"a {what} cannot begin or end with white space"
    if size > limit:
        return f"a {what} cannot be longer than {limit} bytes (this one has {size})"
    return None


def are_plain(texts: Collection[str]) -> bool:
    """Return whether these are all right as names of anything but counters, as is quickly seen of many at once.

    Of others, each must be looked at.
    """
    together = f" {' ~ '.join(texts)} "  # so that white space at an end stands beside another
    return together.isascii() and together.isprintable() and "  " not in together and max(map(len, texts)) <= MAX_BYTES


def counter_fault(text: str) -> str | None:
    """Return what is wrong with `text` as the name of a counter to write to, or None."""
    for kept in "={}":
        if kept in text:
            return f"a counter's name cannot hold '{kept}'"
    return fault(text, "counter's name")


def stored_counter_fault(text: str) -> str | None:
    """Return what is wrong with `text` as a counter's name in a file, where braces are no fault, or None."""
    return counter_fault(text.replace("{", "(").replace("}", ")"))


def entered(text: str) -> str:
    """Return `text`, a name, key or element that was typed or passed, in normal form C.

    File names on some systems are decomposed: "café" of five characters and of four is one counter.
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def counter_advice(text: str) -> str:
    """Return what to write instead of a wrong counter's name; nothing where there is no telling.

    >>> counter_advice('http_requests{code="200"}')
    "write 'http_requests:code:200', say"
    """
    proposal = _STRUCTURE.sub(":", text.translate(_LEFT_OUT)).strip(": ")
    if proposal in ("", text) or counter_fault(proposal) is not None:
        return ""
    return f"write '{proposal}', say"


def replica_fault(text: str) -> str | None:
    """Return what is wrong with `text` as a replica's id, or None."""
    return fault(text, "replica's id")


def key_fault(text: str) -> str | None:
    """Return what is wrong with `text` as a once-key, or None."""
    return fault(text, "once-key")


def element_fault(text: str) -> str | None:
    """Return what is wrong with `text` as an element of a set, or None."""
    return fault(text, "set element", limit=MAX_ELEMENT_BYTES)


def sound_elements(lines: bytes) -> set[bytes] | None:
    """Return the elements that stand on lines; None if `element_fault` finds fault with one of them.

    That is asked of all lines at once, which is many times as fast: a line feed is no printable character and goes
    together with no other one, and white space at the end of a line is beside one.
    """
    elements = set(lines.split(b"\n"))
    if b"" in elements or max(map(len, elements)) > MAX_ELEMENT_BYTES:
        return None
    if lines.isascii():
        is_sound = not lines.translate(None, _PRINTABLE).strip(b"\n")
    else:
        try:
            text = lines.decode()
        except UnicodeDecodeError:
            return None
        is_sound = is_printable(text.replace("\n", " ")) and unicodedata.is_normalized("NFC", text)
    if not is_sound:
        return None
    if b" " in lines and (lines[0] == 0x20 or lines[-1] == 0x20 or b"\n " in lines or b" \n" in lines):
        return None
    return elements
