"""The events of a replica: a journal for people, bounded in size. Nothing depends on it.

``log.jsonl`` has one JSON object a line, oldest first. When it is full, it becomes ``log.old.jsonl``. An event that
cannot be written is left out. A line that cannot be read is skipped.
"""

from __future__ import annotations

import time

from crdtctl import json_text
from crdtctl.store.durable import adopt, close
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from crdtctl.store.files import Directory

NAME = "log.jsonl"
OLD = "log.old.jsonl"
MAX_BYTES = 256 * 1024


def now() -> str:
    """Return the time, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def note(directory: Directory, did: str, **facts: Any) -> None:
    """Add a line with the time, the event and its facts. A lock of the replica must be held."""
    line = json_text.encode({"at": now(), "did": did, **facts}) + b"\n"
    flags = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        _make_room(directory, len(line))
        try:
            fd = os.open(NAME, flags, dir_fd=directory.fd)
        except FileNotFoundError:
            fd = os.open(NAME, flags | os.O_CREAT, 0o666, dir_fd=directory.fd)
            adopt(fd, directory.fd)
    except OSError:
        return
    try:
        os.write(fd, line)
    except OSError:
        pass
    finally:
        close(fd)


def _make_room(directory: Directory, size: int) -> None:
    try:
        is_full = os.stat(NAME, dir_fd=directory.fd, follow_symlinks=False).st_size + size > MAX_BYTES
    except FileNotFoundError:
        return
    if is_full:
        os.rename(NAME, OLD, src_dir_fd=directory.fd, dst_dir_fd=directory.fd)


def read(directory: Directory) -> Iterator[dict[str, Any]]:
    """Yield the events, oldest first: ``at`` and ``did`` are text, the rest are facts."""
    for name in (OLD, NAME):
        for line in filter(None, _content(directory, name).split(b"\n")):
            try:
                entry = json_text.decode(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in ("at", "did")):
                yield entry


def _content(directory: Directory, name: str) -> bytes:
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory.fd)
    except OSError:
        return b""
    try:
        return os.read(fd, MAX_BYTES)
    except OSError:
        return b""
    finally:
        close(fd)
