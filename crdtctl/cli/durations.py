"""Lengths of time: parsed from the command line, and printed as ages."""

import time

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_MAX = 100 * 366 * 86_400
#: Smallest length in seconds, then size and name of its unit.
_SHOWN = ((2 * 86_400, 86_400, "day"), (2 * 3600, 3600, "hour"), (120, 60, "minute"), (0, 1, "second"))


class TooLong(ValueError):
    """A length of time is out of bounds."""


def duration(text: str | float) -> float:
    """Return a word of the command line as seconds: 90, 250ms, 30s, 5m, 6h, 1h30m. Raise ValueError for another word.

    >>> duration("1h30m"), duration("0.5"), duration("2d"), duration("250ms")
    (5400.0, 0.5, 172800.0, 0.25)
    """
    found = _seconds(str(text).strip().lower())
    if found is None:
        raise ValueError(f"'{str(text)[:40]}' is not a duration: write 30s, 5m, 6h or 2d")
    if found > _MAX:
        raise TooLong(f"'{str(text)[:40]}' is longer than 100 years")
    return found


def _seconds(word: str) -> float | None:
    end = -2 if word[-2:] in _UNITS else -1
    number, unit = (word[:end], _UNITS[word[end:]]) if word[end:] in _UNITS else (word, 1.0)
    if number.isascii() and number.isdigit():
        return float(number) * unit
    import re  # only here: most durations are one whole number

    if re.fullmatch(r"\d+(?:\.\d*)?|\.\d+", word, re.ASCII):
        return float(word)
    if re.fullmatch(r"(?:(\d+(?:\.\d+)?)(ms|[smhdw]))+", word, re.ASCII):
        parts = re.findall(r"(\d+(?:\.\d+)?)(ms|[smhdw])", word, re.ASCII)
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    return None


def length(seconds: float) -> str:
    """Return a length of time in words, in the largest unit that gives at least two.

    >>> length(59), length(60 * 90), length(1), length(86_400 * 3)
    ('59 seconds', '90 minutes', '1 second', '3 days')
    """
    for least, size, unit in _SHOWN:
        if seconds >= least:
            number = int(seconds // size)
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return "0 seconds"


def ago(when: str, now: float | None = None) -> str:
    """Return the age of a time in words. A text that is not a time is returned unchanged.

    >>> ago("1970-01-01T00:00:00Z", 7200)
    '2 hours ago'
    >>> ago("1970-01-01T00:01:00Z", 0)
    'in 60 seconds, by this clock'
    """
    then = seconds_at(when)
    if then is None:
        return when
    passed = (time.time() if now is None else now) - then
    return f"{length(passed)} ago" if passed >= 0 else f"in {length(-passed)}, by this clock"


def seconds_at(when: str) -> float | None:
    """Return a time in UTC as seconds since the epoch; None if the text is not a time.

    >>> seconds_at("1970-01-01T00:01:00Z")
    60
    """
    from calendar import timegm

    try:
        return timegm(time.strptime(when, "%Y-%m-%dT%H:%M:%SZ"))
    except ValueError:
        return None


def utc(seconds: float) -> str:
    """Return seconds since the epoch as a time in UTC.

    >>> utc(60)
    '1970-01-01T00:01:00Z'
    """
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
