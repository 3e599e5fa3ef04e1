"""Decimal numbers as whole numbers of one very small unit, so that every comparison and every sum is exact.

A number is typed as people and programs write it: ``0.35``, ``-2``, ``1e-3``, ``.5``. It has at most 30 digits before
the decimal point and 30 after it. Inside, it is a whole number of units of 10^-30. In files, it is a text in its
shortest form without an exponent.

>>> read("0.35") == 35 * UNIT // 100
True
>>> text(read("-1.50e1"))
'-15'
"""

from __future__ import annotations

#: The largest number of digits before the decimal point, and after it.
DIGITS = 30
#: The number of units in 1.
UNIT: int = 10**DIGITS

#: A text of this length is not read. A number in its longest sensible form is shorter.
_LONGEST = 100
_NO_NUMBERS = ("nan", "inf", "infinity")


class NotANumber(Exception):
    """A text is not a number that can be counted. The text is the reason; `hint` is advice, or empty."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


def read(typed: str) -> int:
    """Return a typed number in units of 10^-30; raise `NotANumber`."""
    plain = typed.strip(" \t\r\n")
    if not plain:
        raise NotANumber("the number is empty", "is a variable unset, or did a command fail?")
    if len(plain) > _LONGEST:
        raise NotANumber(f"a number has at most {DIGITS} digits before the point and {DIGITS} after it")
    mantissa, has_exponent, exponent = plain.replace("E", "e").partition("e")
    is_negative = mantissa[:1] == "-"
    whole, _, fraction = (mantissa[1:] if mantissa[:1] in ("+", "-") else mantissa).partition(".")
    digits = whole + fraction
    shown = exponent[1:] if exponent[:1] in ("+", "-") else exponent
    if not _is_whole(digits) or (has_exponent and not _is_whole(shown)):
        raise NotANumber("it is not a number", _advice(plain))
    digits = digits.lstrip("0")
    if not digits:
        return 0
    zeros = DIGITS - len(fraction) + (int(exponent) if has_exponent else 0)
    if len(digits) + zeros > 2 * DIGITS:
        raise NotANumber(f"it has more than {DIGITS} digits before the decimal point", "take a larger unit")
    if zeros < 0:
        if digits[zeros:].strip("0"):
            raise NotANumber(f"it has more than {DIGITS} digits after the decimal point", "round it")
        number = int(digits[:zeros])
    else:
        number = int(digits) * 10**zeros
    return -number if is_negative else number


def text(number: int) -> str:
    """Return a number of units as a text in its shortest form, without an exponent."""
    whole, fraction = divmod(abs(number), UNIT)
    sign = "-" if number < 0 else ""
    return f"{sign}{whole}.{fraction:0{DIGITS}}".rstrip("0").rstrip(".") if fraction else f"{sign}{whole}"


def units(shortest: str) -> int:
    """Return the units of a text that `text` made."""
    whole, _, fraction = shortest.partition(".")
    return int(whole + fraction.ljust(DIGITS, "0"))


def fault(shortest: str, most: int) -> str | None:
    """Return the fault of a text as a number in its shortest form with at most `most` digits before the point."""
    whole, point, fraction = shortest.removeprefix("-").partition(".")
    is_short = (whole == "0" or whole[:1] != "0") and (fraction[-1:] not in ("", "0") if point else True)
    if not is_short or not _is_whole(whole + fraction) or not whole or shortest == "-0":
        return "a decimal number is not in its shortest form"
    if len(whole) > most or len(fraction) > DIGITS:
        return "a decimal number has too many digits"
    return None


def rounded(numerator: int, denominator: int, places: int) -> int:
    """Return a quotient (denominator > 0) rounded to a whole number of at most `places` significant digits.

    Halves are rounded away from 0.
    """
    if numerator < 0:
        return -rounded(-numerator, denominator, places)
    scale: int = 10 ** max(0, len(str(numerator // denominator)) - places)
    return (2 * numerator + denominator * scale) // (2 * denominator * scale) * scale


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _advice(plain: str) -> str:
    """Return advice for a text that is not a number, or an empty string."""
    if plain.lstrip("+-").lower() in _NO_NUMBERS:
        return "only finite numbers can be counted"
    for mark in (",", "_", "'", " "):
        whole, found, rest = plain.partition(mark)
        if found and _is_whole(whole.lstrip("+-")) and _is_whole(rest):
            return f"write {whole}.{rest}" if mark == "," else f"write {whole}{rest}"
    number = plain.rstrip("%abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZµμ").rstrip()
    if number != plain and _is_whole(number.lstrip("+-").replace(".", "", 1)):
        return f"write it without a unit: {number}"
    return "write it in digits, for example 0.35 or 1e-3"
