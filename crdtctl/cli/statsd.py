"""A counter of the statsd protocol: ``NAME:AMOUNT|c``, also with a sample rate, ``|@0.1``, and tags, ``|#os:linux``.

Tags are left out: the count is the one of the name, over all tags. So are other fields, such as times.
"""

from fractions import Fraction

from crdtctl.cli.amounts import amount
from crdtctl.errors import UsageError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
else:
    from crdtctl import patterns as re

_LINE = re.compile(r"([^:|]*):([^|]*)\|([^|]*)((?:\|[^|]*)*)", re.DOTALL)
_RATE = re.compile(r"(?:0?\.[0-9]{1,30}|[01](?:\.0{0,30})?)", re.ASCII)
_WHOLE = re.compile(r"(-?)([0-9]+)(?:\.0*)?", re.ASCII)
_KINDS = {"g": "a gauge", "ms": "a time", "h": "a histogram", "s": "a set", "d": "a distribution"}


def statsd_count(line: str) -> tuple[str, int]:
    """Return the name and the amount of a counter. At a sample rate of 0.1, it counts ten times. Raise `UsageError`.

    >>> statsd_count("hits:3|c|@0.1|#os:linux"), statsd_count("users:-1|c")
    (('hits', 30), ('users', -1))
    """
    found = _LINE.fullmatch(line)
    if not found:
        raise UsageError("not NAME:AMOUNT|c, a counter of statsd")
    name, number, kind, fields = found.groups()
    if kind != "c":
        raise UsageError(f"{_KINDS.get(kind, printable(kind[:20]) or 'nothing')} of statsd, and not a counter, 'c'")
    parts = _WHOLE.fullmatch(number)
    total = amount(parts[2] if parts else number)
    for field in fields.split("|"):
        if field[:1] == "@":
            total = _at_rate(total, field[1:])
    return name, -total if parts and parts[1] else total


def _at_rate(total: int, rate: str) -> int:
    if not _RATE.fullmatch(rate) or not Fraction(rate):
        raise UsageError(f"'{printable(rate[:40])}' is not a sample rate: a number above 0, up to 1")
    whole = total / Fraction(rate)
    if whole.denominator != 1:
        raise UsageError(f"{total} at a sample rate of {rate} is not a whole number")
    return int(whole)
