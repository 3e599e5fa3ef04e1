"""Words of the command line → whole numbers."""

from crdtctl.crdt.base import MAX_DIGITS
from crdtctl.errors import UsageError, printable

#: Digits in groups of three. With '.' there must be several groups, because a single one may be a decimal point.
_GROUPED = r"[0-9]{1,3}(?:([,'_’ \u00a0\u202f])[0-9]{3}(?:\1[0-9]{3})*|(?:\.[0-9]{3}){2,})|[0-9]+(?:_[0-9]+)+"
_EXPONENT = r"([0-9]{1,30})(?:\.([0-9]{1,30}))?[eE]\+?([0-9]{1,2})"
_BASED = r"0(?:[xX][0-9a-fA-F]{1,40}|[oO][0-7]{1,40}|[bB][01]{1,100})"
_FRACTION = r"[0-9]*[.,][0-9]*"
_UNIT = r"[0-9]+ ?[^\W\d_][\w/]*|[0-9]+ ?%"


def amount(text: str) -> int:
    """Return `text` as an amount, a whole number from 0; raise `UsageError`.

    A plus sign is accepted, and white space at the ends, which ``wc -l`` prints on some systems.
    """
    plain = text.strip(" \t\r\n")
    digits = plain.removeprefix("+")
    if not plain:
        raise UsageError("the amount is empty", "is a variable unset, or did a command fail?")
    if not _is_whole(digits):
        raise UsageError(f"'{_shown(text)}' is not an amount: {_why_not(plain)}", _advice(plain))
    if len(digits) > MAX_DIGITS:
        raise UsageError(f"an amount has at most {MAX_DIGITS} digits, and this one has {len(digits)}")
    return int(digits)


def is_amount(text: str) -> bool:
    """Return whether `text` is an amount."""
    return _is_whole(text.strip(" \t\r\n").removeprefix("+"))


def of_replica(verb: str, name: str, replica: str, text: str) -> int:
    """Return the amount of ``NAME REPLICA AMOUNT``; raise `UsageError`, also for another order of the words."""
    if is_amount(replica) and not is_amount(text) and text.strip():
        from crdtctl.store.commit import typed

        raise UsageError(
            f"'{_shown(text)}' is not an amount", f"AMOUNT comes last: {typed(verb, name, text, replica.strip())}"
        )
    return amount(text)


def whole(text: str, option: str) -> int:
    """Return `text` as a whole number of any sign, the value of `option`; raise `UsageError`."""
    plain = text.strip(" \t\r\n")
    digits = plain[1:] if plain[:1] in ("+", "-") else plain
    if not plain:
        raise UsageError(f"the value of {option} is empty", "is a variable unset, or did a command fail?")
    if not _is_whole(digits) or len(digits) > MAX_DIGITS:
        meant = _meant(digits)
        hint = f"write {plain[: -len(digits)]}{meant}" if meant else f"{option} needs one"
        raise UsageError(f"'{_shown(text)}' is not a whole number", hint)
    return int(plain)


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _shown(text: str) -> str:
    return printable(text[:40]) + ("…" if len(text) > 40 else "")


def _why_not(text: str) -> str:
    if _is_negative(text):
        return "it is negative"
    return "it is not written in digits only" if _meant(text.removeprefix("+")) else "it is not a whole number"


def _is_negative(text: str) -> bool:
    return text[:1] == "-" and bool(_is_whole(text[1:]) or _meant(text[1:]))


def _advice(text: str) -> str:
    import re  # only here, and below: wrong amounts are rare

    meant = _meant(text.removeprefix("+"))
    if _is_negative(text):
        return "amounts are never negative; use decrement"
    if meant:
        return f"write {meant}"
    if text not in (".", ",") and re.fullmatch(_FRACTION, text):
        return "count in a smaller unit, for example cents instead of euros"
    if re.fullmatch(_UNIT, text):
        return "write a whole number without a unit"
    return "write a whole number"


def _meant(text: str) -> str:
    """Return the digits of a whole number in another notation, or an empty string."""
    import re

    if re.fullmatch(_GROUPED, text):
        number = int("".join(character for character in text if character.isdigit()))
    elif re.fullmatch(_BASED, text):
        number = int(text, 0)
    elif found := re.fullmatch(_EXPONENT, text):
        before, after, exponent = found[1], (found[2] or "").rstrip("0"), int(found[3])
        if len(after) > exponent:
            return ""
        number = int(before + after) * 10 ** (exponent - len(after))
    elif text.isdecimal() and not text.isascii() and len(text) <= MAX_DIGITS:
        number = int(text)
    else:
        return ""
    return str(number) if len(str(number)) <= MAX_DIGITS else ""
