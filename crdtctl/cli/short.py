"""Ids, times and sizes, shortened for a terminal."""

from __future__ import annotations

from crdtctl.cli.durations import ago

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_ID = r"([^\s,;:'()]+)-([0-9a-f]{32})(?![0-9a-f])"
_WHEN = r"\b20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z"
_UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB")


def short_ids(ids: Iterable[str]) -> dict[str, str]:
    """Return id → its short form: the name, or if several ids share it, the name and the last digits.

    >>> laptop, other = "laptop-" + 28 * "0" + "7b1f", "laptop-" + 28 * "0" + "9c2e"
    >>> list(short_ids([laptop]).values()), list(short_ids([laptop, other]).values())
    (['laptop'], ['laptop-…7b1f', 'laptop-…9c2e'])
    """
    import re

    whole = sorted({found[0] for one in ids for found in re.finditer(_ID, one)})
    names: dict[str, list[str]] = {}
    for one in whole:
        names.setdefault(one[:-33], []).append(one)
    short: dict[str, str] = {}
    for name, same in names.items():
        length = next((n for n in (4, 8, 12) if len({one[-n:] for one in same}) == len(same)), 32)
        for one in same:
            short[one] = name if len(same) == 1 else f"{name}-…{one[-length:]}" if length < 32 else one
    return short


def shortened(text: str, ids: dict[str, str]) -> str:
    """Return a text with short ids, and with ages instead of times.

    >>> shortened("settled laptop-" + 32 * "0", {"laptop-" + 32 * "0": "laptop"})
    'settled laptop'
    """
    import re

    text = re.sub(_ID, lambda found: ids.get(found[0], found[0]), text)
    return re.sub(_WHEN, lambda found: ago(found[0]), text)


def size(number: int) -> str:
    """Return a number of bytes in words.

    >>> size(1), size(657), size(49_341_070)
    ('1 byte', '657 bytes', '49.3 MB')
    """
    if number == 1:
        return "1 byte"
    amount, unit = float(number), 0
    while amount >= 999.95 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1000, unit + 1
    return f"{number} bytes" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}"
