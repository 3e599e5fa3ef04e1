"""Points in time: words of the command line → seconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from crdtctl.errors import UsageError, printable
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import tzinfo

_FORM = "write 2026-03-01, 2026-03-01T14:30Z, or seconds since 1970"
_DATE = 10
#: The first seconds of the years 1900 and 2200: rows of other times reach the bounds of what Python can calculate.
_BEGIN, _END = -2_208_988_800, 7_258_118_400
#: The year 1973. A smaller number is more likely a date, or a length of time.
_LEAST_SECONDS = 10**8


def moment(text: str, option: str) -> float:
    """Return a time of a count, from 1970 to 2199, as seconds since 1970; raise `UsageError`.

    >>> moment("2026-03-01", "--at"), moment("2026-03-01T01:00+01:00", "--at"), moment("1772323200.5", "--at")
    (1772323200.0, 1772323200.0, 1772323200.5)
    """
    return _seconds(text, option, UTC, 0)


def _seconds(text: str, option: str, zone: tzinfo, begin: int = _BEGIN) -> float:
    """Return a time from `begin` on as seconds since 1970; raise `UsageError`. One without an offset is in `zone`."""
    found = _unbounded(text, option, zone)
    if not begin <= found < _END:
        years = f"{1900 if begin else 1970} to 2199"
        raise UsageError(f"'{printable(text[:40])}' is not a time for {option}: it is not from {years}", _FORM)
    return found


def _unbounded(text: str, option: str, zone: tzinfo) -> float:
    word = text.strip()
    number = word.replace(".", "", 1)
    if number.isascii() and number.isdigit() and len(word) < 20:
        if float(word) < _LEAST_SECONDS:
            raise UsageError(
                f"'{printable(word)}' is not a time for {option}: as seconds since 1970, it is before 1973",
                "write a time before 1973 as a date, 1970-01-01",
            )
        return float(word)
    try:
        found = datetime.fromisoformat(word if is_dated(word) else "")
        return (found if found.tzinfo else found.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        raise UsageError(f"'{printable(text[:40])}' is not a time for {option}", _FORM) from None


def is_dated(text: str) -> bool:
    """Return whether a text begins like a date."""
    return text[4:5] == text[7:8] == "-" and text[:4].isdigit()


def since(text: str, option: str, zone: tzinfo, now: float) -> float:
    """Return a time, or a length of time before now, as seconds since 1970; raise `UsageError`."""
    from crdtctl.cli.durations import TooLong, duration

    if is_dated(text) or (text.strip().isdigit() and len(text.strip()) >= len(str(_LEAST_SECONDS))):
        return _seconds(text, option, zone)
    try:
        return now - duration(text)
    except TooLong as fault:
        raise UsageError(f"{option}: {fault}", "write a shorter one") from None
    except ValueError:
        raise UsageError(
            f"'{printable(text[:40])}' is not a time for {option}",
            f"{_FORM}; or write 24h or 30d for the time before now",
        ) from None


def until(text: str, option: str, zone: tzinfo, now: float) -> float:
    """Return the end of a range as seconds since 1970; raise `UsageError`. A day is included as a whole."""
    if is_dated(text) and len(text.strip()) == _DATE:
        _seconds(text, option, zone)
        return (datetime.fromisoformat(text.strip()) + timedelta(days=1)).replace(tzinfo=zone).timestamp()
    return since(text, option, zone, now)


def zone_of(name: str | None) -> tzinfo:
    """Return a time zone: UTC for None, that of this machine for ``local``; raise `UsageError`."""
    if name is None or name.upper() in ("UTC", "Z"):
        return UTC
    from zoneinfo import ZoneInfo, available_timezones

    try:
        path = "/etc/localtime"
        if name == "local":
            name = os.environ.get("TZ", "").removeprefix(":")  # POSIX lets a name, or a path, follow a colon
            name, path = ("", name) if name[:1] == "/" else (name, path)
        if name:
            return ZoneInfo(name)
        with open(path, "rb") as file:
            return ZoneInfo.from_file(file)
    except (ValueError, KeyError, OSError):
        from crdtctl.suggestions import did_you_mean

        hint = did_you_mean(name, available_timezones()) or "write a name such as Europe/Berlin, or UTC"
        raise UsageError(f"time zone '{printable(name[:40])}' is not known on this machine", hint) from None
