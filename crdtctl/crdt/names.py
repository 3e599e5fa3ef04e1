"""The rules for names: counters, replicas, idempotency keys and set elements, from this replica and from others.

A name is 1 to 200 bytes of UTF-8, printable (so no control, bidirectional or surrogate character ever reaches a
terminal or a log), in Unicode normal form C, without white space at its ends. Zero-width joiners are allowed where
writing needs them, see `crdtctl.joiners`. Set elements may be 4,096 bytes long.

A counter's name cannot contain ``=``, because the command line writes an increment as ``NAME=AMOUNT``, nor ``{`` and
``}``, which enclose labels: a counter with labels is named by its canonical spelling (`crdtctl.crdt.series`), which may
be 2,048 bytes long. Files of early versions may contain other names with braces, without ``=``. They are still read and
merged, as names without labels, and never written to.

Names from people and programs are first brought into normal form C (`entered`). A file must contain that form already.
"""

from __future__ import annotations

from itertools import islice

from crdtctl.joiners import is_printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

#: The names of the lines that hold no counter: retired replicas, attempts of jobs, and renames.
MEMBERSHIP_LINE = "="
ATTEMPTS_LINE = "=jobs"
RENAMES_LINE = "=renames"
MAX_BYTES = 200
MAX_ELEMENT_BYTES = 4096

#: Number of texts that are checked together.
_PART = 4096

_PRINTABLE = bytes(range(0x20, 0x7F))


def fault(text: str, noun: str, *, limit: int = MAX_BYTES) -> str | None:
    """Return the fault of `text` as a name, or None. It begins with the `noun`, and does not quote the text."""
    if not text:
        return f"{noun} cannot be empty"
    if text.isascii():
        size = len(text)
        if not text.isprintable():
            return f"{noun} cannot hold control characters"
    else:
        if not is_printable(text):
            return f"{noun} cannot hold control, formatting or unpaired characters"
        import unicodedata  # as below: most names are ASCII

        size = len(text.encode())
        if not unicodedata.is_normalized("NFC", text):
            return f"{noun} must be in Unicode normal form C"
    if text[0] == " " or text[-1] == " ":
        return f"{noun} cannot begin or end with white space"
    if size > limit:
        return f"{noun} cannot be longer than {limit} bytes (this one has {size})"
    return None


def are_plain(texts: Collection[str]) -> bool:
    """Return whether all texts are certainly valid names (not of counters), found by one fast check.

    If not, each text must be checked by itself. Of many texts, a part is put together at a time, to save memory.
    """
    left = iter(texts)
    while part := [*islice(left, _PART)]:
        together = f" {' ~ '.join(part)} "  # so white space at the end of a text makes two spaces in a row
        if not (together.isascii() and together.isprintable() and "  " not in together):
            return False
        if max(map(len, part)) > MAX_BYTES:
            return False
    return True


def counter_fault(text: str) -> str | None:
    """Return the fault of `text` as the name of a counter to write to, or None.

    A counter with labels is named by its canonical spelling.
    """
    if "{" in text:
        from crdtctl.crdt.spelling import spelling_fault  # only here: many programs have no labels

        return spelling_fault(text)
    return bare_fault(text)


def bare_fault(text: str) -> str | None:
    """Return the fault of `text` as the name of a counter, without labels, or None."""
    for kept in "={}":
        if kept in text:
            return f"a counter's name cannot hold '{kept}'"
    return fault(text, "a counter's name")


def stored_counter_fault(text: str) -> str | None:
    """Return the fault of `text` as a counter's name in a file, or None. Braces without labels are allowed there."""
    if "=" in text:
        return counter_fault(text)
    return fault(text, "a counter's name")


def entered(text: str) -> str:
    """Return `text`, a typed or passed name, key or element, in normal form C.

    File names on some systems are decomposed: "café" as five characters and as four is one counter.
    """
    if text.isascii():
        return text
    import unicodedata

    return unicodedata.normalize("NFC", text)


def entered_counter(text: str) -> str:
    """Return `text`, a typed or passed name of a counter, in normal form C, and with labels in canonical form."""
    text = entered(text)
    if "{" in text:
        from crdtctl.crdt.spelling import canonical

        return canonical(text)
    return text


def counter_advice(text: str, option: str = "--label") -> str:
    """Return advice for a wrong counter's name, or an empty string. The `option` is the one that takes a label.

    >>> counter_advice("requests=GET=200")
    "write for example 'requests:GET:200'"
    """
    if "{" in text:
        from crdtctl.crdt.spelling import advice

        return advice(text, option)
    import re  # only here: most names are right

    proposal = re.sub("[={}]+", ":", text).strip(": ")
    if proposal in ("", text) or counter_fault(proposal) is not None:
        return ""
    return f"write for example '{proposal}'"


def replica_fault(text: str) -> str | None:
    """Return the fault of `text` as a replica's id, or None."""
    return fault(text, "a replica's id")


def key_fault(text: str) -> str | None:
    """Return the fault of `text` as an idempotency key, or None."""
    return fault(text, "an idempotency key")


def element_fault(text: str) -> str | None:
    """Return the fault of `text` as an element of a set, or None."""
    return fault(text, "a set element", limit=MAX_ELEMENT_BYTES)


def sound_elements(lines: bytes) -> set[bytes] | None:
    """Return the elements on lines, or None if `element_fault` finds a fault in one of them.

    All lines are checked at once, which is many times as fast. That works because a line feed is not printable and
    combines with no other character, and because white space at the end of an element is next to one.
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
        import unicodedata

        is_sound = is_printable(text.replace("\n", " ")) and unicodedata.is_normalized("NFC", text)
    if not is_sound:
        return None
    if b" " in lines and (lines[0] == 0x20 or lines[-1] == 0x20 or b"\n " in lines or b" \n" in lines):
        return None
    return elements
