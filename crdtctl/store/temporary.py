"""Temporary files, also on a machine that has no directory for them."""

from __future__ import annotations

import sys

from crdtctl.contexts import suppress
from crdtctl.errors import StorageError, reason_of
from crdtctl.store.owner import make_directories
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO


#: Beginning of the name of a directory that ``run`` makes for a replica.
RUN = "crdtctl-run-"


def is_of_run(replica: str) -> bool:
    """Return whether the replica at this path was made by ``run``, for one command."""
    return os.path.basename(os.path.dirname(os.path.realpath(replica))).startswith(RUN)


def directory(spare: str = "") -> str:
    """Return the directory for temporary files, by TMPDIR and the system, or else the `spare` one.

    Raise `StorageError` if neither is writable.
    """
    if "tempfile" not in sys.modules:  # its import takes longer than most merges
        with suppress(OSError, AttributeError):
            place = os.path.abspath(_usual())
            os.close(_without_a_name(place))
            return place
    import tempfile

    with suppress(OSError):
        return tempfile.gettempdir()
    if spare:
        with suppress(OSError):
            make_directories(spare, shared=True)
            if os.access(spare, os.W_OK | os.X_OK):
                return spare
    hint = "nothing was changed; set TMPDIR to a directory that you may write to"
    raise StorageError("no writable directory for temporary files", hint)


def _without_a_name(place: str) -> int:
    """Return a new file in a directory. Not every system and file system has files without names."""
    return os.open(place, os.O_RDWR | os.O_TMPFILE | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _usual() -> str:
    """Return the directory that `tempfile` would try first."""
    named = [os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP")]
    return next(filter(None, named), "/tmp")  # noqa: S108  # a file without a name cannot be planted or guessed


def of_replica(path: str) -> str:
    """Return the directory below a replica's own that serves where the system has none for temporary files."""
    return f"{path}/sync"


def temporary_file(spare: str = "") -> IO[bytes]:
    """Return a file without a name, gone when it is closed; see `directory`."""
    if "tempfile" not in sys.modules:
        with suppress(OSError, AttributeError):
            return open(_without_a_name(_usual()), "w+b")
    import tempfile

    try:
        return tempfile.TemporaryFile(prefix="crdtctl-", dir=directory(spare))
    except OSError as error:
        raise StorageError(
            f"cannot make a temporary file: {reason_of(error)}", "nothing was changed; see TMPDIR"
        ) from None
