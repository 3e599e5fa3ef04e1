"""Find the replica, like git finds a repository.

The order is: the replica that ``--replica`` or ``CRDTCTL_REPLICA`` names; the nearest ``.crdtctl`` upward from the
working directory that this user may trust; the user's own, in the data directory or else in the home directory. A
directory whose recorded replica is missing ends the search: another replica is never used instead.

This module is on the path of every increment, so it imports nothing that Python has not loaded already, but zlib.
"""

import zlib

from crdtctl.system import os, stat

NAME = ".crdtctl"
VARIABLE = "CRDTCTL_REPLICA"
#: What begins a path that a shell would have changed, had it seen it.
_UNCHANGED = "~$%\"'"
_QUOTES = "\"'"


class Unclear(ValueError):
    """The replica to use cannot be determined, or not without a message to the user.

    `why` is the name of the reason, see `crdtctl.store.which`. `subject` is the path or value at fault.
    """

    def __init__(self, why: str, subject: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.subject = subject


def find(given: str | None, notes: list[str] | None = None) -> str:
    """Return the directory of the replica to use; it may be missing.

    Raise `Unclear` without a replica to use. Messages for the user are added to `notes`. Without `notes`, `Unclear` is
    raised in their place.
    """
    given = given or os.environ.get(VARIABLE)
    return named(given) if given else upward(notes) or of_user(notes)


def named(path: str) -> str:
    """Return the replica's directory for the path that a user gave: itself, or the ``.crdtctl`` in it."""
    path = expanded(path)
    path = path.rstrip("/") or path[:1]
    if not os.path.exists(f"{path}/own.json") and os.path.exists(f"{path}/{NAME}/own.json"):
        return f"{path}/{NAME}"
    return path


def expanded(path: str) -> str:
    """Return a path with the home directory in the place of ``~`` or ``$HOME``, as a shell would write it.

    In crontabs, service files and quotes, a shell does not do that. Raise `Unclear` for a path that is most likely a
    mistake, unless it exists.
    """
    first, slash, rest = path.partition("/")
    if first in ("~", "$HOME", "${HOME}"):
        return home() + slash + rest
    if path[:1] == "~":
        whole = os.path.expanduser(path)
        if whole[:1] == "~":
            raise Unclear("user", path)
        return whole
    is_odd = path[:1] in _UNCHANGED or path[-1:] in _QUOTES or "$" in path or "://" in path or path != path.strip()
    if is_odd and not os.path.lexists(path):
        raise Unclear("unexpanded", path)
    return path


def home() -> str:
    """Return the user's home directory, without a slash at its end; raise `Unclear` if it is not known."""
    found = os.environ.get("HOME")
    if not found:
        import pwd  # only here: few programs run without HOME

        try:
            found = pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:
            raise Unclear("homeless") from None
    if not os.path.isabs(found):
        raise Unclear("home", found)
    return found.rstrip("/")


def in_user_data(notes: list[str] | None = None) -> str:
    """Return where the replica in the user's data directory is, or would be."""
    given = os.environ.get("XDG_DATA_HOME", "")
    path = expanded(given) if given else ""
    if os.path.isabs(path):
        return f"{path.rstrip('/')}/crdtctl"
    if given:
        _note(notes, f"XDG_DATA_HOME is ignored: '{given}' is not an absolute path")
    return f"{home()}/.local/share/crdtctl"


def in_home() -> str:
    """Return where a replica in the user's home directory is, or would be."""
    return f"{home()}/{NAME}"


def in_user_state() -> str:
    """Return the directory for records about replicas outside of them; empty if the user has none."""
    try:
        path = os.environ.get("XDG_STATE_HOME", "")
        path = expanded(path) if path else ""
        return f"{path.rstrip('/') if os.path.isabs(path) else f'{home()}/.local/state'}/crdtctl"
    except Unclear:
        return ""


def upward(notes: list[str] | None = None) -> str | None:
    """Return the nearest ``.crdtctl`` upward from the current directory that this user may trust."""
    try:
        here = os.getcwd()
    except OSError:
        _note(notes, f"the current directory was deleted, so no {NAME} was looked for above it")
        return None
    state = in_user_state()
    while True:
        path = f"{here}/{NAME}" if here != "/" else f"/{NAME}"
        if _is_replica(path, state, notes):
            return path
        if here == "/":
            return None
        here = os.path.dirname(here)


def of_user(notes: list[str] | None = None) -> str:
    """Return the user's own replica: in the data directory, else in the home directory; else where it is to be made."""
    path = in_user_data(notes)
    if os.path.exists(f"{path}/own.json"):
        return path
    state = in_user_state()
    if os.path.exists(record(state, path)):
        raise Unclear("gone", path)
    if not os.path.lexists(path):
        try:
            below = in_home()
        except Unclear:
            return path
        if _is_replica(below, state, notes):
            return below
    return path


def record(state: str, path: str) -> str:
    """Return the file in the directory `state` that remembers that a replica was made at `path`."""
    name = os.fsencode(path)
    return f"{state}/places/{zlib.crc32(name):08x}{zlib.adler32(name):08x}"


def is_ours(status: os.stat_result) -> bool:
    """Return whether a file belongs to this user, to root, or to the user behind sudo if this process runs as root."""
    user = os.geteuid()
    return status.st_uid in (0, user) or (user == 0 and str(status.st_uid) == os.environ.get("SUDO_UID"))


def _is_replica(path: str, state: str, notes: list[str] | None) -> bool:
    """Return whether `path` is a directory to use; raise `Unclear` if a replica was there and is not any more."""
    try:
        status = link = os.lstat(path)
    except OSError:
        if os.path.exists(record(state, path)):
            raise Unclear("gone", path) from None
        return False
    if stat.S_ISLNK(link.st_mode):
        try:
            status = os.stat(path)
        except OSError:
            if is_ours(link):
                raise Unclear("dangling", path) from None
            return False
    if not stat.S_ISDIR(status.st_mode):
        return False
    is_foreign_link = link is not status and not is_ours(link)
    if not is_foreign_link and (is_ours(status) or _is_shared(path, status)):
        return True
    owner = link if is_foreign_link else status
    _note(notes, f"{path} was not used: it belongs to another user ({_user(owner.st_uid)}); name it to use it")
    return False


def _is_shared(path: str, status: os.stat_result) -> bool:
    """Return whether a directory is shared with a group of this user, in a place that not all users may write to."""
    try:
        is_open = os.stat(os.path.dirname(path)).st_mode & stat.S_IWOTH
    except OSError:
        return False
    return bool(status.st_mode & stat.S_IWGRP and not is_open and status.st_gid in (os.getegid(), *os.getgroups()))


def _user(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _note(notes: list[str] | None, text: str) -> None:
    if notes is None:
        raise Unclear("noted", text)
    notes.append(text)
