"""A command and an interval → a line of a crontab, or units of systemd. Pure."""

from __future__ import annotations

from shlex import quote

from crdtctl.errors import UsageError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_HOUR, _DAY = 60, 24 * 60


def minutes(seconds: float) -> int:
    """Return an interval in minutes; raise `UsageError` unless an hour or a day is a whole number of intervals."""
    found = int(seconds // 60)
    if found * 60 != seconds or not (0 < found <= _DAY) or (_HOUR % found and (found % _HOUR or _DAY % found)):
        raise UsageError(
            "--every must divide an hour or a day into whole minutes or hours", "for example 5m, 10m, 30m, 2h or 1d"
        )
    return found


def crontab_line(words: Sequence[str], variables: Mapping[str, str], every: int, offset: int) -> str:
    """Return a line of a crontab that runs a command `every` N minutes, `offset` minutes after midnight.

    Raise `UsageError` for a word that a crontab cannot have.
    """
    _check(words, variables)
    start = offset % every
    minute, hour = str(start % _HOUR), "*"
    if every < _HOUR:
        minute = "*" if every == 1 else f"{start}-59/{every}"
    elif every == _DAY:
        hour = str(start // _HOUR)
    elif every > _HOUR:
        hour = f"{start // _HOUR}-23/{every // _HOUR}"
    command = " ".join([*(f"{name}={quote(value)}" for name, value in variables.items()), *map(quote, words)])
    return f"{minute} {hour} * * * " + command.replace("\\", "\\\\").replace("%", "\\%")


def systemd_units(words: Sequence[str], variables: Mapping[str, str], every: int) -> dict[str, str]:
    """Return file name → text of a service that runs a command, and of a timer that starts it.

    Raise `UsageError` for a word that a unit cannot have.
    """
    _check(words, variables)
    calendar = f"*:0/{every}" if every < _HOUR else f"0/{every // _HOUR}:00" if every < _DAY else "daily"
    environment = "".join([f"Environment={_quoted(f'{name}={value}')}\n" for name, value in variables.items()])
    command = " ".join([_quoted(word).replace("$", "$$") for word in words])
    service = (
        "[Unit]\nDescription=Sync counters with other machines\nAfter=network-online.target\n\n"
        f"[Service]\nType=oneshot\n{environment}ExecStart={command}\nSuccessExitStatus=75\nNice=10\n"
    )
    timer = (
        "[Unit]\nDescription=Sync counters with other machines, regularly\n\n"
        f"[Timer]\nOnCalendar={calendar}\nRandomizedDelaySec={every * 60 // 4}\nPersistent=true\n\n"
        "[Install]\nWantedBy=timers.target\n"
    )
    return {"crdtctl-sync.service": service, "crdtctl-sync.timer": timer}


def _check(words: Sequence[str], variables: Mapping[str, str]) -> None:
    for word in (*words, *variables.values()):
        if any(ord(letter) < 32 or letter == "\x7f" for letter in word):
            raise UsageError(
                f"'{printable(word)}' has a line break or another control character", "rename the file or directory"
            )


def _quoted(word: str) -> str:
    """Return a word for a unit, see systemd.syntax(7) and systemd.unit(5)."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    is_plain = word and all(letter.isalnum() or letter in "/-_.=:+@," for letter in word)
    return escaped if is_plain else f'"{escaped}"'
