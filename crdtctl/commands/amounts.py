"""Words on the command line → whole numbers and seconds."""

import re

from crdtctl.crdt.base import MAX_DIGITS
from crdtctl.errors import UsageError, printable

_WHOLE = re.compile(r"[0-9]+", re.ASCII)


def amount(text: str) -> int:
    """Return the amount that `text` stands for: a whole number from 1; raise `UsageError`."""
    shown = printable(text[:40]) + ("…" if len(text) > 40 else "")
    if not _WHOLE.fullmatch(text):
        hint = "use whole numbers"
        if text[:1] == "-" and _WHOLE.fullmatch(text[1:]):
            hint = "amounts are not negative: use decrement"
        elif re.fullmatch(r"[0-9]*[.,][0-9]+", text):
            hint = "count in a smaller unit, cents for euros, say"
        raise UsageError(f"'{shown}' is not an amount: it is not a whole number", hint)
    if len(text) > MAX_DIGITS:
        raise UsageError(f"an amount has at most {MAX_DIGITS} digits, and this one has {len(text)}")
    number = int(text)
    if number < 1:
        raise UsageError("an amount must be at least 1")
    return number


def whole(text: str, option: str) -> int:
    """Return the whole number, of any sign, that `text` stands for; raise `UsageError`."""
    if not _WHOLE.fullmatch(text.removeprefix("-")) or len(text.removeprefix("-")) > MAX_DIGITS:
        raise UsageError(f"'{printable(text[:40])}' is not a whole number", f"{option} takes one")
    return int(text)
