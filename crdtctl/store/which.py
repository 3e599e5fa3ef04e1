"""Which replica is meant, with a message where the search finds none, or one that its user would not expect."""

from __future__ import annotations

from crdtctl.errors import ConfigError, MissingError, UsageError, printable
from crdtctl.store import locate
from crdtctl.store.locate import Unclear
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from crdtctl.errors import CrdtctlError

_VARIABLES = (locate.VARIABLE, "XDG_DATA_HOME")
_PLACES = "set HOME, XDG_DATA_HOME or CRDTCTL_REPLICA"


def find(given: str | None, notes: list[str]) -> str:
    """Return the directory of the replica to use, as `locate.find` does. Messages for the user are added to `notes`.

    Raise `UsageError` or `ConfigError` for a path that is a mistake, `MissingError` for a recorded but missing replica.
    """
    variable = os.environ.get(locate.VARIABLE)
    source = locate.VARIABLE if given in (None, variable) and variable else "--replica"
    while True:
        notes.clear()
        try:
            return locate.find(given, notes)
        except Unclear as unclear:
            if unclear.why != "gone":
                raise _failure(unclear, source) from None
            if not _has_moved(unclear.subject):
                raise gone(unclear.subject) from None


def named(path: str) -> str:
    """Return the replica's directory for a path, as `locate.named` does; raise `UsageError` or `ConfigError`."""
    return _raising_refusals(locate.named, path)


def expanded(path: str, source: str = "") -> str:
    """Return a path as `locate.expanded` does; `source` is where it came from, for messages."""
    return _raising_refusals(locate.expanded, path, source)


def _raising_refusals(call: Callable[[str], str], path: str, source: str = "") -> str:
    try:
        return call(path)
    except Unclear as unclear:
        raise _failure(unclear, source) from None


def is_to_be_made(path: str) -> bool:
    """Return whether `path` is where the user's own replica is to be made by the first write.

    Raise `MissingError` where that is in a home directory that is not there.
    """
    try:
        if path != locate.in_user_data([]):
            return False
    except Unclear:
        return False
    try:
        if os.path.lexists(path):
            return not os.listdir(path)
    except OSError:
        return False
    try:
        home = locate.home()
    except Unclear:
        return True
    if path.startswith(f"{home}/") and not os.path.isdir(home or "/"):
        raise MissingError(f"your home directory {printable(home)} is not there", f"is it mounted? or {_PLACES}")
    return True


def gone(path: str) -> MissingError:
    """Return the error for a replica that was made at `path` and is missing."""
    record = locate.record(locate.in_user_state(), path)
    return MissingError(
        f"the replica that was at {printable(path)} is gone, deleted by 'git clean -x' perhaps, or not mounted",
        f"put it back, make a new one with 'crdtctl --replica {printable(path)} init', or use another one with "
        f"--replica; 'rm {printable(record)}' forgets it",
    )


def _has_moved(path: str) -> bool:
    """Return whether the replica that was at `path` is somewhere else; then it is remembered there."""
    from crdtctl.store import places

    before = places.remembered(path)
    if not before:  # the file is about another path, or damaged
        return _forgotten(path)
    for other in _candidates(path):
        if other != path and places.id_at(other) == before:
            places.note(other, before)
            places.forget(path)
            return True
    return False


def _forgotten(path: str) -> bool:
    from crdtctl.store import places

    places.forget(path)
    return not os.path.lexists(locate.record(locate.in_user_state(), path))


def _candidates(path: str) -> list[str]:
    """Return where a replica that was at `path` may be now."""
    from crdtctl.store import places

    above = os.path.dirname(path)
    found = [other for other, _ in places.everywhere()]
    while above != "/":
        above = os.path.dirname(above)
        found.append(f"{above.rstrip('/')}/{locate.NAME}")
    for place in (locate.in_user_data, locate.in_home):
        try:
            found.append(place())
        except Unclear:
            continue
    return found


def _failure(unclear: Unclear, source: str) -> CrdtctlError:
    """Return the error for an exception of `locate`; `source` is the option or variable with the path."""
    what = printable(unclear.subject)
    source = next((name for name in _VARIABLES if os.environ.get(name) == unclear.subject), source)
    is_variable = source not in ("", "--replica")
    kind = ConfigError if is_variable else UsageError
    said = f"{source} is '{what}', which" if source else f"'{what}'"
    match unclear.why:
        case "homeless":
            who = f"HOME is not set, and user {os.getuid()} is not in the user database"
            return ConfigError(f"your home directory is not known: {who}", _PLACES)
        case "home":
            return ConfigError(f"HOME is '{what}', which is not an absolute path", _PLACES)
        case "user":
            return kind(f"{said} is in the home directory of a user that there is not", "write the path out")
        case "unexpanded":
            is_url = "://" in unclear.subject
            hint = "a replica is a directory of this machine" if is_url else "write the path out as it is"
            return kind(f"{said} is not there, and {_oddness(unclear.subject)}", hint)
        case "dangling":
            return MissingError(
                f"{what} is a symbolic link to {printable(os.readlink(unclear.subject))}, which is not there",
                "is it mounted? delete the link, or name another replica with --replica",
            )
        case _:
            return UsageError(what)


def _oddness(path: str) -> str:
    """Return the oddness of a path in words."""
    if not path:
        return "it is empty"
    if path[0] in "\"'" or path[-1] in "\"'":
        return "the quotes are a part of it"
    if "://" in path:
        return "it is a URL"
    if path != path.strip():
        return "white space at an end is a part of it"
    return "nothing here replaces variables in a path"
