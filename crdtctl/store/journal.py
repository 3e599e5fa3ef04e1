"""The journals of a replica, for people, bounded in size: events, and counts if the settings ask for them.

A journal ``log.jsonl`` has one JSON object a line, oldest first. When it is full, it becomes ``log.old.jsonl``. A line
that cannot be written is left out, and one that cannot be read is skipped: no total depends on a journal.
"""

from __future__ import annotations

import time

from crdtctl import json_text
from crdtctl.contexts import suppress
from crdtctl.store.durable import adopt, close, sync_directory, write_all
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from crdtctl.store.files import Directory

#: Name of a journal → maximum size of each of its two files in bytes.
EVENTS, COUNTS = "log", "counts"
MAX_BYTES = {EVENTS: 256 * 1024, COUNTS: 1024 * 1024}


def now() -> str:
    """Return the time, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def note(directory: Directory, did: str, **facts: Any) -> None:
    """Add an event, with the time and its facts. A lock of the replica must be held."""
    add(directory, EVENTS, {"did": did, **facts})


def add(directory: Directory, journal: str, facts: Mapping[str, Any]) -> None:
    """Add a line with the time and some facts to a journal. A lock of the replica must be held."""
    with suppress(OSError):
        append(directory, journal, facts)


def append(directory: Directory, journal: str, facts: Mapping[str, Any], *, is_durable: bool = False) -> None:
    """Add a line as `add` does, but raise OSError if it cannot be written. If `is_durable`, it is on disk then."""
    line = json_text.encode({"at": now(), **facts}) + b"\n"
    flags = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    name, old = _files(journal)
    if _is_full(directory, name, len(line), MAX_BYTES[journal]):
        os.rename(name, old, src_dir_fd=directory.fd, dst_dir_fd=directory.fd)
    try:
        fd = os.open(name, flags, dir_fd=directory.fd)
    except FileNotFoundError:
        fd = os.open(name, flags | os.O_CREAT, 0o666, dir_fd=directory.fd)
        adopt(fd, directory.fd)
    try:
        write_all(fd, line)
        if is_durable:
            os.fsync(fd)
            sync_directory(directory.fd)  # the name may be new
    finally:
        close(fd)


def _files(journal: str) -> tuple[str, str]:
    """Return the names of the files of a journal: the one that is written, and the one before it."""
    return f"{journal}.jsonl", f"{journal}.old.jsonl"


def _is_full(directory: Directory, name: str, size: int, limit: int) -> bool:
    """Return whether a file has no room for a line of some `size`."""
    try:
        return os.stat(name, dir_fd=directory.fd, follow_symlinks=False).st_size + size > limit
    except FileNotFoundError:
        return False


def read(directory: Directory, journal: str = EVENTS) -> Iterator[dict[str, Any]]:
    """Yield the lines of a journal, oldest first: ``at`` is a text, and so is ``did`` of an event."""
    for name in reversed(_files(journal)):
        with suppress(OSError):
            yield from filter(None, _lines(directory, name, journal))


def faults(directory: Directory) -> Iterator[tuple[str, str]]:
    """Yield the name of each file of a journal with a fault, and the fault."""
    for journal in MAX_BYTES:
        for name in _files(journal):
            try:
                unread = sum(entry is None for entry in _lines(directory, name, journal))
            except FileNotFoundError:
                continue
            except OSError as error:
                yield name, f"it cannot be read: {error.strerror}"
                continue
            if unread:
                yield name, f"{unread} line{' is' if unread == 1 else 's are'} damaged"


def _lines(directory: Directory, name: str, journal: str) -> Iterator[dict[str, Any] | None]:
    """Yield the lines of a file of a journal, None for one that is damaged. Raise OSError if it cannot be read."""
    texts = ("at", "did") if journal == EVENTS else ("at",)
    for line in filter(None, _content(directory, name, MAX_BYTES[journal]).split(b"\n")):
        try:
            entry = json_text.decode(line)
        except ValueError:
            entry = None
        is_right = isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in texts)
        yield entry if is_right else None


def _content(directory: Directory, name: str, limit: int) -> bytes:
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory.fd)
    try:
        return os.read(fd, limit)
    finally:
        close(fd)
