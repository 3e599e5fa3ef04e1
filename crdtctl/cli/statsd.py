"""A counter of the statsd protocol: ``NAME:AMOUNT|c``, also with a sample rate, ``|@0.1``, and tags, ``|#os:linux``.

Tags become labels. In their keys, every character that a label's key cannot have becomes ``_``; a tag without a value
gets the value ``true``; one with an empty value is left out. Other fields, such as times, are left out.
"""

from __future__ import annotations

from fractions import Fraction

from crdtctl.cli.amounts import amount
from crdtctl.errors import UsageError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re

    from crdtctl.crdt.series import Labels
else:
    from crdtctl import patterns as re

_LINE = re.compile(r"([^:|]*):([^|]*)\|([^|]*)((?:\|[^|]*)*)", re.DOTALL)
_RATE = re.compile(r"(?:0?\.[0-9]{1,30}|[01](?:\.0{0,30})?)", re.ASCII)
_WHOLE = re.compile(r"(-?)([0-9]+)(?:\.0*)?", re.ASCII)
_OTHER = re.compile(r"[^a-zA-Z0-9_]")
_KINDS = {"g": "a gauge", "ms": "a time", "h": "a histogram", "s": "a set", "d": "a distribution"}


def statsd_count(line: str) -> tuple[str, int, Labels]:
    """Return name, amount and labels of a counter. At a sample rate of 0.1, it counts ten times. Raise `UsageError`.

    >>> statsd_count("hits:3|c|@0.1|#os:linux,cold-start"), statsd_count("users:-1|c")
    (('hits', 30, {'os': 'linux', 'cold_start': 'true'}), ('users', -1, {}))
    """
    found = _LINE.fullmatch(line)
    if not found:
        raise UsageError("not NAME:AMOUNT|c, a counter of statsd")
    name, number, kind, fields = found.groups()
    if kind != "c":
        raise UsageError(f"{_KINDS.get(kind, printable(kind[:20]) or 'nothing')} of statsd, and not a counter, 'c'")
    parts = _WHOLE.fullmatch(number)
    total = amount(parts[2] if parts else number)
    labels: Labels = {}
    for field in fields.split("|"):
        if field[:1] == "@":
            total = _at_rate(total, field[1:])
        elif field[:1] == "#":
            _add_tags(labels, field[1:])
    return name, -total if parts and parts[1] else total, labels


def _add_tags(labels: Labels, tags: str) -> None:
    for tag in filter(None, tags.split(",")):
        key, colon, value = tag.partition(":")
        key = _OTHER.sub("_", key)
        if key[:1].isdigit():
            key = f"_{key}"
        if key in labels:
            raise UsageError(f"the tag '{printable(key[:40])}' is there twice")
        if value or not colon:
            labels[key] = value or "true"


def _at_rate(total: int, rate: str) -> int:
    if not _RATE.fullmatch(rate) or not Fraction(rate):
        raise UsageError(f"'{printable(rate[:40])}' is not a sample rate: a number above 0, up to 1")
    whole = total / Fraction(rate)
    if whole.denominator != 1:
        raise UsageError(f"{total} at a sample rate of {rate} is not a whole number")
    return int(whole)
