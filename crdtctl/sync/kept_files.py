"""The files that syncs keep beside a replica: a cache and a history of each remote, in the folder ``sync``."""

from __future__ import annotations

from crdtctl.contexts import suppress
from crdtctl.errors import from_os, printable
from crdtctl.store import owner
from crdtctl.store.durable import NEW
from crdtctl.store.temporary import of_replica
from crdtctl.system import os

#: The ends of the names of both.
CACHE, HISTORY = ".json", ".remote.json"


def directory(replica: str) -> str:
    """Return the directory for the caches and histories of a replica's remotes."""
    return of_replica(replica)


def file_of(directory: str, url: str, suffix: str) -> str:
    """Return the path of a file about the remote `url`."""
    from crdtctl.sync.hashing import blake2b  # only here: a replica without remotes has none of these files

    return f"{directory}/{blake2b(url.encode(), digest_size=8).hexdigest()}{suffix}"


def write(directory: str, path: str, data: bytes) -> None:
    """Replace a file in `directory` as a whole, and make the directory if it does not exist."""
    draft = f"{path}.{os.getpid()}{NEW}"
    try:
        owner.make_directories(directory, shared=True)
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        with open(fd, "wb") as file, owner.opened(directory) as opened:
            owner.adopt(fd, opened)
            file.write(data)
        os.rename(draft, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(draft)
        raise from_os(error, f"write {printable(path)}") from None
